"""Hands committed events on to other systems, to Kafka and to webhooks: at least once, in order per camera."""
