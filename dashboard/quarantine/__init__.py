"""What could not be read and was put aside: look at it, take it in after all, or drop it."""
