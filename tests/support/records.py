"""What the cameras wrote on the side, what they still hold, and what the servers stored: for comparing them."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Events = dict[str, dict[str, Any]]


def ledger_events(homes: Iterable[Path]) -> Events:
    """Return each decided event at its last `rev`, by event id, from the cameras' ledgers."""
    last: Events = {}
    for home in homes:
        for line in (home / "ledger.jsonl").read_text().splitlines():
            event = json.loads(line)
            known = last.get(event["event_id"])
            if known is None or event["rev"] > known["rev"]:
                last[event["event_id"]] = event
    return last


def stored_revisions(database: Path) -> dict[str, int]:
    """Return event id → rev of everything in the event store."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return {_plain(event_id): rev for event_id, rev in connection.execute("SELECT event_id, rev FROM events")}
    finally:
        connection.close()


def _plain(event_id: str) -> str:
    """Return a UUID with its dashes, however the store writes it."""
    digits = event_id.replace("-", "")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
