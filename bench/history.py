"""Fill a store with a fleet's past by SQL alone: a million events take seconds, not the minutes that ingest takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from dashboard.store.database import Database
from dashboard.store.tables import change_counter

LABELS = ("person", "car", "bicycle", "dog", "cat")

# Factors of sequences that look thrown by dice, are the same everywhere, and know nothing of each other.
_CAMERA_DICE, _LABEL_DICE, _MEASURED_DICE = 1_583_458_089, 784_588_716, 950_706_376
# What a camera says, with expressions for what differs from event to event.
_PAYLOAD = (
    '{"v":1,"ts":"<at>","session":1,"outbox":"01900000-0000-7000-8000-000000000000","seq":<seq>,"event_id":"<id>","rev":3,'
    '"change":"end","track_id":<track>,"label":"<label>","score":0.75,"box":[0.1,0.2,0.3,0.4],'
    '"best_box":[0.1,0.2,0.3,0.4],"best_score":0.875,"started_at":"<at>","ended_at":"<at>","frame_ts":"<at>",'
    '"zones":["gate"],"path":[[0.25,0.5],[0.3,0.5]]}'
)
_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint))) ",
}
_TIME = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', {ms} / 1000, 'unixepoch') || printf('.%03d000', {ms} % 1000)",
    "postgresql": "to_timestamp({ms} / 1000.0)",
}
_WIRE_TIME = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', {ms} / 1000, 'unixepoch') || printf('.%03d000Z', {ms} % 1000)",
    "postgresql": "to_char(to_timestamp({ms} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
}
_UUID7 = {
    "sqlite": "printf('%08x-%04x-7000-8000-%012x', ({ms}) >> 16, ({ms}) & 65535, i)",
    "postgresql": (
        "lpad(to_hex(({ms}) >> 16), 8, '0') || '-' || lpad(to_hex(({ms}) & 65535), 4, '0')"
        " || '-7000-8000-' || lpad(to_hex(i), 12, '0')"
    ),
}


@dataclass(frozen=True)
class Past:
    """What happened before `until`: so many events, evenly over `days`, at cameras that stand at sites by turns.

    `first` is how many events were loaded before.
    """

    until: datetime
    events: int
    cameras: int = 100
    sites: int = 20
    days: int = 90
    first: int = 0

    @property
    def since(self) -> datetime:
        """Return when the first event happened."""
        return self.until - timedelta(days=self.days)

    @property
    def numbers(self) -> range:
        """Return the numbers of its events."""
        return range(self.first, self.first + self.events)

    @property
    def between_ms(self) -> int:
        """Return the time from one event of the fleet to the next."""
        return max(1, self.days * 86_400_000 // self.events)

    def camera(self, number: int) -> str:
        """Return a camera's device id."""
        return f"cam-past-{number % self.cameras:04d}"

    def site(self, number: int) -> str:
        """Return a site's id."""
        return f"site-{number % self.sites:03d}"


def load_events(database: Database, past: Past) -> None:
    """Add the events of a past to a migrated store, and their cameras."""
    with database.writing() as connection:
        if not past.first:
            _load_cameras(connection, past)
        _insert(
            connection, _events_sql(connection.dialect.name, past), past, range(past.first, past.first + past.events)
        )
        connection.execute(change_counter.update().values(value=past.cameras + past.first + past.events))
        if not database.is_sqlite:
            # As it does by itself after a while.
            connection.execute(text("ANALYZE"))


def load_telemetry(database: Database, past: Past, every_s: int) -> int:
    """Add one measurement per camera every so many seconds, and return how many."""
    count = past.cameras * past.days * 86_400 // every_s
    with database.writing() as connection:
        _insert(connection, _telemetry_sql(connection.dialect.name, past, every_s), past, range(count))
    return count


def _insert(connection: Connection, sql: str, past: Past, numbers: range) -> None:
    since_ms = int(past.since.timestamp() * 1000)
    span = {"first": numbers.start, "last": numbers.stop - 1}
    values = {**span, "since": since_ms, "cameras": past.cameras, "sites": past.sites}
    wanted = {name: value for name, value in values.items() if f":{name}" in sql}
    connection.execute(text(sql), wanted)


def _load_cameras(connection: Connection, past: Past) -> None:
    columns = "device_id, change_seq, name, site_id, presence"
    row = text(f"INSERT INTO cameras ({columns}) VALUES (:id, :seq, :name, :site, 'online')")  # noqa: S608
    rows: list[dict[str, Any]] = [
        {"id": past.camera(n), "seq": n + 1, "name": f"Camera {n}", "site": past.site(n)} for n in range(past.cameras)
    ]
    connection.execute(row, rows)


def _events_sql(dialect: str, past: Past) -> str:
    number = _throw(_CAMERA_DICE, ":cameras")
    at = f":since + (i - {past.first}) * {past.between_ms}"
    event_id = _UUID7[dialect].format(ms=at)
    wire_time = _WIRE_TIME[dialect].format(ms=f"({at})")
    columns = {
        "device_id": _numbered("cam-past-", number, 4, dialect),
        "event_id": event_id,
        "change_seq": f"i + {past.cameras} + 1",
        "rev": "3",
        "site_id": _numbered("site-", f"({number} % :sites)", 3, dialect),
        "stream": "'main'",
        "label": _label(),
        "clock_suspect": "false",
        "payload": _payload({"at": wire_time, "seq": "i + 1", "id": event_id, "track": "i", "label": _label()}),
    }
    moment = _TIME[dialect].format(ms=f"({at})")
    columns |= dict.fromkeys(("received_at", "happened_at"), moment)
    return _insert_select(dialect, "events", columns)


def _payload(expressions: dict[str, str]) -> str:
    """Return an expression: the text of the payload; a colon before a digit would name a parameter."""
    text_of = _PAYLOAD.replace(":", r"\:")
    for name, expression in expressions.items():
        text_of = text_of.replace(f"<{name}>", f"' || ({expression}) || '")
    return f"'{text_of}'"


def _telemetry_sql(dialect: str, past: Past, every_s: int) -> str:
    at = f"(:since + (i / {past.cameras}) * {every_s * 1000})"
    dice = _throw(_MEASURED_DICE, "1000000")
    columns = {
        "device_id": _numbered("cam-past-", f"(i % {past.cameras})", 4, dialect),
        "received_at": _TIME[dialect].format(ms=at),
        "ts": _TIME[dialect].format(ms=at),
        "cpu_pct": f"{dice} % 1000 / 10.0",
        "rss_bytes": f"100000000 + {dice} % 1000000",
        "disk_free_bytes": f"8000000000 - {dice} % 1000000",
        "temperature_c": f"40 + {dice} % 20",
        "fps": "5.0",
        "dropped_frames": f"{dice} % 3",
        "outbox_depth": f"{dice} % 5",
        "outbox_oldest_s": "0.5",
        "clock_offset_s": "0.01",
    }
    return _insert_select(dialect, "telemetry_raw", columns)


def _insert_select(dialect: str, table: str, columns: dict[str, str]) -> str:
    names, values = ", ".join(columns), ", ".join(columns.values())
    insert = f"INSERT INTO {table} ({names}) "
    select = f"SELECT {values} FROM n"  # noqa: S608
    numbers = _NUMBERS[dialect]
    # SQLite wants WITH before INSERT's SELECT as well as PostgreSQL does.
    return insert + numbers + select


def _numbered(prefix: str, number: str, digits: int, dialect: str) -> str:
    if dialect == "sqlite":
        return f"printf('{prefix}%0{digits}d', {number})"
    return f"'{prefix}' || lpad(CAST({number} AS text), {digits}, '0')"


def _throw(factor: int, sides: str) -> str:
    """Return an expression: the i-th throw of dice, from 0; its high digits, for low ones repeat soon."""
    return f"((((i + 1) * {factor}) % 2147483647) * {sides} / 2147483647)"


def _label() -> str:
    """Return a throw of dice in which the first label falls every other time."""
    throw = _throw(_LABEL_DICE, "10")
    others = " ".join(f"WHEN {n} THEN '{label}'" for n, label in enumerate(LABELS[1:]))
    return f"CASE {throw} {others} ELSE '{LABELS[0]}' END"
