"""The door: nginx's configuration as Camfleet ships it, rendered for one host."""
