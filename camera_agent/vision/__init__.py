"""What the camera sees: frames, detections, tracks, and the detector behind its model."""
