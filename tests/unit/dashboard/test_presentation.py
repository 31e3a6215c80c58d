"""What web clients see of a camera and an event."""

from typing import Any

from dashboard.presentation import camera_details_json, camera_json, event_json
from dashboard.store.cameras import CameraRow
from dashboard.store.tables import cameras
from tests.support.camera_words import CAMERA, MOMENT, health

CAMERA_MEMBERS = set(
    [
        "device_id",
        "name",
        "site_id",
        "site_name",
        "time_zone",
        "group",
        "state",
        "presence",
        "reason",
        "since",
        "last_seen_at",
        "software",
        "certificate_not_after",
        "streams",
        "outbox_depth",
        "outbox_oldest_s",
        "disk_free_pct",
        "cpu_pct",
        "change_seq",
    ]
)
EVENT_MEMBERS = set(
    [
        "device_id",
        "camera_name",
        "site_id",
        "stream",
        "event_id",
        "rev",
        "change",
        "label",
        "score",
        "box",
        "best_box",
        "zones",
        "path",
        "happened_at",
        "started_at",
        "ended_at",
        "ts",
        "frame_ts",
        "received_at",
        "clock_suspect",
        "change_seq",
    ]
)


def row(**given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(column.name for column in cameras.c)
    return empty | {"device_id": CAMERA, "presence": "online", "since": MOMENT, "change_seq": 5} | given


def stream(state: str, reason: str | None = None, name: str = "main") -> dict[str, Any]:
    return {"name": name, "state": state, "reason": reason, "detail": None, "since": MOMENT}


def test_a_camera_has_the_agreed_members_even_when_nothing_is_known() -> None:
    shown = camera_json(CameraRow(row(presence="pending", reason="never-seen", since=None), []))
    assert set(shown) == CAMERA_MEMBERS
    assert (shown["name"], shown["presence"], shown["reason"]) == (CAMERA, "pending", "never-seen")


def test_times_end_with_z() -> None:
    assert camera_json(CameraRow(row(), []))["since"] == "2026-11-21T08:00:00.000Z"


def test_a_camera_with_a_stream_down_is_degraded_for_that_reason() -> None:
    shown = camera_json(CameraRow(row(), [stream("online"), stream("offline", "timeout", "yard")]))
    assert (shown["presence"], shown["reason"]) == ("degraded", "timeout")


def test_disabled_and_idle_streams_are_no_fault_and_offline_stays_offline() -> None:
    assert camera_json(CameraRow(row(), [stream("disabled"), stream("idle")]))["presence"] == "online"
    lost = camera_json(CameraRow(row(presence="offline", reason="silent"), [stream("offline", "timeout")]))
    assert (lost["presence"], lost["reason"]) == ("offline", "silent")


def test_the_newest_health_gives_figures_and_frames_per_stream() -> None:
    told = health(outbox_depth=3, outbox_oldest_s=8.5).model_dump(mode="json")
    shown = camera_json(CameraRow(row(health=told, health_at=MOMENT), [stream("online")]))
    assert (shown["disk_free_pct"], shown["outbox_depth"], shown["cpu_pct"]) == (25.0, 3, 12.5)
    assert shown["streams"][0]["fps"] == 4.9
    details = camera_details_json(CameraRow(row(health=told, health_at=MOMENT), []))
    assert details["telemetry"]["fps"] == 4.9
    assert details["telemetry"]["ts"] == "2026-11-21T08:00:00.000Z"


def test_a_camera_without_health_has_no_telemetry() -> None:
    assert camera_details_json(CameraRow(row(), []))["telemetry"] is None


def test_an_event_has_the_agreed_members() -> None:
    members = EVENT_MEMBERS | {"track_id", "best_score", "aspect", "lost"}
    stored: dict[str, Any] = dict.fromkeys(members)
    stored |= {"device_id": CAMERA, "started_at": MOMENT}
    shown = event_json(stored)
    assert set(shown) >= EVENT_MEMBERS
    assert (shown["camera_name"], shown["started_at"], shown["ended_at"]) == (CAMERA, "2026-11-21T08:00:00.000Z", None)
