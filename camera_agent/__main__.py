"""`python -m camera_agent` is `camfleet-agent`."""

from camera_agent.cli import main

if __name__ == "__main__":
    main()
