"""The Review page before a pretended fleet: cards, live arrival, filters in the address, older pages."""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.e2e.dashboard.pretended import camera, event, gap, stamp
from tests.e2e.dashboard.site import Site, become_live


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
