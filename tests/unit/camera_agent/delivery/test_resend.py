"""When an event that nobody confirmed is said again."""

from hypothesis import given
from hypothesis import strategies as st

from camera_agent.delivery.resend import ResendSchedule


def test_nothing_is_due_before_it_was_sent() -> None:
    schedule = ResendSchedule()
    assert schedule.due(1e9) == []
    assert schedule.next_due_s() is None


def test_what_has_no_receipt_is_due_after_ten_seconds() -> None:
    schedule = ResendSchedule()
    schedule.sent(7, now_s=100)
    assert schedule.due(109.9) == []
    assert schedule.due(110) == [7]
    assert schedule.next_due_s() == 110


def test_the_wait_doubles_up_to_ten_minutes() -> None:
    schedule, now_s, waits = ResendSchedule(), 0.0, []
    for _ in range(10):
        schedule.sent(1, now_s)
        due_s = schedule.next_due_s()
        assert due_s is not None
        waits.append(due_s - now_s)
        now_s = due_s
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600, 600]


def test_a_row_that_was_sent_for_years_still_has_a_wait() -> None:
    schedule = ResendSchedule()
    for _ in range(5000):
        schedule.sent(1, 0.0)
    assert schedule.next_due_s() == 600


def test_after_a_reconnect_nothing_counts_as_sent_and_waits_begin_anew() -> None:
    schedule = ResendSchedule()
    schedule.sent(1, 0)
    schedule.sent(1, 10)
    schedule.restart()
    assert len(schedule) == 0
    schedule.sent(1, 50)
    assert schedule.next_due_s() == 60


def test_what_is_dropped_is_forgotten() -> None:
    schedule = ResendSchedule()
    schedule.sent(1, 0)
    schedule.forget(1)
    schedule.forget(2)
    assert len(schedule) == 0


RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=6)


@given(sent=st.sets(st.integers(1, 60)), ranges=RANGES)
def test_a_receipt_settles_exactly_what_its_ranges_name(sent: set[int], ranges: list[tuple[int, int]]) -> None:
    schedule = ResendSchedule()
    for seq in sent:
        schedule.sent(seq, 0)
    schedule.settle(ranges)
    named = {seq for low, high in ranges for seq in range(low, high + 1)}
    assert set(schedule.due(1e9)) == sent - named
