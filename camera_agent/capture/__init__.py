"""Where frames come from: files, RTSP streams, USB cameras and image folders, behind one interface."""
