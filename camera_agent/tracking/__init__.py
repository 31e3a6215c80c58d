"""Follow detections over time: pure, with time passed in."""
