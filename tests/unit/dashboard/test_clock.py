"""Which clocks are believed."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.ingest.clock import ClockFacts, is_clock_suspect

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
minutes = lambda number: timedelta(minutes=number)  # noqa: E731


@pytest.mark.parametrize("off", [-5, -1, 0, 1, 5])
def test_five_minutes_either_way_are_believed(off: int) -> None:
    assert not is_clock_suspect(NOW + minutes(off), NOW, ClockFacts())


def test_the_future_is_never_believed() -> None:
    assert is_clock_suspect(NOW + minutes(6), NOW, ClockFacts(offset=timedelta(0), outbox_oldest=minutes(600)))


def test_the_past_is_suspect_without_an_outbox_to_explain_it() -> None:
    assert is_clock_suspect(NOW - minutes(60), NOW, ClockFacts())


def test_an_event_that_waited_in_the_outbox_is_believed() -> None:
    assert not is_clock_suspect(NOW - minutes(60), NOW, ClockFacts(outbox_oldest=minutes(58)))


def test_a_camera_that_knows_its_offset_is_taken_at_its_word() -> None:
    assert not is_clock_suspect(NOW - minutes(60), NOW, ClockFacts(offset=timedelta(seconds=2)))
    assert is_clock_suspect(NOW - minutes(60), NOW, ClockFacts(offset=minutes(-60), outbox_oldest=minutes(60)))
