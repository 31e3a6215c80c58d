"""The REST API under /api/v1: cameras, their telemetry, events."""
