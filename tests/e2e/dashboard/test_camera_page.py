"""The Camera page before a pretended fleet: header, tabs, telemetry, times."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.dashboard.pretended import camera, event, stamp
from tests.e2e.dashboard.site import Site, become_live
from tests.support.browser import WatchedPage


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


def test_times_age_by_themselves_and_tell_utc(site: Site, page: Page) -> None:
    page.clock.install()
    site.fleet.put([camera(0, last_seen_at=stamp())])
    page.goto(f"/cameras/{camera(0)['device_id']}")
    seen = page.locator(".camera-head relative-time").last
    expect(seen).to_have_text("just now")
    page.clock.run_for(125_000)
    expect(seen).to_have_text("2 min ago")
    assert "UTC" in (seen.get_attribute("title") or "")
