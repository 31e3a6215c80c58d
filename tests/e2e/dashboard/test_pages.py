"""The pages in a real browser before a pretended fleet; every test fails on any console error or CSP violation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.dashboard.pages_server import PretendedFleet, serving
from tests.e2e.dashboard.pretended import camera, event, gap, health, stamp
from tests.support.browser import Screen, WatchedPage, chromium, watched_page
from tests.support.waiting import wait_until

HARMLESS = "<img src=x onerror=\"document.title='owned'\">"
PHONE = Screen(390, 844)


@dataclass
class Site:
    """A pretended fleet, where it is served, and the browser to look at it with."""

    fleet: PretendedFleet
    url: str
    browser: Browser

    def own(self, cameras: int, events: int = 0) -> None:
        """Put this many cameras and events in place, before a page looks."""
        self.fleet.put([camera(number) for number in range(cameras)], [event(number) for number in range(events)])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    fleet = PretendedFleet(telemetry=health())
    with serving(fleet) as url:
        yield Site(fleet, url, browser)


@pytest.fixture
def watched(site: Site) -> Iterator[WatchedPage]:
    with watched_page(site.browser, site.url) as watched:
        yield watched


@pytest.fixture
def page(watched: WatchedPage) -> Page:
    return watched.page


def rows(page: Page) -> Locator:
    return page.locator("tr[data-device-id]")


def become_live(page: Page) -> None:
    expect(page.locator("live-indicator")).to_have_text("live")


def test_an_empty_fleet_says_what_to_do_next(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text('camfleet provision "Gate north"')).to_be_visible()
    expect(page.get_by_text("No cameras yet")).to_be_visible()


def test_a_row_shows_state_reason_and_numbers(site: Site, page: Page) -> None:
    site.fleet.put([camera(6, name="Gate north")])
    page.goto("/")
    row = rows(page)
    expect(row).to_have_attribute("data-presence", "offline")
    expect(row.locator("status-pill")).to_have_text("Offline")
    expect(row.locator(".reason")).to_have_text("connection lost")
    expect(row.locator(".reason")).to_have_attribute("data-reason", "connection-lost")
    expect(row.get_by_role("link", name="Gate north")).to_be_visible()


def test_cameras_appear_and_change_without_reload(site: Site, page: Page) -> None:
    site.own(2)
    page.goto("/")
    become_live(page)
    site.fleet.put([camera(2), camera(0, presence="offline", reason="connection-lost", since=stamp())])
    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_have_attribute("data-presence", "offline")
    expect(page.locator(".tile", has_text="Offline").locator(".tile-figure > span")).to_have_text("1")


def test_rows_under_the_pointer_keep_their_places(site: Site, page: Page) -> None:
    site.own(3)
    page.goto("/")
    become_live(page)
    names = rows(page).locator(".camera-link").all_text_contents()
    rows(page).first.hover()
    site.fleet.put([camera(1, presence="offline", reason="silent")])
    expect(page.locator("tr[data-presence=offline]")).to_have_count(1)
    assert rows(page).locator(".camera-link").all_text_contents() == names
    page.mouse.move(5, 5)
    expect(rows(page).first).to_have_attribute("data-presence", "offline")


def test_search_states_and_order_are_kept_in_the_address(site: Site, page: Page) -> None:
    site.own(40)
    page.goto("/")
    page.get_by_role("searchbox").fill("plant gate")
    expect(page).to_have_url(re.compile(r"q=plant\+gate"))
    page.locator(".chip[data-state=online]").click()
    expect(page).to_have_url(re.compile("state=online"))
    page.get_by_role("button", name="Camera").click()
    expect(page).to_have_url(re.compile("sort=name"))
    shown = rows(page).locator(".camera-link").all_text_contents()
    page.reload()
    expect(rows(page)).to_have_count(len(shown))
    assert rows(page).locator(".camera-link").all_text_contents() == shown
    expect(page.get_by_role("searchbox")).to_have_value("plant gate")
    page.go_back()
    expect(page).not_to_have_url(re.compile("sort=name"))


def test_a_filter_that_fits_nothing_offers_to_be_cleared(site: Site, page: Page) -> None:
    site.own(3)
    page.goto("/?q=nowhere")
    page.get_by_role("button", name="Clear the filter").click()
    expect(rows(page)).to_have_count(3)


def test_ten_thousand_cameras_stay_usable(site: Site, page: Page) -> None:
    site.own(10_000)
    page.goto("/")
    expect(page.locator(".result-count")).to_have_text("10,000 cameras")
    assert rows(page).count() < 100
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.locator('tr[aria-rowindex="10001"]')).to_be_visible()
    took_ms = page.evaluate(
        """async () => {
          const field = document.querySelector('[data-search]'), began = performance.now();
          field.value = 'yard 9'; field.dispatchEvent(new Event('input', { bubbles: true }));
          await new Promise(requestAnimationFrame);
          return performance.now() - began;
        }"""
    )
    assert took_ms < 1_000
    expect(page.locator(".result-count")).to_contain_text("of 10,000")


def test_keys_search_walk_open_and_go(site: Site, page: Page) -> None:
    site.own(3, events=2)
    page.goto("/")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(rows(page).first).to_be_focused()
    page.keyboard.press("j")
    expect(rows(page).nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/cameras/cam-"))
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/review"))
    expect(page.locator("event-card")).to_have_count(2)
    page.keyboard.press("J")
    expect(page.locator("event-card").first).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("f")
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()


def test_the_help_opens_and_closes_by_key(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_theme_follows_the_system_until_one_is_chosen(site: Site) -> None:
    with watched_page(site.browser, site.url, Screen(dark=True)) as watched:
        root = watched.page.locator("html")
        watched.page.goto("/")
        expect(root).to_have_attribute("data-theme", "dark")
        watched.page.get_by_role("button", name="Change theme").click()
        expect(root).to_have_attribute("data-theme", "light")
        watched.page.goto("/review")
        expect(root).to_have_attribute("data-theme", "light")


def test_a_lost_feed_is_shown_and_resumed_where_it_stopped(site: Site, watched: WatchedPage) -> None:
    watched.allowed += ["503", "ERR_", "Failed to load resource"]
    site.own(1)
    watched.page.goto("/")
    become_live(watched.page)
    site.fleet.put([camera(1)])
    expect(rows(watched.page)).to_have_count(2)
    seen = site.fleet.change_seq
    site.fleet.cut_feed()
    expect(watched.page.locator("live-indicator")).to_have_text("reconnecting…")
    site.fleet.restore_feed()
    become_live(watched.page)
    assert site.fleet.feed_requests[-1] == f"since={seen}"


def test_a_client_that_fell_behind_loads_the_list_again(site: Site, page: Page) -> None:
    site.own(1)
    page.goto("/")
    become_live(page)
    late = camera(5, change_seq=7)
    site.fleet.cameras[late["device_id"]] = late
    site.fleet.summarise()
    expect(rows(page)).to_have_count(2)


def test_an_event_card_arrives_and_is_updated_in_place(site: Site, page: Page) -> None:
    site.own(1, events=3)
    page.goto("/review")
    become_live(page)
    now = {"started_at": stamp(), "ts": stamp(), "received_at": stamp(), "frame_ts": stamp()}
    new = event(500, **now, ended_at=None, rev=1, change="new")
    site.fleet.put(events=[new])
    card = page.locator(f'event-card[data-event-id="{new["event_id"]}"]')
    expect(card).to_be_visible()
    expect(card).to_have_attribute("data-frame-ts", new["frame_ts"])
    expect(card.locator(".card-state")).to_have_text("live")
    assert page.locator("event-card").first.get_attribute("data-event-id") == new["event_id"]
    site.fleet.put(events=[new | {"rev": 3, "change": "end", "ended_at": stamp()}])
    expect(card).to_have_attribute("data-rev", "3")
    expect(card.locator(".card-state")).to_have_text("ended")
    site.fleet.put(events=[new | {"rev": 2, "change": "update"}, event(501, **now)])
    expect(page.locator("event-card")).to_have_count(5)
    expect(card).to_have_attribute("data-rev", "3")


def test_new_cards_wait_while_the_pointer_is_among_them(site: Site, page: Page) -> None:
    site.own(1, events=3)
    page.goto("/review")
    become_live(page)
    page.locator("event-card").first.hover()
    site.fleet.put(events=[event(500)])
    page.get_by_role("button", name="1 new event").click()
    expect(page.locator("event-card:visible")).to_have_count(4)


def test_a_gap_is_shown_as_a_warning(site: Site, page: Page) -> None:
    site.own(1)
    page.goto("/review")
    become_live(page)
    site.fleet.put(events=[gap(9, lost=12)])
    expect(page.locator('event-card[data-change="gap"]')).to_contain_text("12 events lost")


def test_review_filters_are_kept_in_the_address_and_hold_for_live_events(site: Site, page: Page) -> None:
    site.own(3, events=12)
    page.goto("/review")
    expect(page.locator("event-card")).to_have_count(12)
    page.get_by_label("Label").fill("dog")
    page.get_by_label("Label").press("Enter")
    expect(page).to_have_url(re.compile("label=dog"))
    expect(page.locator("event-card")).to_have_count(3)
    page.get_by_label("Site").select_option("hq")
    expect(page).to_have_url(re.compile("site=hq"))
    expect(page.locator("event-card")).to_have_count(1)
    site.fleet.put(events=[event(900, label="cat"), event(901, label="dog", site_id="hq")])
    expect(page.locator("event-card")).to_have_count(2)
    page.go_back()
    expect(page.locator("event-card")).to_have_count(4)
    page.get_by_role("button", name="Clear").click()
    expect(page).to_have_url(f"{site.url}/review")
    expect(page.locator("event-card")).to_have_count(14)


def test_the_address_of_a_filtered_review_is_a_link(site: Site, page: Page) -> None:
    site.own(3, events=12)
    wanted = camera(1)["device_id"]
    page.goto(f"/review?camera={wanted}&after={stamp(timedelta(days=2))}")
    expect(page.locator("event-card")).to_have_count(4)
    expect(page.get_by_label("Camera")).to_have_value(wanted)
    assert set(page.locator("event-card").evaluate_all("cards => cards.map(c => c.dataset.deviceId)")) == {wanted}


def test_older_events_are_loaded_by_cursor(site: Site, page: Page) -> None:
    site.own(3, events=70)
    page.goto("/review")
    expect(page.locator("event-card")).to_have_count(50)
    page.get_by_role("button", name="Load older").click()
    expect(page.locator("event-card")).to_have_count(70)
    expect(page.get_by_role("button", name="Load older")).to_have_count(0)


def test_the_camera_page_follows_its_camera(site: Site, page: Page) -> None:
    site.own(3, events=6)
    device_id = camera(0)["device_id"]
    page.goto(f"/cameras/{device_id}")
    become_live(page)
    expect(page.get_by_role("heading", name="Gate north 0")).to_be_visible()
    expect(page.get_by_text("176 MiB")).to_be_visible()
    site.fleet.put([camera(0, presence="offline", reason="stopped", since=stamp())])
    expect(page.locator(".camera-head .reason")).to_have_text("stopped")
    page.get_by_role("tab", name="Events").click()
    expect(page).to_have_url(re.compile("tab=events"))
    expect(page.locator("event-card")).to_have_count(2)
    site.fleet.put(events=[event(300, device_id=device_id), event(301)])
    expect(page.locator("event-card")).to_have_count(3)


def test_telemetry_is_drawn_for_the_chosen_span(site: Site, page: Page) -> None:
    site.own(1)
    page.goto(f"/cameras/{camera(0)['device_id']}?tab=telemetry")
    expect(page.locator(".uplot canvas")).to_have_count(5)
    expect(page.locator(".chart-readout").first).to_contain_text("%")
    page.get_by_role("button", name="6 h").click()
    expect(page).to_have_url(re.compile("range=6h"))
    expect(page.locator(".uplot canvas")).to_have_count(5)


def test_a_camera_that_does_not_exist_is_said_so(watched: WatchedPage) -> None:
    watched.allowed.append("404")
    watched.page.goto("/cameras/cam-nowhere")
    expect(watched.page.get_by_text("There is no such camera")).to_be_visible()


def test_names_are_text_wherever_they_appear(site: Site, page: Page) -> None:
    named = camera(0, name=HARMLESS, site_name=HARMLESS, software=HARMLESS, reason=HARMLESS)
    seen = event(0, camera_name=HARMLESS, label=HARMLESS, zones=[HARMLESS], device_id=named["device_id"])
    site.fleet.put([named], [seen])
    for path in ("/", "/review", f"/cameras/{named['device_id']}", f"/cameras/{named['device_id']}?tab=events"):
        page.goto(path)
        expect(page.locator("main").get_by_text(HARMLESS).locator("visible=true").first).to_be_visible()
        become_live(page)
        assert page.locator("img").count() == 0
        assert page.title() != "owned"


@pytest.mark.parametrize("width", [360, 390])
def test_no_page_scrolls_sideways(site: Site, width: int) -> None:
    long_name = camera(1, name="A camera with quite a long name above the western loading dock of hall 12")
    site.fleet.put([camera(0), long_name], [event(number) for number in range(4)])
    one = f"/cameras/{long_name['device_id']}"
    with watched_page(site.browser, site.url, Screen(width, 844), allowed=["404"]) as watched:
        for path in ("/", "/review", one, f"{one}?tab=events", f"{one}?tab=telemetry", "/login?wrong=1", "/broken"):
            watched.page.goto(path)
            expect(watched.page.locator("[aria-busy=true]")).to_have_count(0)
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_phones_show_cards_and_a_bottom_bar(site: Site) -> None:
    site.own(12)
    with watched_page(site.browser, site.url, PHONE) as watched:
        watched.page.goto("/")
        expect(rows(watched.page).first).to_be_visible()
        rail = watched.page.get_by_role("navigation", name="Pages").bounding_box()
        row = rows(watched.page).first.bounding_box()
        assert rail is not None
        assert row is not None
        assert rail["y"] + rail["height"] == PHONE.height
        assert row["height"] > 100


def test_times_age_by_themselves_and_tell_utc(site: Site, page: Page) -> None:
    page.clock.install()
    site.fleet.put([camera(0, last_seen_at=stamp())])
    page.goto(f"/cameras/{camera(0)['device_id']}")
    seen = page.locator(".camera-head relative-time").last
    expect(seen).to_have_text("just now")
    page.clock.run_for(125_000)
    expect(seen).to_have_text("2 min ago")
    assert "UTC" in (seen.get_attribute("title") or "")


def test_a_refused_request_names_its_id_and_offers_another_try(site: Site, watched: WatchedPage) -> None:
    watched.allowed.append("500")
    problem = '{"title": "Broken", "detail": "The store does not answer.", "request_id": "req-9"}'
    watched.page.route("**/api/v1/cameras", lambda route: route.fulfill(status=500, body=problem))
    watched.page.goto("/")
    expect(watched.page.get_by_text("The store does not answer. (request req-9)")).to_be_visible()
    watched.page.unroute("**/api/v1/cameras")
    site.own(1)
    watched.page.get_by_role("button", name="Try again").click()
    expect(rows(watched.page)).to_have_count(1)


def test_a_lost_session_leads_to_the_login_page_and_back(site: Site, watched: WatchedPage) -> None:
    watched.allowed.append("401")
    watched.page.route("**/api/v1/cameras", lambda route: route.fulfill(status=401, body="{}"))
    watched.page.goto("/?q=gate")
    watched.page.wait_for_url("**/login?next=**")
    assert watched.page.locator("input[name=next]").get_attribute("value") == "/?q=gate"


def test_the_user_menu_logs_out(page: Page) -> None:
    page.goto("/")
    page.get_by_label("User menu: ada").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/logout")


def test_a_page_that_nobody_listens_to_leaves_the_feed(site: Site, page: Page) -> None:
    page.goto("/")
    wait_until(site.fleet.is_followed, 5, "the page follows the feed")
    assert site.fleet.feed_requests[0].startswith("since=")
