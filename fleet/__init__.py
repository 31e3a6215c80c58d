"""What two or more Camfleet programs must agree on: topics, messages, identity, sessions, settings, logs."""

__version__ = "0.1.0"
