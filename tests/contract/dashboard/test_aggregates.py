"""Telemetry put together: what each span says is what was measured in it, once, whatever is interrupted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from dashboard.retention.aggregation import OVERLAP, SETTLE, Aggregation
from dashboard.store.cameras import Cameras
from dashboard.store.database import Database
from dashboard.store.intake import Intake
from dashboard.store.records import Records
from dashboard.store.tables import telemetry_5min, telemetry_hour, telemetry_raw
from dashboard.store.telemetry import FIVE_MINUTES, HOUR, Aggregates
from tests.contract.dashboard.test_intake import records_of
from tests.support.camera_words import CAMERA, health

BEGAN = datetime(2026, 11, 21, 8, tzinfo=UTC)
NEVER = lambda: False  # noqa: E731


def measure(database: Database, minutes: list[float], device_id: str = CAMERA, **said: Any) -> None:
    [row] = records_of(health(), device_id=device_id).telemetry
    rows = [row | said | {"received_at": BEGAN + timedelta(minutes=n), "cpu_pct": float(n)} for n in minutes]
    Intake(database).write(Records(telemetry=rows))


def aggregation(database: Database) -> Aggregation:
    return Aggregation(Aggregates(database), NEVER)


def rows_of(database: Database, table: Any) -> list[dict[str, Any]]:
    with database.reading() as connection:
        query = select(table).order_by(table.c.bucket_start, table.c.device_id)
        return [dict(row) for row in connection.execute(query).mappings()]


def test_a_span_begins_at_a_round_time() -> None:
    moment = BEGAN + timedelta(minutes=7, seconds=3)
    assert FIVE_MINUTES.start_of(moment) == BEGAN + timedelta(minutes=5)
    assert HOUR.start_of(moment) == HOUR.start_of(BEGAN) == BEGAN


def test_each_camera_has_what_it_measured_in_each_span(database: Database) -> None:
    measure(database, [0, 2, 4, 5])
    measure(database, [1], "cam-other", temperature_c=None, clock_offset_s=None, disk_free_bytes=7)
    aggregation(database).catch_up(BEGAN + timedelta(minutes=61))
    first, other, second = rows_of(database, telemetry_5min)
    assert (first["n"], first["cpu_pct_avg"], first["cpu_pct_max"]) == (3, 2.0, 4.0)
    assert (second["n"], second["bucket_start"]) == (1, BEGAN + timedelta(minutes=5))
    assert (other["temperature_c_max"], other["clock_offset_s_avg"], other["disk_free_bytes_min"]) == (None, None, 7)
    hours = rows_of(database, telemetry_hour)
    assert [(row["device_id"], row["n"], row["cpu_pct_avg"]) for row in hours] == [
        (CAMERA, 4, 2.75),
        ("cam-other", 1, 1),
    ]


def test_a_span_that_has_not_ended_waits(database: Database) -> None:
    measure(database, [0, 5])
    aggregation(database).catch_up(BEGAN + timedelta(minutes=5) + SETTLE)
    assert [row["bucket_start"] for row in rows_of(database, telemetry_5min)] == [BEGAN]
    assert rows_of(database, telemetry_hour) == []


def test_doing_it_again_changes_nothing_and_late_ones_are_counted(database: Database) -> None:
    measure(database, [0, 1, 65])
    now = BEGAN + timedelta(minutes=71)
    aggregation(database).catch_up(now)
    before = rows_of(database, telemetry_5min), rows_of(database, telemetry_hour)
    aggregation(database).catch_up(now)
    assert (rows_of(database, telemetry_5min), rows_of(database, telemetry_hour)) == before
    measure(database, [66])
    aggregation(database).catch_up(now + OVERLAP / 2)
    assert rows_of(database, telemetry_5min)[-1]["n"] == 2


def test_what_was_measured_long_ago_and_committed_late_is_counted_before_it_goes(database: Database) -> None:
    measure(database, [0, 300])
    aggregation(database).catch_up(BEGAN + timedelta(hours=6))
    measure(database, [1])
    up_to = aggregation(database).finish_before(BEGAN + timedelta(hours=8), timedelta(hours=2))
    assert up_to == BEGAN + timedelta(hours=6)
    assert [row["n"] for row in rows_of(database, telemetry_hour)] == [2, 1]


def test_a_span_of_which_part_is_gone_keeps_what_was_counted(database: Database) -> None:
    """A round that was killed in the middle of deleting is followed by one that aggregates again."""
    measure(database, [0, 1, 2, 3])
    aggregation(database).catch_up(BEGAN + timedelta(hours=2))
    with database.writing() as connection:
        gone = delete(telemetry_raw).where(telemetry_raw.c.received_at < BEGAN + timedelta(minutes=2))
        connection.execute(gone)
    aggregation(database).finish_before(BEGAN + timedelta(hours=4), timedelta(hours=1))
    assert [(row["n"], row["cpu_pct_avg"]) for row in rows_of(database, telemetry_5min)] == [(4, 1.5)]
    assert [(row["n"], row["cpu_pct_avg"]) for row in rows_of(database, telemetry_hour)] == [(4, 1.5)]


def test_stopped_in_the_middle_nothing_may_go(database: Database) -> None:
    measure(database, [0])
    stopped = Aggregation(Aggregates(database), lambda: True)
    assert stopped.finish_before(BEGAN + timedelta(days=3), timedelta(hours=1)).year == 1970
    assert rows_of(database, telemetry_hour) == []


def test_a_chart_of_long_ago_or_of_long_is_drawn_from_aggregates(database: Database) -> None:
    measure(database, [0, 1, 6, 70])
    aggregation(database).catch_up(BEGAN + timedelta(hours=3))
    hour = (BEGAN, BEGAN + timedelta(hours=1))

    def points(after: datetime, before: datetime) -> list[float]:
        return [row["cpu_pct"] for row in Cameras(database).telemetry(CAMERA, after, before, 100)]

    assert points(*hour) == [0, 1, 6]
    assert points(BEGAN, BEGAN + timedelta(days=3)) == [0.5, 6, 70]
    assert points(BEGAN, BEGAN + timedelta(days=90)) == [pytest.approx(7 / 3), 70]
    with database.writing() as connection:
        connection.execute(delete(telemetry_raw))
    assert points(*hour) == [0.5, 6]
    assert points(BEGAN - timedelta(days=9), BEGAN) == []
