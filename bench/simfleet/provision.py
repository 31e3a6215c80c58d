"""Have the site make the fleet's credentials, by its own command for many cameras at once."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.simfleet.device import SETTINGS
from fleet.home import make_private_folder
from fleet.settings import ServerSettings


class NotProvisioned(Exception):
    """The site made no credentials; the text is what its command said."""


def ensure_bundles(settings: ServerSettings, folder: Path, count: int) -> None:
    """Make what is missing of so many bundles under `folder`; raises NotProvisioned."""
    missing = count - len(list(folder.rglob(SETTINGS)))
    if missing <= 0:
        return
    make_private_folder(folder)
    # No two cameras of a site have the same name, and an earlier run has some.
    batch = f"{time.time_ns() // 1_000_000:x}"
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as names:
        names.writelines(f"Simulated {batch}-{number}\n" for number in range(missing))
        names.flush()
        _provision(settings, Path(names.name), folder / f"batch-{batch}")


def _provision(settings: ServerSettings, names: Path, bundle: Path) -> None:
    command = [str(Path(sys.executable).with_name("camfleet")), "provision", "--batch", str(names)]
    server = f"http://127.0.0.1:{settings.config_port}"
    around = {**os.environ, "CAMFLEET_HOME": str(settings.home.path)}
    done = subprocess.run(
        [*command, "--bundle", str(bundle), "--server", server], env=around, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotProvisioned(done.stderr.strip() or f"camfleet provision ended with {done.returncode}")
