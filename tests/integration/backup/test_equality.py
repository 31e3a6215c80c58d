"""A restored host has every row and every secret of the one that was backed up, also while somebody writes."""

import os
import threading
import tracemalloc
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from config_server.records import DeviceFilter
from config_server.registry import NewDevice, register_device
from config_server.store.registry import Store
from dashboard.ingest.decode import Fact, Malformed, decode
from dashboard.ingest.projection import Projection
from dashboard.ingest.rows import quarantine_row
from dashboard.store.audit import AuditLog
from dashboard.store.database import Database
from dashboard.store.intake import Intake
from dashboard.store.partitions import REST, Month, stored_months
from dashboard.store.records import Records
from dashboard.store.tables import audit, change_counter, events
from fleet import topics
from fleet.backup.restore import check
from fleet.mqtt import Received
from tests.integration.backup.conftest import PASSPHRASE, Host, MakeHost
from tests.support.camera_words import MOMENT, event
from tests.support.filled_tables import MOMENT as FILLED_AT
from tests.support.revocation import change
from tests.support.scale import count
from tests.support.waiting import wait_until

KINDS = ("sqlite", "postgresql")


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_every_row_of_every_table_comes_back(make_host: MakeHost, tmp_path: Path, source: str, target: str) -> None:
    before, after = make_host("before", source), make_host("after", target)
    before.prepare()
    assert _append(before, 5) == 5
    _forget_audit(before)
    before.fill()
    rows, files = before.contents(), before.files()
    assert [name for tables in rows.values() for name, table in tables.items() if not table] == ["audit"]
    archive = before.back_up(tmp_path / "host.backup")
    after.restore(archive)
    found = after.contents()
    for name, tables in rows.items():
        for table, wanted in tables.items():
            assert found[name][table] == wanted, f"{name}.{table}"
    assert (after.files(), before.files()) == (files, files)
    # Numbers go on where they were, even those of rows that are gone: checkpoints of the audit log name them.
    assert _append(after, 1) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_each_database_is_one_moments_and_every_events_camera_is_there_while_somebody_writes(
    make_host: MakeHost, tmp_path: Path, kind: str
) -> None:
    before, after = make_host("before", kind), make_host("after", kind)
    before.prepare()
    _add_events(before, count(200_000, 3_000, "events that were there before"))
    written: list[str] = []
    stop = threading.Event()
    writer = threading.Thread(target=_register_and_report, args=(before, written, stop))
    writer.start()
    try:
        wait_until(lambda: len(written) >= 3, 30, "the writer writes")
        known = set(written)
        archive = before.back_up(tmp_path / "host.backup")
        during = len(written)
        wait_until(lambda: len(written) > during, 30, "the writer goes on")
    finally:
        stop.set()
        writer.join(30)
    assert during > len(known), "nothing was written during the backup: it shows nothing"
    after.restore(archive)
    source, restored = before.contents(), after.contents()
    assert set(restored["events"]["events"]) <= set(source["events"]["events"])
    numbers, last, cameras = _numbers_and_cameras(after)
    assert numbers == list(range(1, last + 1))
    assert known <= cameras
    assert cameras - {"cam-before"} <= _registered(after)


def test_on_postgresql_the_months_that_a_backup_has_get_their_partitions(make_host: MakeHost, tmp_path: Path) -> None:
    before, after = make_host("before", "sqlite"), make_host("after", "postgresql")
    before.prepare()
    now = datetime.now(UTC)
    moments = [now - timedelta(days=days) for days in (0, 40, 100, 101, 3_000)]
    rows = [{**_event_row(1, "cam-before"), "event_id": _id_of(moment)} for moment in moments]
    with closing(Database(before.settings.events_database)) as database:
        Intake(database).write(Records(events=rows))
    after.restore(before.back_up(tmp_path / "host.backup"))
    with closing(Database(after.settings.events_database)) as database, database.reading() as connection:
        months = set(stored_months(connection))
        rest = connection.execute(text(f"SELECT event_id FROM {REST}")).scalars().all()  # noqa: S608
    assert {Month.of(moment) for moment in moments[:-1]} <= months
    assert rest == [rows[-1]["event_id"]]
    assert after.contents() == before.contents()


def test_memory_stays_bounded_however_large_the_database(make_host: MakeHost, tmp_path: Path) -> None:
    before, after = make_host("before", "sqlite"), make_host("after", "sqlite")
    before.prepare()
    _put_aside(before, count(2_000, 200, "payloads of 100 KB"))
    tracemalloc.start()
    try:
        archive = before.back_up(tmp_path / "host.backup")
        made = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        after.restore(archive)
        restored = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert archive.stat().st_size > 200 * 100_000
    assert (made < 18_000_000, restored < 18_000_000) == (True, True), (made, restored)


def test_a_backup_says_what_it_holds(make_host: MakeHost, tmp_path: Path) -> None:
    host = make_host("before", "sqlite")
    host.prepare()
    host.fill()
    archive = host.back_up(tmp_path / "host.backup")
    found = check(archive, PASSPHRASE)
    rows = {name: {table: len(lines) for table, lines in tables.items()} for name, tables in host.contents().items()}
    assert found.rows == rows
    assert set(found.files) == set(host.files())
    assert found.bytes == archive.stat().st_size
    assert (archive.stat().st_mode & 0o777, sorted(path.name for path in tmp_path.iterdir())) == (
        0o600,
        ["before", "host.backup"],
    )


def test_everything_that_was_restored_is_for_its_owner_only(make_host: MakeHost, tmp_path: Path) -> None:
    before, after = make_host("before", "sqlite"), make_host("after", "sqlite")
    before.prepare()
    after.restore(before.back_up(tmp_path / "host.backup"))
    home = after.settings.home.path
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in [home, *home.rglob("*")]}
    assert {path: mode for path, mode in modes.items() if mode not in (0o600, 0o700)} == {}
    assert {path.name for path in home.iterdir()} == {"config.db", "events.db", "pki", "secrets"}


def _append(host: Host, lines: int) -> int:
    with closing(Database(host.settings.events_database)) as database, database.writing() as connection:
        for _ in range(lines):
            AuditLog(connection).append({"at": FILLED_AT, "action": "tried", "user_name": "somebody"})
        last: int = connection.execute(select(audit.c.id).order_by(audit.c.id.desc()).limit(1)).scalar_one()
        return last


def _forget_audit(host: Host) -> None:
    with closing(Database(host.settings.events_database)) as database, database.writing() as connection:
        connection.execute(audit.delete())


def _event_row(seq: int, device_id: str) -> dict[str, object]:
    payload = event(seq, path=[(0.1, 0.2)] * 4, zones=["gate"]).encode()
    fact = decode(Received(topics.event(device_id, "main"), payload, 1, False, 1, 1), MOMENT)
    assert isinstance(fact, Fact)
    return Projection().take(fact).records.events[0]


def _id_of(moment: datetime) -> str:
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000001"


def _add_events(host: Host, number: int) -> None:
    row = _event_row(1, "cam-before")
    with closing(Database(host.settings.events_database)) as database:
        for begin in range(0, number, 1000):
            many = range(begin, min(number, begin + 1000))
            Intake(database).write(Records(events=[{**row, "event_id": str(uuid.uuid4())} for _ in many]))


def _register_and_report(host: Host, written: list[str], stop: threading.Event) -> None:
    """Register a camera after the other; the event of each comes once the registry has it."""
    store = Store(host.settings.config_database)
    with closing(Database(host.settings.events_database)) as database, closing(store):
        number = 0
        while not stop.is_set():
            number += 1
            device_id = f"cam-number-{number:06}"
            with store.writing() as tx:
                register_device(tx, NewDevice(device_id, device_id), change())
            Intake(database).write(Records(events=[_event_row(number, device_id)]))
            written.append(device_id)


def _numbers_and_cameras(host: Host) -> tuple[list[int], int, set[str]]:
    with closing(Database(host.settings.events_database)) as database, database.reading() as connection:
        found = connection.execute(select(events.c.change_seq, events.c.device_id)).all()
        last: int = connection.execute(select(change_counter.c.value)).scalar_one()
    return sorted(number for number, _ in found), last, {device_id for _, device_id in found}


def _registered(host: Host) -> set[str]:
    with closing(Store(host.settings.config_database)) as store, store.reading() as tx:
        return {device.device_id for device in tx.devices.find(DeviceFilter())}


def _put_aside(host: Host, number: int) -> None:
    with closing(Database(host.settings.events_database)) as database:
        for _ in range(number):
            device = f"cam-{uuid.uuid4()}"
            what = Received(topics.event(device, "main"), os.urandom(100_000), 1, False, 1, 1)
            Intake(database).write(Records(quarantine=[quarantine_row(Malformed(what, "unreadable", MOMENT))]))
