"""How old is the frame when a person sees the event that it decided? Three demo cameras, a real browser, one clock."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from bench.report import Figure, percentile, run_bench
from tests.support.browser import chromium, watched_page
from tests.support.pages import log_in
from tests.support.platform import Platform, running_demo

FULL_EVENTS, QUICK_EVENTS = 150, 15
WAIT_S = 300
LIMIT_MS = 500.0

# Notes each card the moment it stands in the document, and each rise of its revision.
OBSERVE = """
() => {
  window.seenCards = [];
  const shown = new Map();
  const note = (card) => {
    const { eventId, rev, frameTs } = card.dataset;
    if (!eventId || !frameTs || Number(rev) <= (shown.get(eventId) ?? 0)) return;
    const first = !shown.has(eventId);
    shown.set(eventId, Number(rev));
    window.seenCards.push({ event_id: eventId, rev: Number(rev), first,
      change: card.dataset.change, frame_ms: Date.parse(frameTs), shown_ms: Date.now() });
  };
  for (const card of document.querySelectorAll('event-card')) {
    shown.set(card.dataset.eventId, Number(card.dataset.rev));
  }
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === 'attributes') note(change.target);
      for (const node of change.addedNodes) {
        if (node.nodeType !== 1) continue;
        if (node.matches('event-card')) note(node);
        node.querySelectorAll('event-card').forEach(note);
      }
    }
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-rev'] });
}
"""


@dataclass(frozen=True)
class Sighting:
    """One revision of an event as the browser showed it; `frame_ms` and `shown_ms` are of the same clock."""

    event_id: str
    rev: int
    change: str
    frame_ms: float
    shown_ms: float

    @property
    def age_ms(self) -> float:
        """Return how old the deciding frame was when the card stood in the document."""
        return self.shown_ms - self.frame_ms


def measure(quick: bool) -> list[Figure]:
    """Measure capture of the deciding frame → its card in the document."""
    wanted = QUICK_EVENTS if quick else FULL_EVENTS
    with tempfile.TemporaryDirectory(prefix="camfleet-latency-") as folder, running_demo(Path(folder)) as platform:
        return figures_of(watch_review(platform, wanted))


def figures_of(sightings: list[Sighting]) -> list[Figure]:
    """Return the figures of what was seen."""
    ages = [sighting.age_ms for sighting in sightings]
    new = [sighting.age_ms for sighting in sightings if sighting.change == "new"] or ages
    p95 = percentile(ages, 0.95)
    return [
        Figure("frame_to_browser_p95_ms", p95, "ms", f"< {LIMIT_MS:.0f}"),
        Figure("frame_to_browser_p50_ms", percentile(ages, 0.5), "ms"),
        Figure("frame_to_browser_max_ms", max(ages), "ms"),
        Figure("new_event_p95_ms", percentile(new, 0.95), "ms"),
        Figure("share_of_limit", p95 / LIMIT_MS, "", "< 1"),
        Figure("events", len({sighting.event_id for sighting in sightings}), "", ">= 100 (full run)"),
        Figure("revisions", len(sightings), ""),
    ]


def watch_review(platform: Platform, wanted: int) -> list[Sighting]:
    """Return what the Review page showed until `wanted` different events had come."""
    with _review_page(platform) as page:
        page.evaluate(OBSERVE)
        page.wait_for_function(
            "n => new Set(window.seenCards.map(c => c.event_id)).size >= n", arg=wanted, timeout=WAIT_S * 1000
        )
        found: list[dict[str, Any]] = page.evaluate("() => window.seenCards")
    return [
        Sighting(item["event_id"], item["rev"], item["change"], item["frame_ms"], item["shown_ms"]) for item in found
    ]


@contextmanager
def _review_page(platform: Platform) -> Iterator[Page]:
    with chromium() as browser, watched_page(browser, platform.url) as watched:
        log_in(watched.page, platform.password)
        watched.page.goto("/review")
        watched.page.wait_for_selector("event-card", timeout=60_000)
        yield watched.page


if __name__ == "__main__":
    run_bench("latency", measure)
