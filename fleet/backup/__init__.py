"""Backup and restore of a host: both databases as one moment saw them, the CAs and the secrets, in one sealed file."""
