"""The real parts that bench.ingest measures: Mosquitto with mutual TLS, a migrated store, ingest as its own process."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psutil
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import Engine

from bench import ingest_bare, ingest_load
from bench.ingest_events import device_ids
from dashboard.store.migrate import migrate
from dashboard.store.payload import whole
from dashboard.store.tables import events as stored_events
from fleet.settings import ServerSettings
from fleet.topics import EVERYTHING_UP
from tests.support.broker import Mosquitto, running_broker
from tests.support.dashboard import environment, site_settings
from tests.support.waiting import wait_until

INGEST = "srv-ingest-1"
PATIENCE_S = 120.0
LOOK_S = 0.02
FOLLOW_S = 0.002
# A few cameras stand for a fleet: what one may send is no limit here, though it is asked for each message.
UNLIMITED = 1_000_000


class DidNotFinish(Exception):
    """Not every event was stored in time; the text says how far it came."""


@dataclass
class Load:
    """The publishers' process."""

    process: subprocess.Popen[str]

    def start(self) -> None:
        """Let it publish everything once."""
        self._stdin.write("go\n")
        self._stdin.flush()

    def result(self) -> dict[str, Any]:
        """Wait until the broker has taken everything, and return what the publishers say."""
        said: dict[str, Any] = json.loads(_line_of(self.process))
        return said

    @property
    def _stdin(self) -> IO[str]:
        assert self.process.stdin
        return self.process.stdin


@dataclass(frozen=True)
class Drained:
    """How one subscriber went through the events: events per second from its connection, CPU seconds, peak memory."""

    per_s: float
    cpu_us: float
    rss_mb: float = 0.0


@dataclass(frozen=True)
class Limit:
    """What the broker takes and gives by itself: events per second, and the share of a core that its thread used."""

    per_s: float
    busy: float


@dataclass
class Rig:
    """One broker and whoever listens to it; stores are made anew for each measurement."""

    broker: Mosquitto
    folder: Path
    _made: int = 0
    _logs: list[Path] = field(default_factory=list)

    @contextmanager
    def load(self, cameras: int, events: int, per_s: float = 0.0) -> Iterator[Load]:
        """Start publishers of `events` events together, and have their packets ready."""
        for device_id in device_ids(cameras):
            self.broker.files_of(device_id)
        settings = self.broker.settings
        plan = ingest_load.Plan(
            str(settings.home.path), settings.broker_port, cameras, events // cameras, self._made, per_s
        )
        with _program("bench.ingest_load", plan.as_text()) as process:
            if _line_of(process) != "ready":
                raise DidNotFinish("the publishers did not start")
            yield Load(process)

    def keep_session(self) -> None:
        """Let ingest run once, so that from now on the broker keeps what comes for it."""
        with self.ingest() as ingest:
            ingest.wait_connected()

    def fill(self, load: Load) -> None:
        """Publish everything into the kept session."""
        load.start()
        load.result()

    def drain_bare(self, events: int) -> Drained:
        """Let bare paho count the backlog."""
        settings = self.broker.settings
        folder = str(self.broker.files_of(INGEST).folder)
        plan = ingest_bare.Plan(INGEST, settings.broker_servers_port, folder, EVERYTHING_UP, events)
        with _program("bench.ingest_bare", plan.as_text()) as process:
            said = json.loads(_line_of(process))
        return Drained(events / (said["ended_at"] - said["connected_at"]), said["cpu_s"] / events * 1e6)

    def drain_ingest(self, events: int, url: str | None = None) -> Drained:
        """Let ingest store the backlog in a new store (SQLite, or the given PostgreSQL database, emptied)."""
        with self.ingest(url) as ingest:
            ingest.wait_connected()
            cpu_s = ingest.cpu_s()
            ended_at = ingest.wait_stored(events)
            took = ended_at - ingest.connected_at()
            return Drained(events / took, (ingest.cpu_s() - cpu_s) / events * 1e6, ingest.peak_mb())

    def limit(self, events: int, load: Load) -> "Limit":
        """Publish as fast as the broker takes it to a subscriber that only counts."""
        settings = self.broker.settings
        folder = str(self.broker.files_of(INGEST).folder)
        plan = ingest_bare.Plan(INGEST, settings.broker_servers_port, folder, EVERYTHING_UP, events)
        broker = psutil.Process(int((settings.home.run / "broker.pid").read_text()))
        with _program("bench.ingest_count", plan.as_text()) as process:
            if _line_of(process) != "ready":
                raise DidNotFinish("the counting subscriber did not start")
            before = broker.cpu_times()
            load.start()
            ended_at = json.loads(_line_of(process))["ended_at"]
            after = broker.cpu_times()
        took = ended_at - load.result()["began_at"]
        used = after.user + after.system - before.user - before.system
        return Limit(events / took, used / took)

    def live(self, events: int, load: Load, url: str | None = None) -> Drained:
        """Publish as fast as the broker takes it while ingest stores; measured to the last commit."""
        with self.ingest(url) as ingest:
            ingest.wait_connected()
            cpu_s = ingest.cpu_s()
            load.start()
            ended_at = ingest.wait_stored(events)
            took = ended_at - load.result()["began_at"]
            return Drained(events / took, (ingest.cpu_s() - cpu_s) / events * 1e6, ingest.peak_mb())

    @contextmanager
    def ingest(self, url: str | None = None) -> Iterator["Ingest"]:
        """Run ingest on a new store."""
        self._made += 1
        store = self.folder / f"events-{self._made}.db"
        ports = {name: getattr(self.broker.settings, name) for name in ("broker_port", "broker_servers_port")}
        # One home, as the broker's session is one; a store of its own for each run.
        settings = site_settings(
            self.broker.settings.home.path,
            **ports,
            events_database_url=url or f"sqlite:///{store}",
            ingest_device_rate=UNLIMITED,
            ingest_device_burst=UNLIMITED,
            log_level="info",
        )
        engine = create_engine(settings.events_database.replace("postgresql://", "postgresql+psycopg://"))
        if url is not None:
            with engine.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
        migrate(settings)
        home = self.folder / f"run-{self._made}"
        home.mkdir()
        with (home / "ingest.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dashboard.ingest"], env=_around(settings), stdin=subprocess.DEVNULL, stderr=log
            )
            try:
                yield Ingest(process, engine, home / "ingest.log")
            finally:
                process.terminate()
                process.wait(PATIENCE_S)
                engine.dispose()


@dataclass
class Ingest:
    """The product's ingest, looked at from outside."""

    process: subprocess.Popen[bytes]
    engine: Engine
    log: Path

    def wait_stored(self, events: int) -> float:
        """Wait until so many events are committed; returns when (the clock of `time.time`)."""
        deadline = time.monotonic() + PATIENCE_S
        while self.change_seq() < events or self._stored() < events:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise DidNotFinish(f"{self._stored()} of {events} events stored; {self.log.read_text()[-600:]}")
            time.sleep(LOOK_S)
        return time.time()

    def wait_connected(self) -> None:
        """Wait until the broker has accepted its connection."""
        wait_until(lambda: "connected to the broker" in self.log.read_text(), PATIENCE_S, "ingest connects")

    def change_seq(self) -> int:
        """Return the newest committed change number: events and a few changes of cameras."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT value FROM change_counter")).scalar_one())

    def connected_at(self) -> float:
        """Return when the broker had accepted its connection, by its own log."""
        line = next(line for line in self.log.read_text().splitlines() if "connected to the broker" in line)
        found = re.search(r'"timestamp": "([^"]+)"', line)
        if found is None:
            raise DidNotFinish(f"no time in {line!r}")
        return datetime.fromisoformat(found[1]).timestamp()

    def follow(self, events: int) -> list[tuple[float, int]]:
        """Return when (time.time) which change number was seen committed, until so many events are stored."""
        seen: list[tuple[float, int]] = []
        deadline = time.monotonic() + PATIENCE_S
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            is_complete = False
            while not is_complete:
                # Before the look, so that the last look sees the number of the last event.
                is_complete = bool(seen) and seen[-1][1] >= events and self._stored() >= events
                value = connection.execute(text("SELECT value FROM change_counter")).scalar_one()
                if not seen or value != seen[-1][1]:
                    seen.append((time.time(), value))
                if time.monotonic() > deadline:
                    raise DidNotFinish(f"{self._stored()} of {events} events stored")
                time.sleep(FOLLOW_S)
        return seen

    def numbers(self) -> list[tuple[str, int, int]]:
        """Return device, seq and change number of every event."""
        with self.engine.connect() as connection:
            rows = map(whole, connection.execute(select(stored_events)).mappings())
            return [(row["device_id"], row["seq"], row["change_seq"]) for row in rows]

    def cpu_s(self) -> float:
        """Return the processor time that it has used."""
        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)

    def peak_mb(self) -> float:
        """Return the most memory that it ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def _stored(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM events")).scalar_one())


@contextmanager
def running_rig(folder: Path) -> Iterator[Rig]:
    """Run a broker as production configures it, with state under `folder`."""
    with running_broker(folder / "broker") as broker:
        broker.files_of(INGEST)
        yield Rig(broker, folder)


def _around(settings: ServerSettings) -> dict[str, str]:
    limits = {
        "CAMFLEET_INGEST_DEVICE_RATE": str(settings.ingest_device_rate),
        "CAMFLEET_INGEST_DEVICE_BURST": str(settings.ingest_device_burst),
    }
    return {**os.environ, **environment(settings), **limits}


@contextmanager
def _program(module: str, argument: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()
