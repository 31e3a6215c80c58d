"""How fast does ingest store what cameras say? A backlog and live, against bare paho and the broker's own limit."""

import bisect
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ingest_rig import Drained, Limit, Load, Rig, running_rig
from bench.report import Figure, percentile, run_bench
from tests.support.postgres import Postgres, living

CAMERAS = 8
STEADY_PER_S = 2_000.0
LEAST_BUSY = 0.9
BARE = "bare paho, which counts the same backlog"
ALONE = "the broker with a subscriber that only counts"
# What makes a commit durable is on: this is not a test's quick server.
DURABLE = ("fsync=on", "synchronous_commit=on")


class BrokerNotBusy(Exception):
    """The publishers or the counting subscriber were the limit, so it says nothing about the broker."""


@dataclass(frozen=True)
class Counts:
    """How many events wait in a backlog, come live and come at a steady rate; how often each pair is measured.

    `least_busy`: the share of a core that the broker's thread must use for its limit to be called one.
    """

    backlog: int
    live: int
    steady: int
    rounds: int
    least_busy: float = LEAST_BUSY


FULL = Counts(120_000, 200_000, 40_000, 3)
QUICK = Counts(32_000, 32_000, 6_000, 1)


def measure(quick: bool) -> list[Figure]:
    """Measure ingest over mutual TLS with real certificates, QoS 1, about 400 bytes to an event."""
    return measure_counts(QUICK if quick else FULL)


def measure_counts(counts: Counts) -> list[Figure]:
    """Answer every question on one broker, each with stores of its own."""
    with tempfile.TemporaryDirectory(prefix="camfleet-ingest-") as folder, running_rig(Path(folder)) as rig:
        rig.keep_session()
        with (
            tempfile.TemporaryDirectory(prefix="camfleet-postgres-", ignore_cleanup_errors=True) as data,
            living(Postgres(Path(data), DURABLE)) as server,
        ):
            backlog = measure_backlog(rig, counts, server.url)
        return [*backlog, *measure_live(rig, counts), *measure_delay(rig, counts.steady)]


def measure_backlog(rig: Rig, counts: Counts, postgres: str) -> list[Figure]:
    """Drain the same backlog by turns: bare paho, which only counts; ingest on SQLite; ingest on PostgreSQL."""
    bare: list[Drained] = []
    sqlite: list[Drained] = []
    postgresql: list[Drained] = []
    with rig.load(CAMERAS, counts.backlog) as load:
        for _ in range(counts.rounds):
            rig.fill(load)
            bare.append(rig.drain_bare(counts.backlog))
            rig.fill(load)
            sqlite.append(rig.drain_ingest(counts.backlog))
            rig.fill(load)
            postgresql.append(rig.drain_ingest(counts.backlog, postgres))
    return [
        Figure("sqlite_ratio", _ratio(sqlite, bare), "", ">= 1.0, aim 2.0", BARE),
        Figure("postgres_ratio", _ratio(postgresql, bare), "", ">= 0.8", BARE),
        *_costs("bare_paho", bare),
        *_costs("sqlite", sqlite),
        *_costs("postgres", postgresql),
        Figure("rss_mb", max(each.rss_mb for each in sqlite + postgresql), "MiB", "<= 200"),
    ]


def measure_live(rig: Rig, counts: Counts) -> list[Figure]:
    """Publish as fast as it goes: to a subscriber that only counts, and to ingest on the same cores."""
    limits: list[Limit] = []
    stored: list[Drained] = []
    with rig.load(CAMERAS, counts.live) as load:
        for _ in range(counts.rounds):
            limits.append(_limit(rig, counts, load))
            rig.keep_session()
            stored.append(rig.live(counts.live, load))
    return [
        Figure("live_ratio", _ratio(stored, limits), "", ">= 0.8, aim 0.95", ALONE),
        Figure("broker_limit_per_s", statistics.median(each.per_s for each in limits), "/s", "", ALONE),
        Figure("broker_busy", min(each.busy for each in limits), "", f">= {LEAST_BUSY}"),
        *_costs("live", stored),
    ]


def _limit(rig: Rig, counts: Counts, load: Load) -> Limit:
    limit = rig.limit(counts.live, load)
    if limit.busy < counts.least_busy:
        raise BrokerNotBusy(f"the broker's thread was {limit.busy:.0%} busy")
    return limit


def measure_delay(rig: Rig, events: int) -> list[Figure]:
    """Publish at a steady rate, and see how long after that each event is committed."""
    with rig.load(CAMERAS, events, STEADY_PER_S) as load, rig.ingest() as ingest:
        ingest.wait_connected()
        load.start()
        commits = ingest.follow(events)
        delays = delays_ms(load.result()["sent_at"], commits, ingest.numbers())
    return [
        Figure(
            "commit_p95_ms",
            percentile(delays, 0.95),
            "ms",
            f"< 150 at {STEADY_PER_S:.0f}/s",
            "from its publish to its commit",
        ),
        Figure("commit_p50_ms", percentile(delays, 0.5), "ms"),
    ]


def delays_ms(
    sent_at: dict[str, list[Any]], commits: Sequence[tuple[float, int]], numbers: Sequence[tuple[str, int, int]]
) -> list[float]:
    """Return for each event the time from its publish to the first look at the store that found it committed.

    `sent_at` holds per camera how many events had been sent when; `commits` which change number was seen when.
    """
    sent_counts = {device_id: [count for count, _ in sends] for device_id, sends in sent_at.items()}
    change_numbers = [value for _, value in commits]
    return [
        (
            commits[bisect.bisect_left(change_numbers, change_seq)][0]
            - sent_at[device_id][bisect.bisect_left(sent_counts[device_id], seq)][1]
        )
        * 1000
        for device_id, seq, change_seq in numbers
    ]


def _ratio(ours: Sequence[Drained], peers: Sequence[Drained | Limit]) -> float:
    return statistics.median(own.per_s / peer.per_s for own, peer in zip(ours, peers, strict=True))


def _costs(name: str, runs: Sequence[Drained]) -> list[Figure]:
    return [
        Figure(f"{name}_per_s", statistics.median(each.per_s for each in runs), "/s"),
        Figure(f"{name}_cpu_us", statistics.median(each.cpu_us for each in runs), "us", "processor time per event"),
    ]


if __name__ == "__main__":
    run_bench("ingest", measure)
