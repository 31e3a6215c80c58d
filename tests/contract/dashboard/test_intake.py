"""What ingest writes: one row per event with its last revision, numbered in the order of commits."""

import random
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dashboard.ingest.decode import Fact, Malformed, decode
from dashboard.ingest.projection import Projection
from dashboard.ingest.rows import quarantine_row
from dashboard.store.cameras import Cameras
from dashboard.store.changes import Changes
from dashboard.store.database import Database, RowRefused
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import MOST_QUARANTINED, Intake
from dashboard.store.knowledge import Knowledge
from dashboard.store.records import Records
from dashboard.store.tables import quarantine
from fleet import topics
from fleet.messages import Event, Message, Reason
from fleet.mqtt import Received
from tests.support.camera_words import CAMERA, MOMENT, birth, event, facts, health, presence, received, status


def records_of(*messages: Message, device_id: str = CAMERA) -> Records:
    projection, records = Projection(), Records()
    for message in messages:
        fact = decode(received(message, device_id=device_id), MOMENT)
        assert isinstance(fact, Fact)
        records.extend(projection.take(fact).records)
    return records


def stored_revisions(database: Database) -> dict[str, int]:
    return {row["event_id"]: row["rev"] for row in Events(database).newest_first(EventFilter(), 10_000)}


def test_an_event_is_stored_as_it_was_sent(database: Database) -> None:
    sent = event(3, zones=["gate"], path=[(0.25, 0.5)], ended_at=MOMENT + timedelta(seconds=2), best_score=0.9)
    assert Intake(database).write(records_of(sent)) == 1
    [row] = Events(database).newest_first(EventFilter(), 10)
    assert row["event_id"] == str(sent.event_id)
    assert row["box"] == [0.1, 0.2, 0.3, 0.4]
    assert row["path"] == [[0.25, 0.5]]
    assert (row["zones"], row["best_score"], row["ended_at"]) == (["gate"], 0.9, MOMENT + timedelta(seconds=2))
    assert (row["started_at"], row["received_at"], row["clock_suspect"]) == (MOMENT, MOMENT, False)


def test_only_a_higher_revision_replaces_an_event(database: Database) -> None:
    intake, known = Intake(database), uuid.uuid4()
    assert intake.write(records_of(event(1, event_id=known, rev=2, score=0.5))) == 1
    assert intake.write(records_of(event(1, event_id=known, rev=2, score=0.1))) == 0
    assert intake.write(records_of(event(1, event_id=known, rev=1, score=0.1))) == 0
    assert intake.write(records_of(event(2, event_id=known, rev=3, score=0.7))) == 1
    [row] = Events(database).newest_first(EventFilter(), 10)
    assert (row["rev"], row["score"]) == (3, 0.7)


def test_a_large_batch_is_counted_and_written_whole_whatever_statements_it_takes(database: Database) -> None:
    intake, first = Intake(database), [event(seq) for seq in range(1, 1_248)]
    later = [said.model_copy(update={"rev": 2 if said.seq % 3 else 1}) for said in first]
    assert intake.write(records_of(*first)) == 1_247
    assert intake.write(records_of(*first)) == 0
    assert intake.write(records_of(*later)) == sum(said.rev == 2 for said in later)
    assert stored_revisions(database) == {str(said.event_id): said.rev for said in later}


def test_the_same_id_from_two_cameras_is_two_events(database: Database) -> None:
    known = uuid.uuid4()
    for device_id in ("cam-front-door", "cam-back-door"):
        Intake(database).write(records_of(event(event_id=known), device_id=device_id))
    assert len(Events(database).newest_first(EventFilter(), 10)) == 2


def test_an_event_keeps_the_site_where_it_began(database: Database) -> None:
    known = uuid.uuid4()
    Intake(database).write(records_of(facts(site_id="hq"), event(1, event_id=known)))
    Intake(database).write(records_of(facts(site_id="depot"), event(2, event_id=known, rev=2)))
    [row] = Events(database).newest_first(EventFilter(), 10)
    assert (row["site_id"], row["rev"]) == ("hq", 2)


DELIVERIES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=DELIVERIES, cuts=st.lists(st.integers(1, 6), max_size=6), seed=st.integers(0, 2**32))
def test_any_order_and_repetition_ends_with_the_last_revision_of_each(
    database: Database, deliveries: list[tuple[int, int]], cuts: list[int], seed: int
) -> None:
    ids = [uuid.uuid4() for _ in range(4)]
    sent: list[Event] = [event(1, event_id=ids[which], rev=rev, score=rev / 10) for which, rev in deliveries]
    shuffled = sent + sent[: len(sent) // 2]
    random.Random(seed).shuffle(shuffled)  # noqa: S311  (not a secret)
    while shuffled:
        size = cuts.pop() if cuts else len(shuffled)
        batch, shuffled = shuffled[:size], shuffled[size:]
        Intake(database).write(records_of(*batch))
    wanted: dict[str, int] = {}
    for message in sent:
        key = str(message.event_id)
        wanted[key] = max(wanted.get(key, 0), message.rev)
    stored = stored_revisions(database)
    assert {key: stored[key] for key in wanted} == wanted


def test_change_numbers_rise_with_every_commit_and_never_repeat(database: Database) -> None:
    intake, changes = Intake(database), Changes(database)
    seen: list[int] = []
    cursor = 0
    for batch in ([event(1)], [event(2), event(3), presence()], [health()]):
        intake.write(records_of(*batch))
        found = changes.after(cursor)
        seen += [row["change_seq"] for row in found.events]
        seen += [camera.columns["change_seq"] for camera in found.cameras]
        assert found.last >= max(seen)
        cursor = found.last
    assert len(set(seen)) == len(seen)
    assert changes.after(cursor).events == []
    assert changes.newest() == cursor


def test_two_writers_never_hide_a_change_from_a_reader_that_follows(database: Database) -> None:
    followed: set[str] = set()
    sent: set[str] = set()

    def write(device_id: str) -> None:
        for seq in range(1, 21):
            message = event(seq)
            sent.add(str(message.event_id))
            Intake(database).write(records_of(message, device_id=device_id))

    writers = [threading.Thread(target=write, args=(f"cam-writer-{number}",)) for number in range(2)]
    for writer in writers:
        writer.start()
    cursor, alive = 0, True
    while alive:
        alive = any(writer.is_alive() for writer in writers)
        found = Changes(database).after(cursor)
        followed |= {row["event_id"] for row in found.events}
        cursor = found.last
    assert followed == sent


def test_a_camera_is_put_together_from_facts_that_come_in_any_order(database: Database) -> None:
    said: list[Message] = [health(outbox_depth=4), status("offline", Reason.TIMEOUT), facts(), birth(), presence()]
    for message in said:
        Intake(database).write(records_of(message))
    camera = Cameras(database).get(CAMERA)
    assert camera
    assert (camera.columns["name"], camera.columns["software"]) == ("Front door", "0.1.0")
    assert (camera.columns["presence"], camera.columns["health"]["outbox_depth"]) == ("online", 4)
    assert [(stream["name"], stream["reason"]) for stream in camera.streams] == [("main", "timeout")]
    assert len(Cameras(database).telemetry(CAMERA, MOMENT, MOMENT + timedelta(seconds=1), 10)) == 1


def test_a_stream_does_not_go_back_to_the_word_of_an_older_session(database: Database) -> None:
    Intake(database).write(records_of(status("online")))
    older = status("offline", Reason.GONE).model_copy(update={"session": 6})
    Intake(database).write(records_of(older))
    camera = Cameras(database).get(CAMERA)
    assert camera
    assert camera.streams[0]["state"] == "online"


def test_quarantine_keeps_the_bytes_once_and_counts_repeats(database: Database) -> None:
    payload = b"\x00\xffnot json"
    malformed = decode(Received(f"fleet/v1/{CAMERA}/up/birth", payload, 1, False, 1, 1), MOMENT)
    assert isinstance(malformed, Malformed)
    for _ in range(3):
        Intake(database).write(Projection().set_aside(malformed).records)
    with database.reading() as connection:
        [row] = connection.execute(select(quarantine)).mappings()
        assert (bytes(row["payload"]), row["count"], row["device_id"]) == (payload, 3, CAMERA)
    assert Knowledge(database).quarantined() == 1


def test_a_flood_of_bad_payloads_keeps_the_newest_of_its_sender_and_all_of_others(database: Database) -> None:
    intake = Intake(database)
    intake.write(Records(quarantine=[bad_payload(0, device_id="cam-quiet")]))
    for start in range(0, 3 * MOST_QUARANTINED, 50):
        intake.write(Records(quarantine=[bad_payload(n) for n in range(start, start + 50)]))
    with database.reading() as connection:
        kept = connection.execute(select(quarantine.c.device_id, quarantine.c.payload)).all()
    assert ("cam-quiet", b"0") in kept
    newest = {str(n).encode() for n in range(2 * MOST_QUARANTINED, 3 * MOST_QUARANTINED)}
    assert {payload for sender, payload in kept if sender == CAMERA} == newest


def bad_payload(n: int, device_id: str = CAMERA) -> dict[str, Any]:
    received = Received(topics.event(device_id, "main"), str(n).encode(), 1, False, 1, 1)
    return quarantine_row(Malformed(received, "no JSON", MOMENT + timedelta(seconds=n)))


def test_a_number_that_no_column_holds_is_refused_and_nothing_of_its_batch_stays(database: Database) -> None:
    batch = records_of(event(1), event(2))
    batch.events[1]["rev"] = 10**30
    with pytest.raises(RowRefused):
        Intake(database).write(batch)
    assert Events(database).newest_first(EventFilter(), 10) == []


def test_the_last_probe_is_remembered(database: Database) -> None:
    row: dict[str, Any] = {"server_id": "srv-ingest-1", "n": 4, "sent_at": MOMENT, "committed_at": MOMENT}
    Intake(database).write(Records(probes=[{**row, "n": 3}, row]))
    found = Knowledge(database).last_probe("srv-ingest-1")
    assert found
    assert found["n"] == 4
