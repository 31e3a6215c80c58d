"""What a person does in the dashboard's pages, for tests that drive a browser."""

import re

from playwright.sync_api import Locator, Page, expect


def log_in(page: Page, password: str, username: str = "admin") -> None:
    """Log in through the form and wait until the login page is left behind."""
    page.goto("/login")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("form button[type=submit]").click()
    expect(page).not_to_have_url(re.compile("/login"))


def camera_row(page: Page, device_id: str, presence: str | None = None) -> Locator:
    """Return a camera's row on the Fleet page, in a given presence if one is named."""
    state = f"[data-presence={presence}]" if presence else ""
    return page.locator(f"tr[data-device-id={device_id}]{state}")


def card_ids(page: Page) -> set[str]:
    """Return the ids of the events whose cards the page shows."""
    ids: list[str] = page.locator("event-card").evaluate_all("cards => cards.map(card => card.dataset.eventId)")
    return set(ids)
