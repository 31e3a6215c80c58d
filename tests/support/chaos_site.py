"""A site that is made to suffer: real broker, ingest, database and camera processes, each begun again when killed."""

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dashboard.store.database import Database
from dashboard.store.migrate import migrate
from fleet.access import ingest_id
from fleet.home import write_file
from fleet.mqtt import BrokerAddress
from fleet.settings import ServerSettings
from tests.support.agent import AgentProcess
from tests.support.broker import Mosquitto
from tests.support.chaos_camera import ChaosCamera, Load
from tests.support.chaos_truth import Verdict, judge, quarantined, stored_events
from tests.support.dashboard import Site, site_settings
from tests.support.ingest_site import GROUP
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.waiting import T, wait_until

START_S = 60.0


@dataclass(frozen=True)
class Grounds:
    """Where things lie, how many share ingest's work, and what is between them. A proxy's port of None: no proxy."""

    servers: Path
    cameras: Path
    notes: Path
    database: Postgres | None = None
    ingest_processes: int = 1
    broker_port: int = field(default_factory=free_port)
    servers_port: int = field(default_factory=free_port)
    cameras_proxy_port: int | None = None
    servers_proxy_port: int | None = None


@dataclass
class ChaosSite:
    """`kill` ends a program as a crash does and begins it again at once; what ends by itself is a failure."""

    grounds: Grounds
    broker: Mosquitto
    cameras: list[ChaosCamera]
    servers: Site

    @property
    def database(self) -> Postgres | None:
        return self.grounds.database

    @property
    def ingest_numbers(self) -> range:
        return range(1, self.grounds.ingest_processes + 1)

    def start(self) -> None:
        """Start everything, and wait until every camera has a first event confirmed."""
        self.broker.start()
        for number in self.ingest_numbers:
            self.servers.launch_ingest(number)
        for camera in self.cameras:
            camera.process.write_home()
            camera.process.start()
        self.wait_until(lambda: self.ingest_status() == "ok", START_S, f"ingest is healthy: {self.ingest_log}")
        self.wait_until(lambda: self.confirmed_after(0), START_S, "every camera's first event is confirmed")

    def stop(self) -> None:
        """End everything that was started."""
        for camera in self.cameras:
            camera.process.kill()
        for name in self.servers.processes:
            self.servers.kill(name)
        self.broker.kill()
        self.servers.database.close()

    def kill(self, program: str, chance: random.Random) -> None:
        """Kill broker, database, or a process of ingest or a camera chosen by chance, and begin it again."""
        deaths: dict[str, Callable[[], None]] = {
            "broker": self._kill_broker,
            "ingest": lambda: self._kill_ingest(chance.choice(self.ingest_numbers)),
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
        gone = [name for name, process in self.servers.processes.items() if process.poll() is not None]
        assert not gone, f"{gone} ended by itself: {self.ingest_log[-2000:]}"
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
        verdict = judge(ledgers, stored_events(self.servers.database))
        verdict.quarantined = quarantined(self.servers.database)
        for camera, ledger in zip(self.cameras, ledgers, strict=True):
            verdict.ledgers += [f"{camera.process.device_id} lacks {line}" for line in ledger.lacks(camera.wish.diary)]
        return verdict

    def ingest_status(self) -> str:
        """The worst of all processes: down, degraded, ok; nothing while one does not answer."""
        try:
            said = {self.servers.ingest_health(number)["status"] for number in self.ingest_numbers}
        except httpx.HTTPError:
            return ""
        return next(status for status in ("down", "degraded", "ok") if status in said)

    @property
    def ingest_log(self) -> str:
        file = self.grounds.notes / "ingest.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _kill_broker(self) -> None:
        self.broker.kill()
        self.broker.start()

    def _kill_ingest(self, number: int) -> None:
        self.servers.kill("ingest" if number == 1 else f"ingest-{number}")
        self.servers.launch_ingest(number)

    def _kill_database(self) -> None:
        assert self.database is not None
        # One that is on its way up is waited for: a server that never got up is no victim.
        self.wait_until(self.database.answers, START_S, f"PostgreSQL is up: {self.database.log[-2000:]}")
        self.database.kill()
        self.database.begin()


@contextlib.contextmanager
def chaos_site(grounds: Grounds, load: Load) -> Iterator[ChaosSite]:
    """Run a site with its cameras until the block ends."""
    settings = _settings(grounds)
    broker = Mosquitto(settings)
    broker.authorities.write_broker(settings.home.credentials("broker").folder)
    for number in range(1, grounds.ingest_processes + 1):
        broker.files_of(ingest_id(number))
    write_file(settings.home.secret("ingest.group"), GROUP)
    migrate(settings)
    through = settings.model_copy(update={"broker_servers_port": grounds.servers_proxy_port or grounds.servers_port})
    grounds.notes.mkdir(parents=True)
    with (grounds.notes / "ingest.log").open("ab") as log:
        site = ChaosSite(grounds, broker, [], Site(through, Database(settings.events_database), "", output=log))
        site.cameras += [_camera(site, load, f"cam-chaos-{number}") for number in range(1, load.cameras + 1)]
        try:
            site.start()
            yield site
        finally:
            site.stop()


def _settings(grounds: Grounds) -> ServerSettings:
    given: dict[str, Any] = {"broker_port": grounds.broker_port, "broker_servers_port": grounds.servers_port}
    if grounds.database is not None:
        given["events_database_url"] = grounds.database.url
    return site_settings(grounds.servers, ingest_processes=grounds.ingest_processes, **given)


def _camera(site: ChaosSite, load: Load, device_id: str) -> ChaosCamera:
    notes = site.grounds.notes / device_id
    notes.mkdir(parents=True)
    wish = load.wish(device_id, notes)
    address = BrokerAddress("localhost", site.grounds.cameras_proxy_port or site.grounds.broker_port)
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
