"""Read files that hold secrets: only their owner may be able to."""

import stat
from collections.abc import Iterator
from pathlib import Path

from fleet.settings import SettingsError

MOST_BYTES = 1024 * 1024


def private_lines(path: Path, setting: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that says something; raises SettingsError, naming the setting."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                raise SettingsError([f"{setting}: others can read {path}: chmod 600 {path}"])
            text = file.read(MOST_BYTES).decode()
    except OSError as error:
        raise SettingsError([f"{setting}: {path}: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{setting}: {path} is not text in UTF-8"]) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()
