"""Entry point of `python -m deploy.supervisor`."""

from deploy.supervisor.cli import main

main()
