"""A headless Chromium whose pages remember every console error, page error and CSP violation."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) => console.error(
  `csp-violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass(frozen=True)
class Screen:
    """The window a page is shown in; sizes in CSS pixels."""

    width: int = 1440
    height: int = 900
    dark: bool = False
    reduced_motion: bool = False


@dataclass
class WatchedPage:
    """A page and all that went wrong in it; `allowed` are patterns of problems a test provokes on purpose."""

    page: Page
    allowed: list[str] = field(default_factory=list)
    _seen: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Return what went wrong so far, without what the test allowed."""
        return [text for text in self._seen if not any(re.search(pattern, text) for pattern in self.allowed)]

    def watch(self) -> None:
        """Begin to record; called once, before the first navigation."""
        self.page.on("console", self._record_console)
        self.page.on("pageerror", lambda error: self._seen.append(f"page error: {error}"))
        self.page.on("request", self._record_report)
        self.page.add_init_script(REPORT_VIOLATIONS)

    def assert_clean(self) -> None:
        """Fail naming every problem that was recorded."""
        assert not self.problems, "the page reported problems:\n" + "\n".join(self.problems)

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            self._seen.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _record_report(self, request: Request) -> None:
        if request.url.endswith("/csp-report"):
            self._seen.append(f"CSP report: {request.post_data}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one headless Chromium; only one per thread at a time."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(
    browser: Browser, base_url: str, screen: Screen | None = None, *, allowed: Sequence[str] = ()
) -> Iterator[WatchedPage]:
    """Open a page in a fresh context; leaving without an exception asserts that nothing went wrong in it."""
    shown = screen or Screen()
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": shown.width, "height": shown.height},
        color_scheme="dark" if shown.dark else "light",
        reduced_motion="reduce" if shown.reduced_motion else "no-preference",
        ignore_https_errors=True,
        timezone_id="Europe/Vienna",
        locale="en-GB",
    )
    try:
        watched = WatchedPage(context.new_page(), list(allowed))
        watched.watch()
        yield watched
        watched.assert_clean()
    finally:
        context.close()
