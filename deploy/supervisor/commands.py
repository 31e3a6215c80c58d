"""Run one of the installation's own commands to its end and return what it said."""

import subprocess

from deploy.supervisor.control import NotPossible
from deploy.supervisor.programs import own_command

PATIENCE_S = 120.0


def run_own(command: str, *arguments: str) -> str:
    """Return the command's output; raises NotPossible with the command's own last line when it fails."""
    argv = [own_command(command), *arguments]
    shown = " ".join([command, *arguments[:2]])
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise NotPossible(f"{command} is not installed; run ./managed_start.sh setup") from None
    except subprocess.TimeoutExpired:
        raise NotPossible(f"`{shown}` did not end within {PATIENCE_S:.0f} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotPossible(f"`{shown}` failed: {said[-1] if said else 'it said nothing'}")
    return done.stdout
