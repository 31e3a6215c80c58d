"""The pure parts of the pages' scripts, run in the browser that they are written for."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.dashboard.pages_server import PretendedFleet, serving
from tests.e2e.dashboard.pretended import camera
from tests.support.browser import chromium, watched_page

NOW_MS = 1_795_000_000_000


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser, serving(PretendedFleet()) as url, watched_page(browser, url) as watched:
        watched.page.goto("/login")
        yield watched.page


def call(page: Page, module: str, expression: str, *given: Any) -> Any:
    """Evaluate an expression over a module `m` and the arguments `given`."""
    script = f"async (given) => {{ const m = await import('/static/js/{module}.js'); return {expression}; }}"
    return page.evaluate(script, list(given))


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (0, "just now"),
        (-3, "just now"),
        (42, "42 s ago"),
        (125, "2 min ago"),
        (7_300, "2 h ago"),
        (200_000, "2 d ago"),
        (-7_776_000, "in 90 d"),
    ],
)
def test_ages_are_told_by_their_largest_unit(page: Page, age_s: int, words: str) -> None:
    assert call(page, "time", "m.relativeWords(given[0])", age_s) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.24, "4.2 s"), (59, "59 s"), (67, "1:07"), (600, "10:00"), (7_391, "2:03:11")]
)
def test_durations_are_told_precisely(page: Page, seconds: float, words: str) -> None:
    assert call(page, "time", "m.durationWords(given[0])", seconds) == words


@pytest.mark.parametrize("sort", ["disk", "-disk"])
def test_cameras_that_do_not_say_are_ordered_last_both_ways(page: Page, sort: str) -> None:
    fleet = [camera(1, disk_free_pct=None), camera(2, disk_free_pct=10), camera(3, disk_free_pct=5)]
    ordered = call(
        page, "fleet_facts", "given[0].sort(m.comparator(given[1])).map((c) => c.disk_free_pct)", fleet, sort
    )
    assert ordered == ([5, 10, None] if sort == "disk" else [10, 5, None])


def test_the_worst_is_first_and_names_count_as_people_do(page: Page) -> None:
    fleet = [
        camera(0, name="Gate 10", presence="online"),
        camera(1, name="Gate 9", presence="online"),
        camera(2, presence="pending", name="Yard"),
        camera(3, presence="offline", name="Lobby"),
        camera(4, presence="degraded", name="Dock"),
    ]
    ordered = call(page, "fleet_facts", "given[0].sort(m.comparator('')).map((c) => c.name)", fleet)
    assert ordered == ["Lobby", "Dock", "Yard", "Gate 9", "Gate 10"]


@pytest.mark.parametrize(
    ("q", "states", "fits"),
    [
        ("", [], True),
        ("gate HQ", [], True),
        ("gate yard", [], False),
        ("connection", [], True),
        ("", ["online"], False),
        ("", ["online", "offline"], True),
        ("", ["due"], True),
    ],
)
def test_a_camera_fits_when_all_words_and_one_state_do(page: Page, q: str, states: list[str], fits: bool) -> None:
    seen = camera(
        0, site_id="hq", presence="offline", reason="connection-lost", certificate_not_after="2026-11-25T00:00:00Z"
    )
    assert (
        call(page, "fleet_facts", "m.matches(given[0], given[1], given[2])", seen, {"q": q, "states": states}, NOW_MS)
        is fits
    )


def test_the_fleet_is_counted_by_state_certificate_and_queue(page: Page) -> None:
    fleet = [
        camera(0, presence="online", outbox_depth=2, outbox_oldest_s=3.5),
        camera(1, presence="offline", outbox_depth=40, outbox_oldest_s=90.0),
        camera(2, presence="pending", outbox_depth=None, outbox_oldest_s=None, certificate_not_after=None),
    ]
    counted = call(page, "fleet_facts", "m.countFleet(given[0], given[1])", fleet, 0)
    assert counted["counts"] == {"online": 1, "offline": 1, "pending": 1, "degraded": 0, "unknown": 0}
    assert (counted["total"], counted["waiting"], counted["oldestS"], counted["due"]) == (3, 42, 90.0, 0)


def test_an_unknown_state_or_reason_is_shown_as_it_is_named(page: Page) -> None:
    assert call(page, "words", "m.stateLook('half-asleep').word") == "half asleep"
    assert call(page, "words", "m.reasonWords('cat-on-lens')") == "cat on lens"
    assert call(page, "words", "m.reasonWords(null)") == ""


@pytest.mark.parametrize(
    ("camera", "state"),
    [
        ({"presence": "offline", "reason": "stopped", "state": "accepted"}, "offline"),
        ({"presence": "offline", "reason": "revoked", "state": "accepted"}, "revoked"),
        ({"presence": "offline", "reason": "revoked", "state": "rejected"}, "rejected"),
        ({"presence": "offline", "reason": "revoked", "state": None}, "revoked"),
    ],
)
def test_a_camera_that_the_registry_lets_in_no_more_is_called_so_and_found_by_it(
    page: Page, camera: dict[str, Any], state: str
) -> None:
    assert call(page, "words", "m.cameraState(given[0])", camera) == state
    asked = "m.matches(given[0], {q: given[1], states: []}, 0)"
    assert call(page, "fleet_facts", asked, camera, state) is True


def test_elements_take_text_never_markup(page: Page) -> None:
    element = "m.el('p', { title: given[0] }, given[0], null, false)"
    made = call(page, "dom", f"[{element}].map((e) => [e.childElementCount, e.textContent, e.title])", "<b>x</b>")
    assert made == [[0, "<b>x</b>", "<b>x</b>"]]


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (None, ""),
        ("bea: viewer, every site", "bea: viewer, every site"),
        ({"serials": ["ab", "cd"], "site_id": None}, "serials ab, cd"),
        (
            {"label": "ci", "reach": {"scopes": ["devices:read"], "days": 90}},
            "label ci · reach scopes devices:read · days 90",
        ),
        ({}, ""),
    ],
)
def test_an_audit_entrys_detail_is_told_in_words(page: Page, detail: Any, words: str) -> None:
    assert call(page, "admin_audit", "m.detailWords(given[0])", detail) == words


@pytest.mark.parametrize(
    ("certificate", "state"),
    [
        ({"serial": "a", "active_at": "2026-11-01T00:00:00Z"}, "in use"),
        ({"serial": "b", "active_at": "2026-11-01T00:00:00Z"}, "replaced"),
        ({"serial": "b", "active_at": None}, "ready"),
        ({"serial": "a", "active_at": "2026-11-01T00:00:00Z", "revoked_at": "2026-11-02T00:00:00Z"}, "revoked"),
        ({"serial": "a", "active_at": None, "not_after": "2026-11-01T00:00:00Z"}, "expired"),
    ],
)
def test_a_certificate_is_worth_what_its_times_say(page: Page, certificate: dict[str, Any], state: str) -> None:
    whole = {"not_after": "2030-01-01T00:00:00Z", "revoked_at": None} | certificate
    asked = "m.certificateState(given[0], {serial: 'a'}, given[1])"
    assert call(page, "camera_certificates", asked, whole, NOW_MS) == state


def test_a_cut_offs_steps_are_timed_from_the_request_by_the_servers_clock(page: Page) -> None:
    detail = '{"denied": "2026-11-21T08:00:00.500Z", "proven": "2026-11-21T08:00:02.250Z"}'
    cutoff = {"requested_at": "2026-11-21T08:00:00.000Z", "detail": detail}
    assert call(page, "cutoff", "m.stepTimes(given[0])", cutoff) == {"recorded": 0, "denied": 0.5, "proven": 2.25}
