"""What the API takes from a query string, and what it refuses."""

from datetime import UTC, datetime

import pytest

from dashboard.api.queries import place_text, read_cursor, read_event_filter, read_limit, read_place, read_time
from dashboard.store.events import Place
from fleet.problem import Problem

PLACE = Place(datetime(2026, 11, 20, 8, 0, 0, 123456, UTC), "01900000-0000-7000-8000-00000000000a")


def test_nothing_given_means_no_restriction() -> None:
    wanted = read_event_filter({})
    assert set(wanted.__dict__.values()) == {None}
    assert read_limit({}, default=50, most=200) == 50


def test_everything_given_is_read() -> None:
    wanted = read_event_filter(
        {
            "camera": "cam-a",
            "label": "person",
            "site": "hq",
            "after": "2026-11-20T08:00:00Z",
            "cursor": place_text(PLACE),
        }
    )
    assert (wanted.camera, wanted.label, wanted.site, wanted.below) == ("cam-a", "person", "hq", PLACE)
    assert wanted.after == datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-20T08:00:00Z", 8),
        ("2026-11-20T08:00:00+02:00", 6),
        ("2026-11-20T08:00:00 02:00", 6),
        ("2026-11-20", 0),
    ],
)
def test_times_of_any_zone_become_utc(text: str, hour: int) -> None:
    assert read_time({"after": text}, "after") == datetime(2026, 11, 20, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20T08:00:00", "0001-01-01", "9999-12-31", "2026-13-01", "²"])
def test_times_that_mean_nothing_are_refused_by_name(text: str) -> None:
    with pytest.raises(Problem) as refused:
        read_time({"before": text}, "before")
    assert refused.value.status == 400
    assert "before" in refused.value.detail


@pytest.mark.parametrize("text", ["0", "201", "-1", "1.5", "ten", "²", "9" * 5000])
def test_limits_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="limit"):
        read_limit({"limit": text}, default=50, most=200)


@pytest.mark.parametrize("text", ["-1", "abc", "1e3", "99999999999999999999", "9223372036854775808"])
def test_cursors_that_nobody_gave_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="cursor"):
        read_cursor({"cursor": text})


@pytest.mark.parametrize("text", ["17", "1.x", "9" * 18 + f".{PLACE.event_id}", f"{PLACE.event_id}.1", "²." + "a" * 36])
def test_places_that_nobody_gave_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="cursor"):
        read_place({"cursor": text})


@pytest.mark.parametrize("year", [1, 1969, 2026, 9999])
def test_a_place_of_any_time_is_read_back(year: int) -> None:
    place = Place(datetime(year, 2, 3, tzinfo=UTC), PLACE.event_id)
    assert read_place({"cursor": place_text(place)}) == place


@pytest.mark.parametrize("text", ["x" * 81, "a\0b"])
def test_filters_that_are_no_names_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="label"):
        read_event_filter({"label": text})
