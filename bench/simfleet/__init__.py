"""A fleet without cameras: N devices with real certificates and real topics on one thread, to size a host by."""
