"""Who may look: users with passwords, their sessions, the login page, the commands that manage them."""
