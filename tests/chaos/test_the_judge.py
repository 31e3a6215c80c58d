"""What judges the chaos tests finds each kind of fault when it is planted: else their silence would mean nothing."""

import json
from pathlib import Path
from typing import Any

from dashboard.ingest.rows import event_row
from dashboard.store.payload import whole
from tests.support.camera_words import CAMERA, MOMENT, event
from tests.support.chaos_truth import Ledger, Verdict, judge

STREAM = "main"


def line(seq: int, **given: Any) -> dict[str, Any]:
    """A ledger's line."""
    return {"stream": STREAM, **json.loads(event(seq, **given).encode())}


def stored(said: dict[str, Any]) -> dict[str, Any]:
    """The row that ingest makes of it, as it is read from the store."""
    payload = json.dumps({name: value for name, value in said.items() if name != "stream"})
    row = event_row(CAMERA, said["stream"], type(event()).decode(payload.encode()), MOMENT)
    return {**whole(row), "payload": row["payload"]}


def two_events() -> list[dict[str, Any]]:
    first = line(1, path=[(0.25, 0.125)])
    later = {**first, "seq": 2, "rev": 2, "change": "update", "score": 0.9}
    return [first, later, line(3)]


def verdict_on(said: list[dict[str, Any]], rows: list[dict[str, Any]]) -> Verdict:
    return judge([Ledger(CAMERA, said)], rows)


def test_a_store_that_holds_each_newest_row_passes() -> None:
    said = two_events()
    assert verdict_on(said, [stored(said[1]), stored(said[2])]) == Verdict()


def test_an_event_that_is_missing_is_lost() -> None:
    said = two_events()
    assert verdict_on(said, [stored(said[1])]).lost == [(CAMERA, said[2]["event_id"])]


def test_an_older_revision_is_stale() -> None:
    said = two_events()
    assert verdict_on(said, [stored(said[0]), stored(said[2])]).stale == [(CAMERA, said[0]["event_id"])]


def test_a_second_row_of_an_event_is_twice() -> None:
    said = two_events()
    rows = [stored(said[1]), stored(said[2]), stored(said[2])]
    assert verdict_on(said, rows).twice == [(CAMERA, said[2]["event_id"])]


def test_a_row_that_nobody_decided_is_invented() -> None:
    said = two_events()
    assert verdict_on(said[:2], [stored(said[1]), stored(said[2])]).invented == [(CAMERA, said[2]["event_id"])]


def test_any_field_that_differs_is_named() -> None:
    said = two_events()
    kept, key = stored(said[1]), (CAMERA, said[1]["event_id"])
    for name in kept.keys() - {"device_id", "event_id", "rev", "received_at", "happened_at"}:
        other = {**kept, name: "something else"}
        differences = verdict_on(said, [other, stored(said[2])]).altered
        assert [text.partition(":")[0] for text in differences[key]] == [name]


def test_a_ledger_with_a_hole_is_no_truth() -> None:
    said = two_events()
    ledger = Ledger(CAMERA, [said[0], said[2]])
    assert ledger.faults() == [f"{CAMERA}: the ledger's seq has holes or repeats"]


def test_a_ledger_that_tells_of_a_full_outbox_is_no_proof() -> None:
    assert Ledger(CAMERA, [line(1, change="gap", lost=3)]).faults() == [f"{CAMERA}: its outbox was full 1 times"]


def test_what_the_outbox_said_to_keep_must_be_in_the_ledger(tmp_path: Path) -> None:
    said, diary = two_events(), tmp_path / "diary"
    missing = f"{line(9)['event_id']} 1"
    diary.write_text(f"{said[0]['event_id']} 1\n{missing}\n{said[2]['event_id']} 1 half a li")
    assert Ledger(CAMERA, said).lacks(diary) == [missing]
