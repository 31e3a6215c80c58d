"""Make the API keys that EMQX reads at its start: `python -m deploy.emqx_api_keys`; never committed, never printed."""

import secrets
import sys
from pathlib import Path

from fleet.home import Home, write_file
from fleet.settings import ServerSettings, SettingsError, load

# One key for each program that asks EMQX something, so that one can be replaced without the other.
HOLDERS = ("courier", "metrics")
FOLDER, FILE = "emqx", "api-keys"


def key_file(home: Home, holder: str) -> Path:
    """Where a program finds its own key, as one line `key:secret`."""
    return home.secret(f"emqx-{holder}.key")


def make_missing(home: Home) -> Path:
    """Make each key that is not there yet and write EMQX's bootstrap file of all of them; returns its path."""
    lines = []
    for holder in HOLDERS:
        path = key_file(home, holder)
        if not path.exists():
            write_file(path, f"camfleet-{holder}:{secrets.token_urlsafe(32)}\n".encode())
        lines.append(path.read_text().strip())
    bootstrap = home.path / FOLDER / FILE
    write_file(bootstrap, "".join(f"{line}\n" for line in lines).encode())
    return bootstrap


def main() -> int:
    """Write the files; say where, and nothing of what is in them."""
    try:
        path = make_missing(load(ServerSettings).home)
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"emqx_api_keys: {error}\n")
        return 1
    sys.stdout.write(f"wrote {path}: mount it at /etc/camfleet/emqx/{FILE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
