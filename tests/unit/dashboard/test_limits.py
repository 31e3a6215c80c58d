"""How much ingest takes of one camera, second by second."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.ingest.limits import MOST_NAMED, RECENT_S, DeviceLimits, cost_of
from fleet import topics
from fleet.mqtt import Received

FLOOD, OTHER = "cam-flooding", "cam-quiet"


def message(device_id: str, size: int = 350, topic: str = "") -> Received:
    return Received(topic or topics.event(device_id, "main"), b"x" * size, 1, False, 1, 1)


def taken(limits: DeviceLimits, device_id: str, messages: int, now_s: float) -> int:
    return sum(limits.admits(message(device_id), now_s) for _ in range(messages))


def test_a_burst_is_taken_at_once_and_then_the_rate() -> None:
    limits = DeviceLimits(rate=10, burst=100)
    assert taken(limits, FLOOD, 1_000, now_s=0) == 100
    assert taken(limits, FLOOD, 1_000, now_s=1) == 10
    assert taken(limits, FLOOD, 1_000, now_s=3.5) == 25


def test_silence_fills_the_bucket_to_the_burst_and_no_further() -> None:
    limits = DeviceLimits(rate=10, burst=100)
    taken(limits, FLOOD, 1_000, now_s=0)
    assert taken(limits, FLOOD, 1_000, now_s=86_400) == 100


def test_a_flood_takes_nothing_from_another_camera() -> None:
    limits = DeviceLimits(rate=1, burst=10)
    taken(limits, FLOOD, 1_000, now_s=0)
    assert taken(limits, OTHER, 10, now_s=0) == 10


def test_a_clock_that_steps_back_gives_and_takes_nothing() -> None:
    limits = DeviceLimits(rate=10, burst=100)
    taken(limits, FLOOD, 1_000, now_s=50)
    assert taken(limits, FLOOD, 10, now_s=0) == 0


def test_large_messages_cost_more_and_the_largest_is_still_taken() -> None:
    assert [cost_of(size) for size in (0, 1, 350, 1024, 1025, 128 * 1024)] == [1, 1, 1, 1, 2, 128]
    limits = DeviceLimits(rate=1, burst=10)
    assert limits.admits(message(FLOOD, 128 * 1024), 0)
    assert not limits.admits(message(FLOOD, 2 * 1024), 1)
    assert limits.admits(message(FLOOD, 2 * 1024), 2)


def test_a_flood_of_events_does_not_cost_a_camera_its_presence_and_the_registry_is_never_limited() -> None:
    limits = DeviceLimits(rate=1, burst=10)
    taken(limits, FLOOD, 1_000, now_s=0)
    assert not limits.admits(message(FLOOD, topic=f"fleet/v1/{FLOOD}/up/backfill"), 0)
    for topic in (topics.presence(FLOOD), topics.birth(FLOOD), topics.health(FLOOD)):
        assert limits.admits(message(FLOOD, topic=topic), 0)
    assert sum(limits.admits(message(FLOOD, topic=topics.presence(FLOOD)), 0) for _ in range(100)) == 7
    assert all(limits.admits(message(FLOOD, topic=topics.registry(FLOOD)), 0) for _ in range(100))


def test_who_was_refused_is_named_and_counted() -> None:
    limits = DeviceLimits(rate=1, burst=10)
    assert limits.describe(0) == {"messages": 0, "devices_now": 0, "worst": None}
    taken(limits, FLOOD, 50, now_s=0)
    taken(limits, OTHER, 11, now_s=0)
    said = limits.describe(1)
    assert said == {"messages": 41, "devices_now": 2, "worst": {"device_id": FLOOD, "messages": 40}}
    assert limits.describe(RECENT_S + 1)["devices_now"] == 0


def test_memory_is_bounded_whoever_comes() -> None:
    limits = DeviceLimits(rate=0.001, burst=1, most_buckets=50)
    for n in range(MOST_NAMED + 500):
        taken(limits, f"cam-{n:05}", 2, now_s=n)
    assert len(limits._buckets) == 50
    assert len(limits._refused) == MOST_NAMED
    assert limits.refused == MOST_NAMED + 500


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 40)), min_size=1, max_size=60))
def test_no_span_of_time_ever_yields_more_than_burst_and_rate_allow(steps: list[tuple[float, int]]) -> None:
    limits, now_s, admitted = DeviceLimits(rate=7, burst=20), 0.0, 0
    for pause_s, messages in steps:
        now_s += pause_s
        admitted += taken(limits, FLOOD, messages, now_s)
        assert admitted <= 20 + 7 * now_s + 1e-6


@given(
    st.lists(
        st.tuples(st.sampled_from([FLOOD, OTHER]), st.integers(0, 4_000), st.sampled_from(["event/main", "health"])),
        max_size=30,
    ),
    st.integers(1, 40),
)
def test_a_batch_that_is_asked_for_as_a_whole_is_judged_as_its_messages_are(
    said: list[tuple[str, int, str]], burst: int
) -> None:
    messages = [message(device_id, size, f"fleet/v1/{device_id}/up/{what}") for device_id, size, what in said]
    as_a_whole, one_by_one = DeviceLimits(rate=1, burst=burst), DeviceLimits(rate=1, burst=burst)
    answers = [one_by_one.admits(each, 5) for each in messages]
    whole = as_a_whole.admits_all(messages, 5)
    # One that is larger than a bucket is taken when asked for by itself.
    if max((cost_of(size) for _, size, _ in said), default=0) <= burst:
        assert whole is all(answers)
    assert not whole or all(answers)
    after = [as_a_whole.admits(each, 5) for each in messages]
    assert after == ([one_by_one.admits(each, 5) for each in messages] if whole else answers)
