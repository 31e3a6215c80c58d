"""Cameras, events and telemetry for tests of the pages, in the shapes of the API."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
PRESENCES = {7: ("offline", "connection-lost"), 11: ("degraded", "frozen"), 23: ("pending", "never-seen")}
PLACES = ["Gate north", "Yard", "Loading dock", "Lobby", "Parking B", "Stair 3", "Kitchen", "Server room"]
SITES = [("hq", "Headquarters"), ("plant", "Plant Süd"), ("depot", "Depot 4")]


def stamp(ago: timedelta = timedelta(0)) -> str:
    """Write a time of this kind ago as the API does."""
    return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def camera(number: int, **changes: Any) -> Json:
    """Make the camera of this number; every 7th is offline, every 11th degraded, every 23rd pending."""
    hit = next((PRESENCES[step] for step in PRESENCES if number % step == step - 1), ("online", None))
    site_id, site_name = SITES[number % len(SITES)]
    return (
        {
            "device_id": f"cam-{PLACES[number % len(PLACES)].lower().replace(' ', '-')}-{number:05d}",
            "name": f"{PLACES[number % len(PLACES)]} {number}",
            "site_id": site_id,
            "site_name": site_name,
            "time_zone": "Europe/Vienna",
            "group": None,
            "state": "accepted",
            "presence": hit[0],
            "reason": hit[1],
            "since": stamp(timedelta(minutes=3 + number % 700)),
            "last_seen_at": stamp(timedelta(seconds=number % 15)),
            "change_seq": number + 1,
        }
        | (_unseen() if hit[0] == "pending" else _seen(number, hit))
        | changes
    )


def _unseen() -> Json:
    gone = ["software", "certificate_not_after", "outbox_depth", "outbox_oldest_s", "disk_free_pct", "cpu_pct"]
    return {"streams": [], "last_seen_at": None} | dict.fromkeys(gone)


def _seen(number: int, hit: tuple[str, str | None]) -> Json:
    state = "offline" if hit[0] in {"offline", "degraded"} else "online"
    stream = {"name": "main", "state": state, "reason": hit[1], "since": stamp(timedelta(hours=2)), "fps": 5.0}
    return {
        "software": "camfleet-agent 0.1.0",
        "certificate_not_after": stamp(-timedelta(days=90 if number % 13 else 9)),
        "streams": [stream | ({"fps": None} if state == "offline" else {})],
        "outbox_depth": 140 if hit[0] == "offline" else number % 3,
        "outbox_oldest_s": 94.0 if hit[0] == "offline" else 0.4,
        "disk_free_pct": 11.0 if number % 17 == 3 else 63.5,
        "cpu_pct": 34.2,
    }


def event(number: int, **changes: Any) -> Json:
    """Make the event of this number, the higher the newer; every 5th is still going on."""
    ago = timedelta(seconds=max(0, 400 - number) * 37)
    made_by = camera(number % 3)
    left, top = 0.1 + 0.06 * (number % 10), 0.25 + 0.03 * (number % 7)
    is_live = number % 5 == 0
    return {
        "device_id": made_by["device_id"],
        "camera_name": made_by["name"],
        "site_id": made_by["site_id"],
        "stream": "main",
        "event_id": f"01930000-0000-7000-8000-{number:012d}",
        "rev": 1 if is_live else 4,
        "change": "new" if is_live else "end",
        "label": ["person", "person", "car", "dog"][number % 4],
        "score": 0.52 + 0.04 * (number % 11),
        "box": [left + 0.12, top, 0.11, 0.34],
        "best_box": [left + 0.05, top - 0.02, 0.12, 0.36],
        "best_score": 0.6 + 0.03 * (number % 11),
        "aspect": [16 / 9, 4 / 3, 0.9][number % 3],
        "zones": ["gate"] if number % 3 else [],
        "path": [[left + 0.05 + 0.012 * step, top + 0.34 + 0.02 * math.sin(step)] for step in range(12)],
        "happened_at": stamp(ago),
        "started_at": stamp(ago),
        "ended_at": None if is_live else stamp(ago - timedelta(seconds=7.4)),
        "ts": stamp(ago),
        "frame_ts": stamp(ago),
        "received_at": stamp(ago),
        "clock_suspect": number % 19 == 6,
        "lost": None,
        "change_seq": number + 1,
    } | changes


def gap(number: int, lost: int) -> Json:
    """Make a gap: this many events were lost on the camera."""
    nothing = {"label": "", "score": 0.0, "best_box": [0, 0, 0, 0], "box": [0, 0, 0, 0], "path": [], "zones": []}
    return event(number, change="gap", lost=lost, ended_at=None, **nothing)


def health(count: int = 240) -> list[Json]:
    """Make telemetry: a reading every 15 s up to now, with a hole in it."""
    readings = [
        {
            "ts": stamp(timedelta(seconds=15 * (count - number))),
            "cpu_pct": 30 + 8 * math.sin(number / 9),
            "rss_bytes": 175_000_000 + 900_000 * (number % 12),
            "fps": 5 - (0.8 if number % 31 == 4 else 0.0),
            "outbox_depth": max(0, 40 - abs(number - 150)),
            "disk_free_bytes": 21_000_000_000 - 4_000_000 * number,
        }
        for number in range(count)
    ]
    return readings[: count // 3] + readings[count // 3 + 20 :]
