"""A store that fills, a forwarder as a process of its own, and what receivers must have got of it."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from dashboard.ingest.decode import Fact, decode
from dashboard.ingest.projection import Projection
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.forwarding import Forwarding
from dashboard.store.intake import Intake
from dashboard.store.migrate import migrate_database
from dashboard.store.records import Records
from fleet.home import write_file
from tests.support.camera_words import event, received
from tests.support.loopback import ask
from tests.support.ports import free_port
from tests.support.waiting import wait_until

WITHIN_S = 60.0
CAMERAS = [f"cam-number-{number}" for number in range(5)]
Json = dict[str, Any]


@dataclass
class Story:
    """What cameras decide: new events, and further revisions of old ones, by chance."""

    database: Database
    chance: random.Random = field(default_factory=lambda: random.Random(4))  # noqa: S311  (not a secret)
    _revisions: dict[tuple[str, UUID], int] = field(default_factory=dict)
    _projection: Projection = field(default_factory=Projection)

    def tell(self, count: int, batch: int = 40) -> None:
        """Commit so many changes of events, as ingest does."""
        for first in range(0, count, batch):
            records = Records()
            for _ in range(first, min(first + batch, count)):
                records.extend(self._change())
            Intake(self.database).write(records)

    def _change(self) -> Records:
        device_id = self.chance.choice(CAMERAS)
        known = [key for key in list(self._revisions)[-20:] if key[0] == device_id]
        key = self.chance.choice(known) if known and self.chance.random() < 0.4 else (device_id, uuid4())
        rev = self._revisions[key] = self._revisions.get(key, 0) + 1
        said = event(len(self._revisions), now=datetime.now(UTC), event_id=key[1], rev=rev)
        fact = decode(received(said, device_id=device_id), datetime.now(UTC))
        assert isinstance(fact, Fact)
        return self._projection.take(fact).records


@dataclass
class ForwarderSite:
    """A migrated home and the forwarder that runs on it, with `more` settings; what it writes goes to `output`."""

    home: Path
    database: Database
    story: Story
    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """What every forwarder of this site has written to its log."""
        return (self.home / "forwarder.log").read_text()

    @property
    def environment(self) -> dict[str, str]:
        """Its settings."""
        return {
            "CAMFLEET_HOME": str(self.home),
            "CAMFLEET_EVENTS_DATABASE_URL": self.database.url,
            "CAMFLEET_FORWARDER_PORT": str(self.port),
            "CAMFLEET_WEBHOOK_ALLOW_PRIVATE": "1",
            **self.more,
        }

    def give_webhooks(self, *lines: str) -> None:
        """Write the file of webhooks."""
        write_file(self.home / "webhooks", "\n".join(lines).encode())
        self.more["CAMFLEET_WEBHOOK_URLS_FILE"] = str(self.home / "webhooks")

    def know(self, *names: str) -> None:
        """Give targets a cursor before anything is stored, so that they get all of it."""
        for name in names:
            Forwarding(self.database).begin(name, datetime.now(UTC))

    def start(self) -> None:
        """Start the forwarder and wait until it answers."""
        self._launch("dashboard.forwarder")
        wait_until(self.health, WITHIN_S, "the forwarder answers")

    def run_until_it_kills_itself(self, kind: str) -> None:
        """Run one that dies between a delivery to this kind of target and the writing of its cursor."""
        process = self._launch("tests.support.dying_forwarder", kind)
        assert process.wait(WITHIN_S) == -9, self.output

    def refuses_to_start(self) -> str:
        """Run one whose settings are bad; returns what it said."""
        process = self._launch("dashboard.forwarder")
        assert process.wait(WITHIN_S) == 2
        return self.output

    def stop(self) -> None:
        """End it as the supervisor does."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(WITHIN_S) is not None

    def health(self) -> Json:
        """What it says of itself; empty while it does not answer."""
        assert self._process is not None
        assert self._process.poll() is None, self.output
        try:
            body: Json = ask(f"http://127.0.0.1:{self.port}/healthz").json()
        except httpx.HTTPError:
            return {}
        return body

    def metrics(self) -> str:
        """What it counts."""
        return ask(f"http://127.0.0.1:{self.port}/metrics").text

    def target(self, name: str) -> Json:
        """What it says of one target."""
        found: Json = self.health().get("targets", {}).get(name, {})
        return found

    def await_nothing_waiting(self) -> None:
        """Wait until every target has taken everything."""

        def is_done() -> bool:
            targets = self.health().get("targets", {})
            return bool(targets) and all(one["lag_events"] == 0 for one in targets.values())

        wait_until(is_done, WITHIN_S, "every target has everything")

    def _launch(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.home / "forwarder.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )
        return self._process


@contextmanager
def forwarder_site(home: Path, url: str) -> Iterator[ForwarderSite]:
    """Give a migrated home; the test starts the forwarder."""
    database = Database(url)
    migrate_database(database)
    site = ForwarderSite(home, database, Story(database))
    try:
        yield site
    finally:
        site.stop()
        database.close()


def check_got_everything(got: Sequence[Json], database: Database) -> None:
    """Every stored event arrived in its last state, and each camera's changes arrived in their order.

    What arrived before may come again: only where a change is seen for the first time counts for the order.
    """
    stored = Events(database).newest_first(EventFilter(), 1_000_000)
    arrived = {(one["event_id"], one["rev"], one["change_seq"]) for one in got}
    missing = [row for row in stored if (row["event_id"], row["rev"], row["change_seq"]) not in arrived]
    assert missing == [], f"{len(missing)} of {len(stored)} did not arrive in their last state"
    for device_id in {one["device_id"] for one in got}:
        changes = [one["change_seq"] for one in got if one["device_id"] == device_id]
        first_seen = list(dict.fromkeys(changes))
        assert first_seen == sorted(first_seen), f"{device_id}: out of order"


def repeats(got: Sequence[Json]) -> int:
    """Return how many messages came more than once."""
    return len(got) - len({json.dumps([one["event_id"], one["change_seq"]]) for one in got})
