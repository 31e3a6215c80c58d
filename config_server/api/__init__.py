"""The HTTP side of config_server: routes that read a request, call a use case, and write its answer."""
