"""What all pages share, before a pretended fleet: keys, theme, feed, failures, escaping, narrow screens."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dashboard.pretended import camera, event
from tests.e2e.dashboard.site import Site, become_live, rows
from tests.support.browser import Screen, WatchedPage, watched_page
from tests.support.waiting import wait_until

HARMLESS = "<img src=x onerror=\"document.title='owned'\">"


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
    page.wait_for_load_state()  # the address changes before the page's scripts listen to keys
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
