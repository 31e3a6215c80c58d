"""One camera's backlog beside live cameras: a real agent with a full outbox comes back while others report."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine, func, select

from bench.fleet_site import FleetSite, quiet
from bench.report import Figure
from bench.simfleet.fleet import Fleet, Plan
from camera_agent.delivery.outbox import Outbox
from camera_agent.events import Decision
from camera_agent.vision.types import Box
from dashboard.store.tables import events
from fleet.identifiers import uuid7
from fleet.messages import Change
from tests.support.agent import AgentProcess, running_agent

DEVICE = "cam-was-offline"
# Slower than a receipt a second each, so that none of their receipts is held back for its turn.
LIVE_RATE = 0.5
WARM_S, LOOK_S, PATIENCE_S = 4.0, 0.25, 200.0
BEFORE = "`backlog_live_before_p95_ms`: the same cameras before it came"
AWAY = timedelta(hours=10)
COMMIT = 250
# Nobody answers there: the agent has no pictures to look at and decides nothing new.
STREAMS = {"main": {"source": "rtsp://127.0.0.1:9/none"}}


@dataclass(frozen=True)
class Backlog:
    """How many events wait, and how many other cameras report meanwhile."""

    events: int
    live_cameras: int


def measure_backlog(site: FleetSite, home: Path, wanted: Backlog) -> list[Figure]:
    """Let a camera come back with its backlog; the others' delay is from decision to receipt."""
    agent = AgentProcess(home, DEVICE, site.broker.cameras, site.broker.credentials(DEVICE), streams=STREAMS)
    agent.write_home()
    fill_outbox(agent.home / "outbox.db", wanted.events)
    fleet = Fleet(site.devices(wanted.live_cameras), Plan(LIVE_RATE, 0.0), site.host, tell=quiet)
    fleet.connect()
    fleet.loop.run_for(WARM_S)
    alone_ms = fleet.tally.delays_ms(0.95)
    with running_agent(agent):
        began_s, ended_s = _run_until_drained(fleet, agent)
    fleet.drain()
    fleet.stop()
    drained_s = ended_s - began_s
    return [
        Figure("backlog_live_p95_ms", fleet.tally.delays_ms(0.95, began_s, ended_s), "ms", "< 1000", BEFORE),
        Figure("backlog_live_before_p95_ms", alone_ms, "ms"),
        Figure("backlog_live_p50_ms", fleet.tally.delays_ms(0.5, began_s, ended_s), "ms"),
        Figure("backlog_live_lost", fleet.tally.waiting, "", "0"),
        Figure("backlog_events", wanted.events, "", ">= 10000 (full run)"),
        Figure("backlog_lost", wanted.events - stored(site.settings.events_database), "", "0"),
        Figure("backlog_drained_s", drained_s, "s"),
        Figure("backlog_events_per_s", wanted.events / drained_s, "/s"),
    ]


def fill_outbox(path: Path, count: int) -> None:
    """Write so many ended events, evenly over the hours in which the camera was away."""
    now = datetime.now(UTC)
    moments = (now - AWAY * (1 - number / count) for number in range(count))
    outbox = Outbox(path, now - AWAY)
    try:
        for chunk in _chunks(moments):
            outbox.append("main", [_decision(moment) for moment in chunk], chunk[-1])
    finally:
        outbox.close()


def stored(database_url: str) -> int:
    """Return how many different events of the returned camera the database holds."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            ids = select(func.count(events.c.event_id.distinct())).where(events.c.device_id == DEVICE)
            return int(connection.execute(ids).scalar_one())
    finally:
        engine.dispose()


def _run_until_drained(fleet: Fleet, agent: AgentProcess) -> tuple[float, float]:
    """Return when the agent's first event was confirmed and when its last, on the loop's clock."""
    full = waiting(agent)
    marks: list[float] = []

    def look() -> None:
        left = waiting(agent)
        if left < full and not marks:
            marks.append(fleet.loop.now_s)
        if left == 0:
            marks.append(fleet.loop.now_s)
        else:
            fleet.loop.after(LOOK_S, look)

    look()
    last_s = time.monotonic() + PATIENCE_S
    fleet.loop.run_until(lambda: len(marks) > 1 or fleet.loop.now_s > last_s)
    if len(marks) < 2:
        raise RuntimeError(f"{waiting(agent)} of {full} events still wait; the agent's log: {agent.log[-2000:]}")
    return marks[0] - LOOK_S, marks[1]


def waiting(agent: AgentProcess) -> int:
    """Return how many rows the agent's outbox holds."""
    with contextlib.closing(sqlite3.connect(agent.home / "outbox.db", timeout=5)) as outbox:
        return int(outbox.execute("SELECT count(*) FROM outbox").fetchone()[0])


def _chunks(moments: Iterator[datetime]) -> Iterator[list[datetime]]:
    chunk: list[datetime] = []
    for moment in moments:
        chunk.append(moment)
        if len(chunk) == COMMIT:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _decision(moment: datetime) -> Decision:
    box = Box(0.4, 0.3, 0.1, 0.3)
    return Decision(
        event_id=_id_at(moment),
        rev=2,
        change=Change.END,
        track_id=1,
        label="person",
        score=0.8,
        box=box,
        best_box=box,
        best_score=0.9,
        started_at=moment - timedelta(seconds=8),
        ended_at=moment,
        frame_ts=moment,
        path=((0.45, 0.6), (0.5, 0.61)),
        aspect=1.7778,
    )


def _id_at(moment: datetime) -> UUID:
    return uuid7(int(moment.timestamp() * 1000))
