"""Turn stored rows into the JSON that API and feed share. Pure."""

from datetime import datetime
from typing import Any

from dashboard.store.cameras import CameraRow
from fleet.messages import to_wire_time

Json = dict[str, Any]

TELEMETRY_FIELDS = ("cpu_pct", "rss_bytes", "fps", "outbox_depth", "disk_free_bytes")
EVENT_FIELDS = (
    "device_id",
    "site_id",
    "stream",
    "event_id",
    "rev",
    "change",
    "track_id",
    "label",
    "score",
    "box",
    "best_box",
    "best_score",
    "aspect",
    "zones",
    "path",
    "lost",
    "clock_suspect",
    "change_seq",
)


def event_json(row: Json) -> Json:
    """Return an event as web clients see it."""
    shown = {name: row[name] for name in EVENT_FIELDS}
    times = ("happened_at", "started_at", "ended_at", "ts", "frame_ts", "received_at")
    shown |= {name: wire_time(row[name]) for name in times}
    shown["camera_name"] = row["camera_name"] or row["device_id"]
    return shown


def camera_json(camera: CameraRow) -> Json:
    """Return a camera as web clients see it; one that is online without all of its streams is `degraded`."""
    row, health = camera.columns, camera.columns["health"] or {}
    streams = [_stream_json(stream, health) for stream in camera.streams]
    presence, reason = row["presence"], row["reason"]
    failing = [stream for stream in streams if stream["state"] == "offline"]
    if presence == "online" and failing:
        presence, reason = "degraded", failing[0]["reason"]
    return {
        "device_id": row["device_id"],
        "name": row["name"] or row["device_id"],
        "site_id": row["site_id"],
        "site_name": row["site_name"],
        "time_zone": row["time_zone"] or "UTC",
        "group": row["group_name"],
        "state": row["state"],
        "presence": presence,
        "reason": reason,
        "since": wire_time(row["since"]),
        "last_seen_at": wire_time(row["last_seen_at"]),
        "software": row["software"],
        "certificate_not_after": wire_time(row["certificate_not_after"]),
        "streams": streams,
        "outbox_depth": health.get("outbox_depth"),
        "outbox_oldest_s": health.get("outbox_oldest_s"),
        "disk_free_pct": _free_percent(health),
        "cpu_pct": health.get("cpu_pct"),
        "change_seq": row["change_seq"],
    }


def camera_details_json(camera: CameraRow) -> Json:
    """Return what the Camera page shows beyond the fleet's table: the birth and the newest measurement."""
    row, birth, health = camera.columns, camera.columns["birth"] or {}, camera.columns["health"]
    latest = None
    if health:
        fps = sum(stream.get("fps", 0.0) for stream in health.get("streams", {}).values())
        latest = {name: health.get(name) for name in TELEMETRY_FIELDS} | {
            "ts": wire_time(row["health_at"]),
            "fps": fps,
            "disk_total_bytes": health.get("disk_total_bytes"),
            "temperature_c": health.get("temperature_c"),
            "clock_offset_s": health.get("clock_offset_s"),
        }
    return camera_json(camera) | {
        "telemetry": latest,
        "session": row["session"],
        "models": birth.get("models", []),
        "capabilities": birth.get("capabilities", []),
        "sources": birth.get("streams", []),
    }


def telemetry_json(row: Json) -> Json:
    """Return one measurement at the server's time."""
    return {"ts": wire_time(row["received_at"])} | {name: row[name] for name in TELEMETRY_FIELDS}


def wire_time(moment: datetime | None) -> str | None:
    """Return a time as all clients get it."""
    return None if moment is None else to_wire_time(moment)


def _stream_json(stream: Json, health: Json) -> Json:
    measured = health.get("streams", {}).get(stream["name"], {})
    return {
        "name": stream["name"],
        "state": stream["state"],
        "reason": stream["reason"],
        "detail": stream["detail"],
        "since": wire_time(stream["since"]),
        "fps": measured.get("fps"),
    }


def _free_percent(health: Json) -> float | None:
    total = health.get("disk_total_bytes")
    return round(100.0 * health["disk_free_bytes"] / total, 1) if total else None
