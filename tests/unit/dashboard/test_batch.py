"""A batch: what was taken the quick way is the same as row by row, and any part of it can be found."""

from uuid import UUID

import pytest

from dashboard.ingest.agent_event import read_agent_event
from dashboard.ingest.batch import Batch, Handled, Plain
from dashboard.ingest.clock import ClockFacts
from dashboard.ingest.projection import Outcome
from dashboard.ingest.receipts import Committed
from dashboard.ingest.rows import EventPlace, event_row
from dashboard.store.records import Records
from fleet.messages import Event
from tests.support.camera_words import CAMERA, MOMENT, OUTBOX, event, received

PLACE = EventPlace(CAMERA, "main", "hq", ClockFacts())


def event_of(seq: int) -> Event:
    return event(seq, event_id=UUID(int=seq), path=[(0.5, 0.25)], aspect=1.5)


def plain(seq: int) -> Plain:
    message = received(event_of(seq), mid=seq)
    read = read_agent_event(message.payload)
    assert read is not None
    return Plain(message, read, PLACE, seq % 2 == 0)


def handled(seq: int) -> Handled:
    return Handled(received(event(seq), mid=seq), Outcome(committed=[Committed(CAMERA, str(OUTBOX), seq)]))


def seqs(batch: Batch) -> list[int]:
    return [seq for seqs in batch.owed().values() for seq in seqs]


def test_columns_hold_what_rows_hold() -> None:
    batch = Batch(MOMENT, plain=[plain(1), plain(2), plain(3)])
    columns = batch.records().event_columns
    by_row = [{name: values[at] for name, values in columns.items()} for at in range(3)]
    assert by_row == [
        event_row(CAMERA, "main", item.event, MOMENT) | {"site_id": "hq", "clock_suspect": item.clock_suspect}
        for item in batch.plain
    ]


def test_records_in_both_forms_are_added_up() -> None:
    records = Batch(MOMENT, plain=[plain(1)]).records()
    records.extend(Batch(MOMENT, plain=[plain(2), plain(3)]).records())
    records.extend(Records(events=[event_row(CAMERA, "main", event(4), MOMENT)]))
    assert records.event_count == 4
    assert records.event_columns["payload"] == [event_of(seq).encode().decode() for seq in (1, 2, 3)]


@pytest.mark.parametrize(("others", "plains"), [(0, 2), (1, 1), (2, 0), (3, 4), (5, 1), (0, 7)])
def test_halves_are_never_empty_and_hold_everything_in_order(others: int, plains: int) -> None:
    batch = Batch(MOMENT, [handled(1 + n) for n in range(others)], [plain(10 + n) for n in range(plains)])
    first, second = batch.halves()
    assert len(first) > 0
    assert len(second) > 0
    assert seqs(first) + seqs(second) == seqs(batch)
    assert [item.mid for half in (first, second) for item in half.messages()] == [item.mid for item in batch.messages()]


def test_what_follows_from_no_message_is_stored_in_its_place_and_acknowledged_to_nobody() -> None:
    batch = Batch(MOMENT, [handled(1)])
    batch.handled[0].outcome.records.change_camera(CAMERA, presence="online")
    later = Records()
    later.change_camera(CAMERA, presence="offline")
    batch.add(later)
    assert batch.records().cameras[CAMERA] == {"presence": "offline"}
    assert [item.mid for item in batch.messages()] == [1]
    assert len(batch) == 2
