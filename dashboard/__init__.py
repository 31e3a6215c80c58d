"""What the fleet did and is doing: people, ingest, event store, feed, web pages."""
