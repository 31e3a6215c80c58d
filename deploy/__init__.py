"""How Camfleet is put onto hosts: supervisor, broker and door configuration."""
