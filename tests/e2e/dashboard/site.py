"""What the tests of the pages share: a pretended fleet that is served, and what they look for on a page."""

from dataclasses import dataclass

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.dashboard.pages_server import PretendedFleet
from tests.e2e.dashboard.pretended import camera, event


@dataclass
class Site:
    """A pretended fleet, where it is served, and the browser to look at it with."""

    fleet: PretendedFleet
    url: str
    browser: Browser

    def own(self, cameras: int, events: int = 0) -> None:
        """Put this many cameras and events in place, before a page looks."""
        self.fleet.put([camera(number) for number in range(cameras)], [event(number) for number in range(events)])


def rows(page: Page) -> Locator:
    """Return the rows of the Fleet table that are in the page."""
    return page.locator("tr[data-device-id]")


def become_live(page: Page) -> None:
    """Wait until the page follows the feed."""
    expect(page.locator("live-indicator")).to_have_text("live")
