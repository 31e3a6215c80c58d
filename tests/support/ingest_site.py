"""Ingest before a real broker and a database of either kind, in as many processes as a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fleet.access import ingest_id
from fleet.home import write_file
from tests.support.broker import Mosquitto
from tests.support.dashboard import Site, running_site, site_settings

GROUP = b"k3xqk3xqk3xqk3xqk3xqk3xq"


@contextmanager
def ingest_site(broker: Mosquitto, home: Path, **given: Any) -> Iterator[Site]:
    """A migrated home whose ingest finds its credentials; `given` are settings. Nothing is started."""
    ports = {name: getattr(broker.settings, name) for name in ("broker_port", "broker_servers_port")}
    settings = site_settings(home, **ports, **given)
    for process in range(1, settings.ingest_processes + 1):
        broker.files_of(ingest_id(process))
    if not settings.home.pki.exists():
        settings.home.path.mkdir(exist_ok=True)
        settings.home.pki.symlink_to(broker.settings.home.pki)
    write_file(settings.home.secret("ingest.group"), GROUP)
    with running_site(settings) as found:
        yield found
