"""Start Camfleet's programs in order, keep them alive, adopt them after a crash, and stop them in reverse."""
