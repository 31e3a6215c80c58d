"""Runs on the camera: capture, detect, track, decide, remember until delivered."""
