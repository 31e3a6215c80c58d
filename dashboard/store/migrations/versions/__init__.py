"""The history of the schema of events.db."""
