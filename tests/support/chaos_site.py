"""A site that is made to suffer: real broker, ingest, database and camera processes, each begun again when killed."""

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dashboard.store.database import Database
from dashboard.store.migrate import migrate
from fleet.mqtt import BrokerAddress
from fleet.settings import ServerSettings
from tests.support.agent import AgentProcess
from tests.support.broker import Mosquitto
from tests.support.chaos_camera import ChaosCamera, Load
from tests.support.chaos_truth import Verdict, judge, quarantined, stored_events
from tests.support.dashboard import environment, site_settings
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.waiting import T, wait_until

INGEST = "srv-ingest-1"
START_S = 60.0


@dataclass(frozen=True)
class Grounds:
    """Where things lie, and what is between them. `None` for a proxy's port: no proxy."""

    servers: Path
    cameras: Path
    notes: Path
    database: Postgres | None = None
    broker_port: int = field(default_factory=free_port)
    servers_port: int = field(default_factory=free_port)
    cameras_proxy_port: int | None = None
    servers_proxy_port: int | None = None


@dataclass
class ChaosSite:
    """`kill` ends a program as a crash does and begins it again at once; what ends by itself is a failure."""

    grounds: Grounds
    settings: ServerSettings
    broker: Mosquitto
    cameras: list[ChaosCamera]
    store: Database
    _ingest: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Postgres | None:
        return self.grounds.database

    def start(self) -> None:
        """Start everything, and wait until every camera has a first event confirmed."""
        self.broker.start()
        self._begin_ingest()
        for camera in self.cameras:
            camera.process.write_home()
            camera.process.start()
        self.wait_until(lambda: self.ingest_status() == "ok", START_S, f"ingest is healthy: {self.ingest_log}")
        self.wait_until(lambda: self.confirmed_after(0), START_S, "every camera's first event is confirmed")

    def stop(self) -> None:
        """End everything that was started."""
        for camera in self.cameras:
            camera.process.kill()
        if self._ingest is not None:
            self._ingest.kill()
            self._ingest.wait(START_S)
        self.broker.kill()
        self.store.close()

    def kill(self, program: str, chance: random.Random) -> None:
        """Kill broker, ingest, a camera chosen by chance, or the database, and begin it again."""
        deaths: dict[str, Callable[[], None]] = {
            "broker": self._kill_broker,
            "ingest": self._kill_ingest,
            "agent": lambda: chance.choice(self.cameras).kill(),
            "database": self._kill_database,
        }
        deaths[program]()

    def wait_until(self, predicate: Callable[[], T], timeout_s: float, what: str) -> T:
        """Wait while looking after the programs; raises AssertionError when one has ended by itself."""

        def looked_after() -> T:
            self.tend()
            return predicate()

        return wait_until(looked_after, timeout_s, what)

    def tend(self) -> None:
        """Restart a database that gave up; nothing else may end without being killed."""
        if self.database is not None:
            self.database.tend()
        assert self._ingest is None or self._ingest.poll() is None, f"ingest ended by itself: {self.ingest_log[-2000:]}"
        assert self.broker.is_running, f"the broker ended by itself: {self.broker.log[-2000:]}"
        ended = [camera.process for camera in self.cameras if camera.process.ended_with is not None]
        assert not ended, f"{ended[0].device_id} ended by itself: {ended[0].log[-2000:]}"

    def decided(self) -> int:
        """How many events were ever begun, by the ledgers."""
        return sum(camera.tally.read().events for camera in self.cameras)

    def rows(self) -> int:
        """How many rows were ever decided, by the ledgers."""
        return sum(camera.tally.read().rows for camera in self.cameras)

    def waiting(self) -> list[int]:
        """How many rows each camera's outbox holds."""
        return [camera.waiting() for camera in self.cameras]

    def confirmed_after(self, seq: int) -> bool:
        """Say whether a row after `seq` was confirmed to every camera."""
        return all(camera.confirmed_through() > seq for camera in self.cameras)

    def wait_for_service(self, timeout_s: float) -> None:
        """Wait until for each camera something is confirmed that was decided after now."""
        newest = [camera.newest() for camera in self.cameras]

        def served() -> bool:
            return all(camera.confirmed_through() > seq for camera, seq in zip(self.cameras, newest, strict=True))

        self.wait_until(served, timeout_s, f"service returns; ingest says {self.ingest_log[-600:]}")

    def settle(self, timeout_s: float) -> Verdict:
        """Have the cameras decide nothing more, wait until their outboxes are empty, and judge what is stored."""
        for camera in self.cameras:
            camera.wish.enough.touch()
        everything_kept = "every camera has handed all that it decided to its outbox"
        self.wait_until(lambda: all(camera.wish.finished.exists() for camera in self.cameras), 30, everything_kept)
        self.wait_until(lambda: not any(self.waiting()), timeout_s, "every outbox is empty")
        return self.judge()

    def judge(self) -> Verdict:
        """Hold ledgers, diaries and the store against each other."""
        ledgers = [camera.ledger() for camera in self.cameras]
        verdict = judge(ledgers, stored_events(self.store))
        verdict.quarantined = quarantined(self.store)
        for camera, ledger in zip(self.cameras, ledgers, strict=True):
            verdict.ledgers += [f"{camera.process.device_id} lacks {line}" for line in ledger.lacks(camera.wish.diary)]
        return verdict

    def ingest_health(self) -> dict[str, Any]:
        """What ingest says of itself; empty while it does not answer."""
        try:
            body: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.settings.ingest_port}/healthz", timeout=5).json()
        except httpx.HTTPError:
            return {}
        return body

    def ingest_status(self) -> str:
        """ok, degraded, down, or nothing while it does not answer."""
        return str(self.ingest_health().get("status", ""))

    @property
    def ingest_log(self) -> str:
        file = self.grounds.notes / "ingest.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _kill_broker(self) -> None:
        self.broker.kill()
        self.broker.start()

    def _kill_ingest(self) -> None:
        assert self._ingest is not None
        self._ingest.kill()
        self._ingest.wait(START_S)
        self._begin_ingest()

    def _kill_database(self) -> None:
        assert self.database is not None
        # One that is on its way up is waited for: a server that never got up is no victim.
        self.wait_until(self.database.answers, START_S, f"PostgreSQL is up: {self.database.log[-2000:]}")
        self.database.kill()
        self.database.begin()

    def _begin_ingest(self) -> None:
        around = {**os.environ, **environment(self.settings)}
        if self.grounds.servers_proxy_port is not None:
            around["CAMFLEET_BROKER_SERVERS_PORT"] = str(self.grounds.servers_proxy_port)
        with (self.grounds.notes / "ingest.log").open("ab") as log:
            argv = [sys.executable, "-m", "dashboard.ingest"]
            self._ingest = subprocess.Popen(argv, env=around, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def chaos_site(grounds: Grounds, load: Load) -> Iterator[ChaosSite]:
    """Run a site with its cameras until the block ends."""
    ports = {"broker_port": grounds.broker_port, "broker_servers_port": grounds.servers_port}
    given: dict[str, Any] = {"events_database_url": grounds.database.url} if grounds.database else {}
    settings = site_settings(grounds.servers, **ports, **given)
    broker = Mosquitto(settings)
    broker.authorities.write_broker(settings.home.credentials("broker").folder)
    broker.files_of(INGEST)
    migrate(settings)
    address = BrokerAddress("localhost", grounds.cameras_proxy_port or grounds.broker_port)
    site = ChaosSite(grounds, settings, broker, [], Database(settings.events_database))
    for number in range(1, load.cameras + 1):
        site.cameras.append(_camera(site, load, f"cam-chaos-{number}", address))
    try:
        site.start()
        yield site
    finally:
        site.stop()


def _camera(site: ChaosSite, load: Load, device_id: str, address: BrokerAddress) -> ChaosCamera:
    notes = site.grounds.notes / device_id
    notes.mkdir(parents=True)
    wish = load.wish(device_id, notes)
    process = AgentProcess(
        site.grounds.cameras / device_id,
        device_id,
        address,
        site.broker.credentials(device_id),
        streams={"main": {"source": wish.source, "fps": 10}},
        health_interval_s=2.0,
        log_file=notes / "log",
        module="tests.support.chaos_agent",
    )
    return ChaosCamera(process, wish)
