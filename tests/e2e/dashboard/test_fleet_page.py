"""The Fleet page before a pretended fleet: states, search, order, 10,000 cameras, phones."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.dashboard.pretended import camera, stamp
from tests.e2e.dashboard.site import Site, become_live, rows
from tests.support.browser import Screen, watched_page

PHONE = Screen(390, 844)


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
    page.get_by_role("button", name="Camera", exact=True).click()
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


def test_the_version_column_shows_the_version_of_our_agent(site: Site, page: Page) -> None:
    site.own(1)
    page.goto("/")
    expect(rows(page).first.get_by_text("0.1.0", exact=True)).to_be_visible()
