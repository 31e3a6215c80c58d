"""Delivery, show 1: whatever is killed, the store ends with exactly what the cameras decided."""

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.chance import chance_for, run_seed
from tests.support.chaos_camera import Load
from tests.support.chaos_site import ChaosSite, Grounds, chaos_site
from tests.support.chaos_truth import Verdict
from tests.support.postgres import Postgres, living, require_postgres
from tests.support.scale import count, is_full

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

PROGRAMS = ("broker", "ingest", "agent", "database")
# Of a kill: how likely it waits for a heap of rows in every outbox first.
WAITS_FOR_A_HEAP = 0.8
PATIENCE_S = 60.0
SETTLE_S = 180.0
Record = Callable[[str, object], None]


@dataclass
class Toll:
    """What the kills were."""

    killed: Counter[str] = field(default_factory=Counter)
    while_events_waited: int = 0
    waiting: list[int] = field(default_factory=list)

    def note(self, program: str, waiting: list[int]) -> None:
        self.killed[program] += 1
        self.while_events_waited += all(rows > 0 for rows in waiting)
        self.waiting.append(sum(max(0, rows) for rows in waiting))


@dataclass(frozen=True)
class Plan:
    """In which order programs are killed, and after how many more decided events."""

    order: list[str]
    moments: list[int]

    @classmethod
    def draw(cls, chance: random.Random, kills: dict[str, int], events: int) -> "Plan":
        order = [program for program, times in kills.items() for _ in range(times)]
        chance.shuffle(order)
        moments = sorted(chance.randint(0, events * 19 // 20) for _ in order)
        return cls(order, moments)


@pytest.fixture
def database() -> Iterator[Postgres]:
    require_postgres()
    with (
        tempfile.TemporaryDirectory(prefix="camfleet-postgres-", ignore_cleanup_errors=True) as folder,
        living(Postgres(Path(folder), settings=("fsync=on",))) as server,
    ):
        yield server


def load_of(name: str) -> Load:
    """Four impatient cameras for every day; acceptance takes six, with the patience that ships."""
    seed = f"{run_seed()} {name}"
    return Load(6, 25.0, seed) if is_full() else Load(4, 20.0, seed, is_impatient=True)


def kill_by(plan: Plan, site: ChaosSite, chance: random.Random) -> Toll:
    toll, before = Toll(), site.decided()
    for program, moment in zip(plan.order, plan.moments, strict=True):
        wait_for_events(site, before + moment)
        if chance.random() < WAITS_FOR_A_HEAP:
            wait_for_heaps(site, chance.randint(1, 10))
        toll.note(program, site.waiting())
        site.kill(program, chance)
    return toll


def wait_for_events(site: ChaosSite, events: int) -> None:
    site.wait_until(lambda: site.decided() >= events, PATIENCE_S, f"{events} events are decided")


def wait_for_heaps(site: ChaosSite, rows: int) -> None:
    site.wait_until(lambda: min(site.waiting()) >= rows, PATIENCE_S, f"{rows} rows wait in every outbox")


def see(site: ChaosSite, toll: Toll, record: Record) -> None:
    """Judge, and keep the counts."""
    verdict = site.settle(SETTLE_S)
    store = "postgresql" if site.database else "sqlite"
    counts = {
        **{f"{program}_kills": times for program, times in sorted(toll.killed.items())},
        "kills": toll.killed.total(),
        "kills_while_every_outbox_held_events": toll.while_events_waited,
        "rows_waiting_at_the_median_kill": sorted(toll.waiting)[len(toll.waiting) // 2],
        "events": site.decided(),
        "messages": site.rows(),
    }
    for name, value in counts.items():
        record(f"{store}_{name}", value)
    print(store, counts)
    assert verdict == Verdict(), str(verdict)
    assert toll.while_events_waited * 2 >= toll.killed.total()


def test_random_kills_lose_nothing_and_store_nothing_twice_on_postgresql(
    tmp_path: Path, database: Postgres, record_property: Record
) -> None:
    chance = chance_for("kills on PostgreSQL")
    each = count(26, 2, "kills of each program")
    events = count(52_000, 400, "events")
    plan = Plan.draw(chance, dict.fromkeys(PROGRAMS, each), events)
    grounds = Grounds(tmp_path / "servers", tmp_path / "cameras", tmp_path / "notes", database)
    with chaos_site(grounds, load_of("load on PostgreSQL")) as site:
        toll = kill_by(plan, site, chance)
        wait_for_events(site, events)
        see(site, toll, record_property)


def test_random_kills_lose_nothing_and_store_nothing_twice_with_two_ingest_processes_on_sqlite(
    tmp_path: Path, record_property: Record
) -> None:
    chance = chance_for("kills on SQLite")
    each = count(6, 1, "kills of broker, ingest and agent")
    events = count(6_000, 150, "events")
    plan = Plan.draw(chance, dict.fromkeys(PROGRAMS[:3], each), events)
    grounds = Grounds(tmp_path / "servers", tmp_path / "cameras", tmp_path / "notes", ingest_processes=2)
    with chaos_site(grounds, load_of("load on SQLite")) as site:
        toll = kill_by(plan, site, chance)
        wait_for_events(site, events)
        see(site, toll, record_property)
