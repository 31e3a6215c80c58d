"""One thread per stream: open the source, run the pipeline, hand over events, tell the state."""
