"""Retention on both databases: what is old goes by the server's clock, what is too much goes oldest first."""

import gc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text, update

from bench.history import Past, load_events, load_telemetry
from dashboard.retention.keeper import STRAGGLERS, Keeper
from dashboard.retention.plan import Cut, Disk, Policy, Rule, Why, policy_of
from dashboard.retention.settings import RetentionSettings
from dashboard.retention.sweep import Sweep
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.holdings import SHELVES, Holdings, Kind
from dashboard.store.intake import Intake
from dashboard.store.migrate import migrate_database
from dashboard.store.months import Months
from dashboard.store.partitions import Month, add_month, months_ahead, stored_months
from dashboard.store.records import Records
from dashboard.store.retention import Removal
from dashboard.store.tables import events, quarantine, telemetry_5min, telemetry_hour, telemetry_raw
from fleet.identifiers import uuid7
from fleet.settings import load
from tests.contract.dashboard.conftest import ON_POSTGRES, ON_SQLITE
from tests.contract.dashboard.test_intake import bad_payload, records_of
from tests.support.camera_words import event

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
NO_AUDIT: Callable[[timedelta, datetime], int] = lambda _keep, _now: 0  # noqa: E731


def policy(**keep: timedelta) -> Policy:
    usual = policy_of(load(RetentionSettings))
    rules = dict(usual.rules) | {Kind[name.upper()]: Rule(span) for name, span in keep.items()}
    return replace(usual, rules=rules)


def keeper(database: Database, rules: Policy, disk: Disk | None = None) -> Keeper:
    room = disk or Disk(100, 10)
    return Keeper(database, rules, NO_AUDIT, look_at_disk=lambda _folder: room)


def store(database: Database, received_at: datetime, seq: int = 1, **said: Any) -> str:
    """Keep an event as if it had arrived at that time, and return its id."""
    moment = said.pop("moment", received_at)
    message = event(seq, event_id=uuid7(int(moment.timestamp() * 1000)), now=moment, **said)
    records = records_of(message)
    Intake(database).write(records)
    with database.writing() as connection:
        same = events.c.event_id == str(message.event_id)
        connection.execute(update(events).where(same).values(received_at=received_at))
    return str(message.event_id)


def kept(database: Database) -> set[str]:
    return {row["event_id"] for row in Events(database).newest_first(EventFilter(), 1_000)}


def count(database: Database, table: Table) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture
def months(database: Database) -> list[Month]:
    """The two months before this one have their partitions, which only PostgreSQL has."""
    wanted = [Month.of(NOW - 62 * DAY), Month.of(NOW - 31 * DAY)]
    with database.writing() as connection:
        for month in wanted:
            add_month(connection, month)
    return wanted


def test_events_go_by_when_they_arrived_whatever_their_camera_says(database: Database) -> None:
    # Two days of grace are more than PostgreSQL needs for stragglers.
    old, young = NOW - 10 * DAY - STRAGGLERS - DAY, NOW - 9 * DAY
    gone = store(database, old, 1, moment=NOW + 400 * DAY)
    kept_one = store(database, young, 2, moment=datetime(1980, 1, 1, tzinfo=UTC))
    done = keeper(database, policy(events=10 * DAY)).run(NOW)
    assert kept(database) == {kept_one} != {gone}
    assert [(one.kind, one.why, one.deleted) for one in done] == [(Kind.EVENTS, Why.AGE, 1)]


def test_a_few_young_ones_at_the_front_do_not_keep_the_old_behind_them(database: Database) -> None:
    old = NOW - 80 * DAY
    ids = [store(database, NOW if n in (0, 3) else old, n + 1, moment=old) for n in range(8)]
    sweep = Sweep(Removal(database), first_batch=3)
    assert sweep.carry_out(Cut(Kind.EVENTS, Why.AGE, NOW - 10 * DAY)).deleted == 6
    assert kept(database) == {ids[0], ids[3]}


def test_an_event_that_changed_while_it_was_looked_at_stays(database: Database) -> None:
    old = store(database, NOW - 80 * DAY)
    doomed = Removal(database).oldest(Kind.EVENTS, NOW, 10)
    [row] = Events(database).newest_first(EventFilter(), 1)
    Intake(database).write(records_of(event(2, event_id=row["event_id"], rev=9)))
    assert Removal(database).delete(Kind.EVENTS, doomed)[0] == 0
    assert kept(database) == {old}


def test_raw_telemetry_goes_when_it_is_put_together_and_not_before(database: Database) -> None:
    past, an_hour = Past(NOW, 1, cameras=3, days=1), 3 * 60
    assert load_telemetry(database, past, every_s=60) == 24 * an_hour
    keeper(database, policy(telemetry=timedelta(hours=4))).run(NOW)
    assert 4 * an_hour <= count(database, telemetry_raw) <= 5 * an_hour
    assert count(database, telemetry_hour) == pytest.approx(3 * 24, abs=3)
    with database.reading() as connection:
        measured = connection.execute(select(func.sum(telemetry_5min.c.n))).scalar_one()
    # Every measurement is in an aggregate, but for those of the span that has not ended.
    assert 24 * an_hour - 3 * 7 <= measured <= 24 * an_hour


def test_a_round_makes_no_garbage_that_has_to_be_looked_for_while_the_lock_is_held(database: Database) -> None:
    load_events(database, Past(NOW, 1_000, days=20))
    load_telemetry(database, Past(NOW, 1, cameras=3, days=2), every_s=300)
    rules = policy(events=10 * DAY, telemetry=timedelta(hours=4))
    keeper(database, rules).run(NOW - 5 * DAY)
    gc.collect()
    gc.disable()
    try:
        keeper(database, rules).run(NOW)
        assert gc.collect() < 1_000
    finally:
        gc.enable()


def test_aggregates_and_quarantine_have_ages_of_their_own(database: Database) -> None:
    load_telemetry(database, Past(NOW, 1, cameras=2, days=2), every_s=3_600)
    old = bad_payload(1) | {"received_at": NOW - 40 * DAY}
    Intake(database).write(Records(quarantine=[old, bad_payload(2) | {"received_at": NOW}]))
    keeper(database, policy(telemetry_5min=DAY, telemetry_hour=timedelta(hours=36))).run(NOW)
    assert count(database, quarantine) == 1
    assert count(database, telemetry_5min) == pytest.approx(2 * 24, abs=4)
    assert count(database, telemetry_hour) == pytest.approx(2 * 36, abs=4)


def test_a_payload_that_came_again_is_young_again(database: Database) -> None:
    row = bad_payload(1)
    for received_at in (NOW - 40 * DAY, NOW):
        Intake(database).write(Records(quarantine=[row | {"received_at": received_at}]))
    assert keeper(database, policy()).run(NOW) == []


def test_a_class_is_held_to_its_size_from_its_oldest_end(database: Database) -> None:
    load_events(database, Past(NOW, 3_000, days=3))
    load_telemetry(database, Past(NOW, 1, cameras=2, days=1), every_s=600)
    before = count(database, telemetry_raw)
    most = Holdings(database).all(NOW)[0].bytes // 2
    rules = policy()
    rules = replace(rules, rules=dict(rules.rules) | {Kind.EVENTS: Rule(365 * DAY, most)})
    [*_, done] = keeper(database, rules).run(NOW)
    assert (done.kind, done.why, count(database, telemetry_raw)) == (Kind.EVENTS, Why.SIZE, before)
    rows = Events(database).newest_first(EventFilter(), 3_000)
    assert 1_000 < len(rows) < 1_500
    assert min(row["received_at"] for row in rows) > NOW - 1.6 * DAY


def test_all_together_are_held_to_the_size_that_is_set(database: Database) -> None:
    load_events(database, Past(NOW, 4_000, days=4))
    used = Holdings(database).room().used_bytes
    rules = replace(policy(), most_bytes=used * 2 // 3)
    assert keeper(database, rules).is_over()
    keeper(database, rules).run(NOW)
    assert used // 3 < Holdings(database).room().used_bytes <= used * 2 // 3
    assert not keeper(database, rules).is_over()


# The disk of a PostgreSQL server is not ours to see.
@ON_SQLITE
def test_a_full_disk_takes_the_oldest_but_leaves_the_last_days(database: Database) -> None:
    load_events(database, Past(NOW, 4_000, days=4))
    rules = replace(policy(), least=DAY)
    keeper(database, rules, Disk(10**9, 10**9)).run(NOW)
    rows = Events(database).newest_first(EventFilter(), 4_000)
    assert len(rows) == pytest.approx(1_000, abs=10)
    assert min(row["received_at"] for row in rows) >= NOW - DAY


def test_a_stopped_round_is_taken_up_by_the_next(database: Database) -> None:
    load_events(database, Past(NOW, 500, days=10))
    stopped = keeper(database, policy(events=DAY))
    stopped.stopping.set()
    assert stopped.run(NOW) == []
    assert count(database, events) == 500


def test_what_went_is_noted(database: Database) -> None:
    load_telemetry(database, Past(NOW, 1, cameras=1, days=1), every_s=1_800)
    keeper(database, policy(telemetry=timedelta(hours=4))).run(NOW)
    [noted] = Removal(database).noted(10)
    assert (noted["class"], noted["deleted"]) == ("telemetry", 48 - count(database, telemetry_raw))
    assert noted["bytes"] > 0
    assert noted["oldest_kept"] >= NOW - timedelta(hours=5)


def test_a_plan_changes_nothing(database: Database) -> None:
    load_events(database, Past(NOW, 500, days=10))
    planned = keeper(database, replace(policy(events=DAY), most_bytes=1)).planned(NOW)
    assert {cut.why for cut in planned} == {Why.AGE, Why.SIZE}
    assert count(database, events) == 500


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.AUDIT])
def test_the_oldest_of_each_class_are_found_by_an_index(database: Database, kind: Kind) -> None:
    shelf = SHELVES[kind]
    leading = {index.columns[0].name for index in shelf.table.indexes}
    assert {shelf.order.name, shelf.recent.name} <= leading


def test_months_are_made_ahead_once(database: Database) -> None:
    later = NOW + 40 * DAY
    made = Months(database).make_ahead(later)
    missing = [month for month in months_ahead(later) if month not in months_ahead(NOW)]
    assert made == ([] if database.is_sqlite else missing)
    assert Months(database).make_ahead(later) == []


@ON_POSTGRES
def test_a_month_is_dropped_whole_when_every_row_in_it_came_long_ago(database: Database, months: list[Month]) -> None:
    first, second = months
    store(database, first.start + DAY, 1)
    store(database, second.start + DAY, 2)
    late = store(database, NOW, 3, moment=second.start + 2 * DAY)
    done = keeper(database, policy(events=timedelta(hours=1))).run(NOW)
    with database.reading() as connection:
        stored = stored_months(connection)
    # The second month keeps a row that came late; what is old beside it goes with it, or as a straggler.
    assert (first in stored, second in stored) == (False, True)
    assert late in kept(database)
    assert done[0].deleted >= 1


@ON_POSTGRES
def test_a_month_in_use_is_left_for_the_next_time(database: Database, months: list[Month]) -> None:
    store(database, months[0].start + DAY)
    with database.reading() as reader:
        reader.execute(select(func.count()).select_from(events))
        assert Months(database).drop_older(NOW, NOW) == 0
    assert Months(database).drop_older(NOW, NOW) == 1


@ON_POSTGRES
def test_rows_that_went_are_forgotten_at_once_by_the_searches_of_the_pages(database: Database) -> None:
    load_telemetry(database, Past(NOW, 1, cameras=1, days=4), every_s=3_600)
    keeper(database, policy()).run(NOW)
    with database.reading() as connection:
        vacuumed = text("SELECT last_vacuum IS NOT NULL, n_dead_tup FROM pg_stat_user_tables WHERE relname = :table")
        assert tuple(connection.execute(vacuumed, {"table": telemetry_raw.name}).one()) == (True, 0)


def test_the_file_takes_new_rows_where_old_ones_were(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'events.db'}")
    migrate_database(database)
    sizes = []
    for week in range(5):
        until = NOW + week * 7 * DAY
        load_events(database, Past(until, 2_000, days=7, first=week * 2_000))
        keeper(database, policy(events=7 * DAY)).run(until)
        sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
    # Two weeks lie there for a moment, whichever they are; pages that stay half full are the rest.
    assert max(sizes[2:]) <= sizes[1] * 1.25
    database.close()
