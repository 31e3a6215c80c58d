"""What one or more messages add to the store, as plain rows; made by ingest, written by intake."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]

# Nothing begins after it arrived, and no outbox keeps an event for longer.
LONGEST_DELAY = timedelta(days=365)


@dataclass(slots=True)
class Records:
    """Rows by kind, in the order in which they arrived. `cameras` holds changed columns per device id."""

    events: list[Row] = field(default_factory=list)
    cameras: dict[str, Row] = field(default_factory=dict)
    streams: list[Row] = field(default_factory=list)
    telemetry: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    probes: list[Row] = field(default_factory=list)

    def change_camera(self, device_id: str, **columns: Any) -> None:
        """Note changed columns of a camera; a later value of a column replaces an earlier one."""
        self.cameras.setdefault(device_id, {}).update(columns)

    def extend(self, other: "Records") -> None:
        """Add what came after these."""
        self.events += other.events
        self.streams += other.streams
        self.telemetry += other.telemetry
        self.quarantine += other.quarantine
        self.probes += other.probes
        for device_id, columns in other.cameras.items():
            self.change_camera(device_id, **columns)

    def __bool__(self) -> bool:
        return any((self.events, self.cameras, self.streams, self.telemetry, self.quarantine, self.probes))


def happened_at(event: Row) -> datetime:
    """Return when an event began, as lists show it: what a clock cannot be right about began when it arrived."""
    began: datetime = event["started_at"]
    arrived: datetime = event["received_at"]
    return began if arrived - LONGEST_DELAY <= began <= arrived else arrived
