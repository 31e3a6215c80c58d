"""How the account of several ingest processes becomes one."""

import pytest

from dashboard.health import together
from dashboard.ingest.oddities import Oddities, Oddity
from tests.support.camera_words import CAMERA, MOMENT

OK = {"status": "ok", "lag_s": 0.2}


def test_one_process_speaks_for_itself() -> None:
    assert together({"srv-ingest-1": OK}) == OK


@pytest.mark.parametrize(
    ("statuses", "expected", "named"),
    [
        (("ok", "ok"), "ok", None),
        (("ok", "degraded"), "degraded", "not ok: srv-ingest-2"),
        (("down", "degraded"), "down", "not ok: srv-ingest-1, srv-ingest-2"),
    ],
)
def test_of_several_the_worst_wins_and_is_named(statuses: tuple[str, ...], expected: str, named: str | None) -> None:
    processes = {f"srv-ingest-{n}": {"status": status, "lag_s": float(n)} for n, status in enumerate(statuses, start=1)}
    said = together(processes)
    assert (said["status"], said.get("reason"), said["lag_s"]) == (expected, named, 2.0)
    assert said["processes"] == processes


def test_a_process_that_does_not_answer_has_no_lag_and_hides_nobodys() -> None:
    said = together({"srv-ingest-1": OK, "srv-ingest-2": {"status": "down", "reason": "no answer: ConnectError"}})
    assert (said["status"], said["lag_s"]) == ("down", 0.2)


def test_bad_input_is_counted_by_kind_with_who_was_last() -> None:
    odd = Oddities()
    assert odd.describe() == {}
    odd.note(Oddity.MALFORMED, "cam-another", MOMENT)
    odd.note(Oddity.MALFORMED, CAMERA, MOMENT)
    odd.note(Oddity.REPEATED, None, MOMENT, 7)
    odd.note(Oddity.CLOCK_SUSPECT, CAMERA, MOMENT, 0)
    assert odd.describe() == {
        "malformed": {"count": 2, "last_device_id": CAMERA, "last_at": "2026-11-21T08:00:00.000Z"},
        "repeated": {"count": 7, "last_at": "2026-11-21T08:00:00.000Z"},
    }
