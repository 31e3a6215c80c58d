"""What one or more messages add to the store, as plain rows; made by ingest, written by intake."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
Columns = dict[str, Sequence[Any]]

# Nothing begins after it arrived, and no outbox keeps an event for longer.
LONGEST_DELAY = timedelta(days=365)


@dataclass(slots=True)
class Records:
    """Rows by kind, in the order in which they arrived. `cameras` holds changed columns per device id.

    `event_columns` holds further events by column: what their rows hold, all values of a column together.
    """

    events: list[Row] = field(default_factory=list)
    cameras: dict[str, Row] = field(default_factory=dict)
    streams: list[Row] = field(default_factory=list)
    telemetry: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    probes: list[Row] = field(default_factory=list)
    event_columns: Columns = field(default_factory=dict)

    @property
    def event_count(self) -> int:
        """Return how many events there are in either form."""
        return len(self.events) + len(self.event_columns.get("event_id", ()))

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
        for name, values in other.event_columns.items():
            self.event_columns[name] = [*self.event_columns.get(name, ()), *values]
        for device_id, columns in other.cameras.items():
            self.change_camera(device_id, **columns)

    def __bool__(self) -> bool:
        single = (self.events, self.cameras, self.streams, self.telemetry, self.quarantine, self.probes)
        return bool(self.event_columns) or any(single)


def happened_at(began: datetime, arrived: datetime) -> datetime:
    """Return when an event began, as lists show it: what a clock cannot be right about began when it arrived."""
    return began if arrived - LONGEST_DELAY <= began <= arrived else arrived
