"""Support for tests: waiting, ports, real brokers."""
