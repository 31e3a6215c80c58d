"""How fast does ingest store what cameras say? A backlog and live, against bare paho and the broker's own limit."""

import statistics
import tempfile
from pathlib import Path

from bench.ingest_rig import Drained, Rig, running_rig
from bench.report import Figure, run_bench

CAMERAS = 8
FULL_BACKLOG, QUICK_BACKLOG = 160_000, 40_000


def measure(quick: bool) -> list[Figure]:
    """Measure ingest over mutual TLS with real certificates, QoS 1, about 350 bytes to an event."""
    with tempfile.TemporaryDirectory(prefix="camfleet-ingest-") as folder, running_rig(Path(folder)) as rig:
        return measure_backlog(rig, QUICK_BACKLOG if quick else FULL_BACKLOG, 1 if quick else 3)


def measure_backlog(rig: Rig, events: int, rounds: int) -> list[Figure]:
    """Drain the same backlog by turns with bare paho, which only counts, and with ingest."""
    bare: list[Drained] = []
    durable: list[Drained] = []
    rig.keep_session()
    with rig.load(CAMERAS, events) as load:
        for _ in range(rounds):
            rig.fill(load)
            bare.append(rig.drain_bare(events))
            rig.fill(load)
            durable.append(rig.drain_ingest(events))
    ratios = [ours.per_s / peer.per_s for ours, peer in zip(durable, bare, strict=True)]
    return [
        Figure("sqlite_ratio", statistics.median(ratios), "", ">= 1.0, aim 2.0"),
        Figure("bare_paho_per_s", statistics.median(each.per_s for each in bare), "/s"),
        Figure("bare_paho_cpu_us", statistics.median(each.cpu_us for each in bare), "us"),
        Figure("sqlite_per_s", statistics.median(each.per_s for each in durable), "/s"),
        Figure("sqlite_cpu_us", statistics.median(each.cpu_us for each in durable), "us"),
        Figure("rss_mb", max(each.rss_mb for each in durable), "MiB", "<= 200"),
    ]


if __name__ == "__main__":
    run_bench("ingest", measure)
