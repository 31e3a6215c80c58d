"""The history of config.db's schema."""
