"""What was put aside is listed, taken in after all or dropped, each in one step, on both databases."""

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.ingest.decode import Fact, Malformed, decode
from dashboard.ingest.projection import Projection
from dashboard.ingest.rows import quarantine_row
from dashboard.quarantine.release import Release
from dashboard.store.cameras import Cameras
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import Intake
from dashboard.store.knowledge import Knowledge
from dashboard.store.quarantine import Quarantine
from dashboard.store.records import Records
from dashboard.store.tables import audit, cameras, telemetry_raw
from fleet import topics
from fleet.messages import Message, pack_backfill
from fleet.mqtt import Received
from tests.contract.dashboard.conftest import ON_POSTGRES
from tests.support.camera_words import CAMERA, MOMENT, OUTBOX, birth, event, facts, health, presence, received, status
from tests.support.scale import count
from tests.support.waiting import wait_until

LATER = MOMENT + timedelta(hours=3)


def put_aside(database: Database, what: Received, *, at: datetime = MOMENT, reason: str = "unreadable then") -> str:
    row = quarantine_row(Malformed(what, reason, at))
    Intake(database).write(Records(quarantine=[row]))
    return str(row["fingerprint"])


def raw(payload: bytes, device_id: str = CAMERA) -> Received:
    return Received(topics.event(device_id, "main"), payload, 1, False, 1, 1)


def release(database: Database) -> Release:
    return Release(Quarantine(database), "host:tester", LATER)


def events_of(database: Database) -> dict[str, Mapping[str, Any]]:
    return {row["event_id"]: row for row in Events(database).newest_first(EventFilter(), 100_000)}


def everything_of_cameras(database: Database) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(cameras).order_by(cameras.c.device_id))]


def notes(database: Database) -> list[tuple[str, str, str | None]]:
    with database.reading() as connection:
        rows = connection.execute(select(audit.c.action, audit.c.user_name, audit.c.detail).order_by(audit.c.id))
        return [tuple(row) for row in rows]


def test_the_list_shows_what_came_last_first_and_only_the_camera_that_was_asked_for(database: Database) -> None:
    old = put_aside(database, raw(b"first"))
    new = put_aside(database, raw(b"second!"), at=MOMENT + timedelta(seconds=5))
    other = put_aside(database, raw(b"third", "cam-back-door"), at=MOMENT + timedelta(seconds=2))
    put_aside(database, raw(b"first"), at=MOMENT + timedelta(seconds=1))
    found = Quarantine(database).newest_first(None, 10)
    assert [row.fingerprint for row in found] == [new, other, old]
    assert [(row.count, row.bytes) for row in found] == [(1, 7), (1, 5), (2, 5)]
    assert [row.fingerprint for row in Quarantine(database).newest_first(CAMERA, 1)] == [new]
    assert Quarantine(database).fingerprints(CAMERA) == [old, new]
    assert Quarantine(database).beginning_with(old[:8]) == [old]


def test_a_message_that_can_be_read_now_is_stored_as_ingest_would_have_and_its_row_is_gone(database: Database) -> None:
    Intake(database).write(Records(cameras={CAMERA: {"site_id": "yard"}}))
    sent = event(7, best_score=0.75)
    row_id = put_aside(database, received(sent))
    assert release(database).replay(row_id).is_out
    stored = events_of(database)[str(sent.event_id)]
    assert (stored["seq"], stored["best_score"], stored["site_id"]) == (7, 0.75, "yard")
    assert stored["received_at"] == MOMENT
    assert Knowledge(database).quarantined() == 0
    assert notes(database) == [("quarantine-replayed", "host:tester", f"{CAMERA} {row_id[:12]}: unreadable then")]


def test_late_events_that_came_in_one_message_are_all_taken_in(database: Database) -> None:
    sent = [event(seq) for seq in range(1, 4)]
    payload = pack_backfill(OUTBOX, MOMENT, [("main", one.encode()) for one in sent])
    fingerprint = put_aside(database, Received(topics.backfill(CAMERA), payload, 1, False, 1, 1))
    assert release(database).replay(fingerprint).is_out
    assert events_of(database).keys() == {str(one.event_id) for one in sent}


def test_what_still_cannot_be_read_stays_and_says_why(database: Database) -> None:
    row_id = put_aside(database, raw(b'{"v": 1}'))
    verdict = release(database).replay(row_id)
    assert not verdict.is_out
    assert "ts" in verdict.reason
    assert Knowledge(database).quarantined() == 1
    assert notes(database) == []


# SQLite takes every text.
@ON_POSTGRES
def test_a_row_that_the_database_refuses_stays_with_everything_as_it_was(database: Database) -> None:
    row_id = put_aside(database, received(event(label="a\0b")))
    verdict = release(database).replay(row_id)
    assert not verdict.is_out
    assert (Knowledge(database).quarantined(), events_of(database), notes(database)) == (1, {}, [])


def test_an_old_event_is_no_sign_of_life(database: Database) -> None:
    Intake(database).write(Records(cameras={CAMERA: {"presence": "offline", "reason": "silent", "since": MOMENT}}))
    before = everything_of_cameras(database)
    assert release(database).replay(put_aside(database, received(event(3)))).is_out
    assert everything_of_cameras(database) == before


def test_an_event_of_a_camera_that_nobody_knows_makes_no_camera(database: Database) -> None:
    assert release(database).replay(put_aside(database, received(event(3)))).is_out
    assert Cameras(database).get(CAMERA) is None


@pytest.mark.parametrize("message", [presence(), birth(), status(), facts()], ids=lambda said: type(said).__name__)
def test_a_state_of_long_ago_is_not_made_todays(database: Database, message: Message) -> None:
    Intake(database).write(Records(cameras={CAMERA: {"presence": "offline", "reason": "silent", "since": MOMENT}}))
    before = everything_of_cameras(database)
    verdict = release(database).replay(put_aside(database, received(message)))
    assert "drop it" in verdict.reason
    assert (everything_of_cameras(database), Knowledge(database).quarantined()) == (before, 1)


def test_an_old_measurement_is_kept_without_becoming_the_newest(database: Database) -> None:
    Intake(database).write(Records(cameras={CAMERA: {"health": {"cpu_pct": 1.0}}}))
    before = everything_of_cameras(database)
    assert release(database).replay(put_aside(database, received(health()))).is_out
    assert everything_of_cameras(database) == before
    with database.reading() as connection:
        assert len(connection.execute(select(telemetry_raw)).all()) == 1


def test_of_late_events_in_one_message_each_is_judged_by_itself(database: Database) -> None:
    good, bad = [event(seq) for seq in (1, 2)], b'{"v": 1}'
    payload = pack_backfill(OUTBOX, MOMENT, [("main", one) for one in (good[0].encode(), bad, good[1].encode())])
    row_id = put_aside(database, Received(topics.backfill(CAMERA), payload, 1, False, 1, 1))
    assert release(database).replay(row_id).is_out
    assert set(events_of(database)) == {str(message.event_id) for message in good}
    [left] = Quarantine(database).newest_first(None, 10)
    assert (left.topic, left.bytes) == (topics.event(CAMERA, "main"), len(bad))
    whole = put_aside(database, Received(topics.backfill(CAMERA), b'{"v": 1, "events": []}', 1, False, 1, 1))
    assert "backfill" in release(database).replay(whole).reason


def test_an_older_revision_never_replaces_a_newer_one(database: Database) -> None:
    known = uuid.uuid4()
    row_id = put_aside(database, received(event(1, event_id=known, rev=1, score=0.1)))
    assert release(database).replay(put_aside(database, received(event(2, event_id=known, rev=3, score=0.9)))).is_out
    assert release(database).replay(row_id).is_out
    assert (events_of(database)[str(known)]["rev"], Knowledge(database).quarantined()) == (3, 0)


def test_a_dropped_row_is_gone_and_on_record(database: Database) -> None:
    row_id = put_aside(database, raw(b"nonsense"))
    assert release(database).drop(row_id).is_out
    assert Knowledge(database).quarantined() == 0
    assert [(action, by) for action, by, _ in notes(database)] == [("quarantine-dropped", "host:tester")]
    assert "gone" in release(database).drop(row_id).reason
    assert "gone" in release(database).replay(row_id).reason
    assert len(notes(database)) == 1


def test_replaying_while_ingest_writes_loses_nothing_of_either(database: Database) -> None:
    aside = [event(seq) for seq in range(1, count(100, 20, "messages replayed while ingest writes") + 1)]
    row_ids = [put_aside(database, received(message)) for message in aside]
    live, stop = [event(seq) for seq in range(1001, 3001)], threading.Event()
    written: list[str] = []

    def write() -> None:
        for message in live:
            if stop.is_set():
                return
            Intake(database).write(_records(message))
            written.append(str(message.event_id))

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: written, 10, "the writer writes")
    verdicts = [release(database).replay(row_id) for row_id in row_ids]
    stop.set()
    writer.join(30)
    assert all(verdict.is_out for verdict in verdicts)
    stored = events_of(database)
    assert set(stored) == {str(message.event_id) for message in aside} | set(written)
    numbers = [row["change_seq"] for row in stored.values()]
    assert len(set(numbers)) == len(numbers)


def _records(message: Message) -> Records:
    fact = decode(received(message), datetime.now(UTC))
    assert isinstance(fact, Fact)
    return Records(events=Projection().take(fact).records.events)
