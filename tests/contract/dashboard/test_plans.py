"""How both databases find what the pages ask for: by an index, stopping when the page is full, sorting nothing."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, event, text

from bench.history import Past, load_events
from bench.queries import PAGE, questions
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, changed_after, page, place_of
from dashboard.store.events import Events as EventLists
from dashboard.store.partitions import months_ahead
from dashboard.store.tables import events
from tests.support.scale import count, is_full

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (FORMAT JSON) "}
PAST = Past(datetime(2026, 11, 21, tzinfo=UTC), 1_000_000)
SOME_PAGES = 4
# The past ends before them; ANALYZE has found them empty.
EMPTY = {month.table for month in months_ahead(datetime.now(UTC)) if month.start > PAST.until}
WAYS = {
    "latest_50_of_sites": "events_by_site",
    "site": "events_by_site",
    "camera": "events_by_device",
    "label": "events_by_label",
}
NAMES = sorted(questions(PAST, random.Random(1)))  # noqa: S311
Plan = list[Any]
ON_SQLITE_SHARED = pytest.mark.parametrize("shared_database", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def past() -> Past:
    """The same past for both databases."""
    return Past(PAST.until, count(PAST.events, 40_000, "events that are asked about"))


@pytest.fixture(scope="module")
def full(shared_database: Database, past: Past) -> Database:
    """A store in which much has happened."""
    load_events(shared_database, past)
    return shared_database


def ask(database: Database, wanted: EventFilter) -> Executable:
    return page(wanted, PAGE, is_led=database.is_sqlite)


def plan_of(database: Database, query: Executable) -> Plan:
    """Return how the database would answer: SQLite's lines, or PostgreSQL's nodes from the root."""
    explain = EXPLAIN[database.engine.dialect.name]

    def ask_for_the_plan(_c: Any, _k: Any, statement: str, values: Any, _x: Any, _m: Any) -> tuple[str, Any]:
        return explain + statement, values

    with database.reading() as connection:
        if not database.is_sqlite and not is_full():
            # A small table is read from end to end because it is small: the way that it would grow into is asked for.
            for way in ("seqscan", "bitmapscan", "sort"):
                connection.execute(text(f"SET LOCAL enable_{way} = off"))
        event.listen(connection, "before_cursor_execute", ask_for_the_plan, retval=True)
        rows = _rows(connection, query)
    if database.is_sqlite:
        return [row[3] for row in rows]
    return list(_nodes(rows[0][0][0]["Plan"]))


def _rows(connection: Connection, query: Executable) -> list[Any]:
    cursor = connection.execute(query).cursor
    rows = cursor.fetchall() if cursor else []
    return [[json.loads(row[0])] if isinstance(row[0], str) else list(row) for row in rows]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def faults(plan: Plan) -> list[str]:
    """Return what would make a page slow: a table read from end to end, or much sorted for the sake of a few.

    Events of the very same moment are put in order by their ids: that sorts a handful and is no fault (SQLite calls it
    the right part or the last term of the order, PostgreSQL an incremental sort). Neither is sorting some pages, nor
    looking through a month that is still to come.
    """
    if plan and isinstance(plan[0], str):
        scans = [line for line in plan if line.startswith("SCAN events") and "USING INDEX" not in line]
        sorts = [line for line in plan if line.startswith("USE TEMP B-TREE")]
        return scans + [line for line in sorts if "RIGHT PART" not in line and "LAST TERM" not in line]
    most = SOME_PAGES * PAGE
    large = [node["Node Type"] for node in plan if node["Plan Rows"] > most]
    scanned = [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
    whole = [f"Seq Scan of {name}" for name in scanned if name != "cameras" and name not in EMPTY]
    return [kind for kind in large if kind in ("Sort", "Bitmap Heap Scan")] + whole


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_found_by_an_index_and_nothing_is_sorted(full: Database, past: Past, name: str) -> None:
    wanted = questions(past, random.Random(2))[name]  # noqa: S311
    plan = plan_of(full, ask(full, wanted))
    assert faults(plan) == [], plan


# PostgreSQL chooses by what it counted.
@ON_SQLITE_SHARED
@pytest.mark.parametrize("name", NAMES)
def test_sqlite_follows_the_index_that_it_is_led_to(full: Database, past: Past, name: str) -> None:
    way = next((index for beginning, index in WAYS.items() if name.startswith(beginning)), "events_by_time")
    plan = plan_of(full, ask(full, questions(past, random.Random(2))[name]))  # noqa: S311
    entered = {line.split("INDEX ")[1].split(" ")[0] for line in plan if "INDEX " in line}
    assert entered == {way}, plan


def test_the_page_after_it_is_entered_where_the_last_one_ended(full: Database) -> None:
    [*_, last] = EventLists(full).newest_first(EventFilter(), PAGE)
    plan = plan_of(full, ask(full, EventFilter(below=place_of(last))))
    assert faults(plan) == [], plan
    entered = [line for line in plan if "happened_at<" in line] if full.is_sqlite else ["Index Cond" in plan[-1]]
    assert any(entered), plan


def test_the_feed_finds_what_changed_by_an_index(full: Database, past: Past) -> None:
    plan = plan_of(full, changed_after(past.cameras + past.events - 100))
    assert faults(plan) == [], plan


def test_the_forwarders_next_page_is_found_by_an_index_however_much_waits(full: Database) -> None:
    plan = plan_of(full, changed_after(0).limit(500))
    assert faults(plan) == [], plan


# PostgreSQL weighs by what it counted: here any index finds fifty soon.
@ON_SQLITE_SHARED
def test_every_index_of_events_is_the_way_of_some_question(full: Database, past: Past) -> None:
    plans = [plan_of(full, ask(full, wanted)) for wanted in questions(past, random.Random(3)).values()]  # noqa: S311
    used = json.dumps([*plans, plan_of(full, changed_after(past.cameras + past.events - 100))])
    assert [index.name for index in events.indexes if str(index.name) not in used] == []
