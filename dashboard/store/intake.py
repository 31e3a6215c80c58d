"""Write what ingest received: one transaction per batch, in the order of change_seq."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Table, select

from dashboard.store.columns import Upsert, insert_into
from dashboard.store.database import Database, take_change_numbers
from dashboard.store.event_upsert import upsert_of
from dashboard.store.records import Columns, Records, Row
from dashboard.store.tables import cameras, events, probes, quarantine, streams, telemetry_raw

# Of one sender's payloads in quarantine, the newest so many stay: enough to find the fault, too few to fill the disk.
MOST_QUARANTINED = 100
# What an event keeps from its first arrival: where its camera stood when it happened, and when that was. An index on
# such a column costs a later revision nothing.
_EVENT_FIRST = frozenset({"site_id", "happened_at"})
_UNSEEN = {"presence": "pending", "reason": "never-seen"}

# What an event's row brings with it; its change number is given here.
_GIVEN = [column.name for column in events.c if column.name != "change_seq"]


@dataclass(frozen=True)
class Intake:
    """The writing side of the store, for ingest only."""

    database: Database

    def write(self, records: Records) -> int:
        """Commit all of `records` or nothing, and return how many events were new or got a higher revision."""
        with self.database.writing() as connection:
            return self.add(connection, records)

    def add(self, connection: Connection, records: Records) -> int:
        """Do the same within a writing transaction that the caller commits (a replay out of quarantine)."""
        changed = _newest_revisions(_by_column(records))
        count = len(changed["event_id"])
        first = take_change_numbers(connection, count + len(records.cameras))
        stored = self._write_events(connection, changed, first) if count else 0
        self._write_cameras(connection, records.cameras, first + count)
        self._write_rest(connection, records)
        return stored

    def _write_events(self, connection: Connection, given: Columns, first: int) -> int:
        given["change_seq"] = range(first, first + len(given["rev"]))
        return upsert_of(events, _EVENT_FIRST, is_sqlite=self.database.is_sqlite).execute(connection, given)

    def _write_cameras(self, connection: Connection, changes: dict[str, Row], first: int) -> None:
        by_columns: dict[frozenset[str], list[Row]] = {}
        for seq, (device_id, columns) in enumerate(changes.items(), start=first):
            row = {"device_id": device_id, "change_seq": seq, **columns}
            by_columns.setdefault(frozenset(row), []).append(row)
        for names, rows in by_columns.items():
            statement = _replacing(cameras, names - {"device_id"}, self.database.is_sqlite)
            connection.execute(statement, [{**_UNSEEN, **row} for row in rows])

    def _write_rest(self, connection: Connection, records: Records) -> None:
        is_sqlite = self.database.is_sqlite
        if records.streams:
            connection.execute(_same_or_later_session(is_sqlite), records.streams)
        if records.telemetry:
            connection.execute(_first_only(telemetry_raw, is_sqlite), records.telemetry)
        if records.quarantine:
            self._write_quarantine(connection, records.quarantine)
        if records.probes:
            columns = frozenset(("n", "sent_at", "committed_at"))
            connection.execute(_replacing(probes, columns, is_sqlite), records.probes[-1:])

    def _write_quarantine(self, connection: Connection, rows: list[Row]) -> None:
        connection.execute(_counted(self.database.is_sqlite), rows)
        for device_id in sorted({row["device_id"] for row in rows}):
            self._forget_old_quarantine(connection, device_id)

    def _forget_old_quarantine(self, connection: Connection, device_id: str) -> None:
        of_sender = quarantine.c.device_id == device_id
        newest_first = (quarantine.c.received_at.desc(), quarantine.c.fingerprint)
        kept = select(quarantine.c.fingerprint).where(of_sender).order_by(*newest_first).limit(MOST_QUARANTINED)
        connection.execute(quarantine.delete().where(of_sender, quarantine.c.fingerprint.not_in(kept)))


# Statements are made once: each leaves cycles behind, and looking for garbage costs ingest more than making them.
# Statements are made once: each leaves cycles behind, and looking for garbage costs ingest more than making them.
@cache
def _replacing(table: Table, names: frozenset[str], is_sqlite: bool) -> Upsert:
    """Insert rows; one whose key is there has these columns replaced."""
    statement = insert_into(table, is_sqlite=is_sqlite)
    replaced = {name: statement.excluded[name] for name in sorted(names)}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=replaced)


@cache
def _first_only(table: Table, is_sqlite: bool) -> Upsert:
    """Insert rows; one whose key is there stays."""
    return insert_into(table, is_sqlite=is_sqlite).on_conflict_do_nothing()


@cache
def _same_or_later_session(is_sqlite: bool) -> Upsert:
    """Insert or replace streams, but with what an older session says."""
    statement = insert_into(streams, is_sqlite=is_sqlite)
    return statement.on_conflict_do_update(
        index_elements=[streams.c.device_id, streams.c.name],
        set_={name: statement.excluded[name] for name in ("state", "reason", "detail", "since", "session")},
        where=statement.excluded.session >= streams.c.session,
    )


@cache
def _counted(is_sqlite: bool) -> Upsert:
    """Insert payloads into quarantine; one that is there is counted."""
    statement = insert_into(quarantine, is_sqlite=is_sqlite)
    return statement.on_conflict_do_update(
        index_elements=[quarantine.c.fingerprint],
        set_={"count": quarantine.c.count + 1, "received_at": statement.excluded.received_at},
    )


def _by_column(records: Records) -> Columns:
    """Return every event by column, whichever form it came in."""
    columns = {name: [row[name] for row in records.events] for name in _GIVEN}
    if not records.event_columns:
        return dict(columns)
    return {name: [*values, *records.event_columns[name]] for name, values in columns.items()}


def _newest_revisions(columns: Columns) -> Columns:
    """Keep the highest revision of each event, so that a batch's outcome does not hang on its order."""
    newest: dict[tuple[str, str], int] = {}
    revs = columns["rev"]
    for place, key in enumerate(zip(columns["device_id"], columns["event_id"], strict=True)):
        if key not in newest or revs[place] > revs[newest[key]]:
            newest[key] = place
    if len(newest) == len(revs):
        return columns
    return {name: [values[place] for place in newest.values()] for name, values in columns.items()}
