"""A browser for each file, and for each test a pretended fleet and a page that must stay free of problems."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.dashboard.pages_server import PretendedFleet, serving
from tests.e2e.dashboard.pretended import health
from tests.e2e.dashboard.site import Site
from tests.support.browser import WatchedPage, chromium, watched_page


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
