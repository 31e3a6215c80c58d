"""How long do the questions of the pages take with a million events, on SQLite and on PostgreSQL?"""

import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.history import LABELS, Past, load_events
from bench.report import Figure, percentile, run_bench
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events, place_of
from dashboard.store.migrate import migrate_database
from tests.support.postgres import running_postgres

FULL_EVENTS, QUICK_EVENTS = 1_000_000, 30_000
FULL_TIMES, QUICK_TIMES = 200, 20
PAGE = 50
LIMIT_MS = 20.0
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def questions(past: Past, dice: random.Random) -> Mapping[str, EventFilter]:
    """Return each kind of question that a page asks, about a camera, label, site and time that the dice choose."""
    camera, site = past.camera(dice.randrange(past.cameras)), past.site(dice.randrange(past.sites))
    day = past.since + DAY * dice.randrange(past.days)
    week = past.since + DAY * dice.randrange(max(1, past.days - 7))
    label = dice.choice(LABELS)
    sites = frozenset(past.site(dice.randrange(past.sites) + n) for n in range(3))
    return {
        "latest_50": EventFilter(),
        "latest_50_of_sites": EventFilter(sites=sites),
        "site_latest": EventFilter(site=site),
        "site_day": EventFilter(site=site, after=day, before=day + DAY),
        "camera_latest": EventFilter(camera=camera),
        "camera_day": EventFilter(camera=camera, after=day, before=day + DAY),
        "camera_day_of_label": EventFilter(camera=camera, label=label, after=day, before=day + DAY),
        "label_latest": EventFilter(label=label),
        "label_week": EventFilter(label=label, after=week, before=week + WEEK),
        "label_week_of_sites": EventFilter(label=label, sites=sites, after=week, before=week + WEEK),
        "day": EventFilter(after=day, before=day + DAY),
    }


def measure(quick: bool) -> list[Figure]:
    """Measure each question's p95, with its rows as Python values, asked about something else each time."""
    return measure_counts(QUICK_EVENTS, QUICK_TIMES) if quick else measure_counts(FULL_EVENTS, FULL_TIMES)


def measure_counts(events: int, times: int) -> list[Figure]:
    """Measure with so many events, each question asked so many times."""
    past = Past(datetime.now(UTC), events)
    found: list[Figure] = []
    for kind, database in _databases():
        load_events(database, past)
        found += _figures(kind, time_questions(database, past, times))
        database.close()
    worst = max(figure.value for figure in found)
    return [Figure("query_p95_ms", worst, "ms", f"< {LIMIT_MS:.0f}", "the worst of all below"), *found]


def time_questions(database: Database, past: Past, times: int) -> Mapping[str, list[float]]:
    """Ask every question so many times, and the page after its first; returns milliseconds by question."""
    dice, events = random.Random(4), Events(database)  # noqa: S311  (chooses what is asked)
    spent: dict[str, list[float]] = {}
    for _ in range(times):
        for name, wanted in questions(past, dice).items():
            began = time.perf_counter()
            rows = events.newest_first(wanted, PAGE)
            spent.setdefault(name, []).append((time.perf_counter() - began) * 1000)
            if name == "latest_50" and rows:
                began = time.perf_counter()
                events.newest_first(EventFilter(below=place_of(rows[-1])), PAGE)
                spent.setdefault("next_50", []).append((time.perf_counter() - began) * 1000)
    return spent


def _figures(kind: str, spent: Mapping[str, list[float]]) -> list[Figure]:
    limit = f"< {LIMIT_MS:.0f}"
    return [
        Figure(f"{kind}_{name}_p95_ms", percentile(values, 0.95), "ms", limit)
        for name, values in spent.items()
    ]


def _databases() -> Iterator[tuple[str, Database]]:
    with tempfile.TemporaryDirectory(prefix="camfleet-queries-") as folder:
        yield "sqlite", _migrated(f"sqlite:///{Path(folder) / 'events.db'}")
    with running_postgres() as url:
        yield "postgres", _migrated(url)


def _migrated(url: str) -> Database:
    database = Database(url)
    migrate_database(database)
    return database


if __name__ == "__main__":
    run_bench("queries", measure)
