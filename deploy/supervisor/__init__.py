"""Starts the programs of one host in order, keeps them alive, and stops them in reverse."""
