"""How a camera gets its next certificate by itself: when, how it asks, and how the two change places."""
