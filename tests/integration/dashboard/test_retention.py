"""Retention as a person runs it and as ingest does: commands, settings, the audit log's checkpoint, what it tells."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.history import Past, load_events
from dashboard.audit_trail import open_trail
from dashboard.retention.thread import OVER_EVERY, RetentionThread
from dashboard.retention.wiring import keeper_of
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.holdings import Holdings
from dashboard.store.migrate import migrate
from dashboard.store.people import LoginRecord, People
from fleet.audit_trail import ProgramTrail
from fleet.cli import build_app
from fleet.settings import ServerSettings, load
from tests.support.waiting import wait_until

CAMFLEET = str(Path(sys.executable).with_name("camfleet"))
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    found = load(ServerSettings, CAMFLEET_HOME=tmp_path)
    migrate(found)
    return found


@pytest.fixture
def database(settings: ServerSettings) -> Iterator[Database]:
    database = Database(settings.events_database)
    yield database
    database.close()


def camfleet(settings: ServerSettings, *words: str, **given: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(build_app(), ["retention", *words], env=_environment(settings, given))
    assert done.exit_code == 0, done.output
    return done.output


def _environment(settings: ServerSettings, given: dict[str, str]) -> dict[str, str]:
    named = {f"CAMFLEET_RETENTION_{name.upper()}": value for name, value in given.items()}
    return {**os.environ, "CAMFLEET_HOME": str(settings.home_folder), **named}


def events_left(database: Database) -> int:
    return len(Events(database).newest_first(EventFilter(), 10_000))


def test_a_plan_shows_what_a_run_takes_and_a_run_takes_it(settings: ServerSettings, database: Database) -> None:
    load_events(database, Past(NOW, 1_000, days=10))
    for words in (["plan"], ["run", "--dry-run"]):
        assert "events" in camfleet(settings, *words, events_days="5")
    [planned] = json.loads(camfleet(settings, "plan", "--json", events_days="5"))
    assert (planned["class"], planned["why"], planned["rows"]) == ("events", "age", pytest.approx(500, abs=2))
    assert events_left(database) == 1_000
    assert "rows gone, by age" in camfleet(settings, "run", events_days="5")
    assert events_left(database) == pytest.approx(500, abs=2)
    assert "nothing had to go" in camfleet(settings, "run", events_days="5")
    assert "nothing has to go" in camfleet(settings, "plan", events_days="5")


def test_a_forecast_says_when_size_will_decide(settings: ServerSettings, database: Database) -> None:
    load_events(database, Past(NOW, 2_000, days=10))
    most_gb = str(2 * Holdings(database).room().used_bytes / 1e9)
    told = json.loads(camfleet(settings, "forecast", "--json", most_gb=most_gb, disk_high_pct="100"))
    assert told["bound"] == "size"
    assert 5 < told["days_left"] < 15
    [events] = [one for one in told["classes"] if one["class"] == "events"]
    assert (events["rows"], events["rows_a_day"]) == (2_000, pytest.approx(200, rel=0.05))
    assert "days its size, no longer age" in camfleet(settings, "forecast", most_gb=most_gb, disk_high_pct="100")
    assert "age alone" in camfleet(settings, "forecast", events_days="5", disk_high_pct="100")


def test_settings_that_make_no_sense_are_named(settings: ServerSettings) -> None:
    given = {"events_days": "0", "disk_low_pct": "99"}
    command = [CAMFLEET, "retention", "run"]
    refused = subprocess.run(command, env=_environment(settings, given), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "CAMFLEET_RETENTION_EVENTS_DAYS" in refused.stderr
    assert "CAMFLEET_RETENTION_DISK_LOW_PCT" in refused.stderr


def test_the_audit_log_is_cut_by_its_signed_checkpoint_only(
    settings: ServerSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = People(database)
    for age in (900, 800, 10):
        people.record(LoginRecord(NOW - age * DAY, "log-in", "somebody", "::1", None))
    monkeypatch.setenv("CAMFLEET_RETENTION_AUDIT_DAYS", "365")
    keeper = keeper_of(settings, database, threading.Event())
    assert [(one.kind, one.deleted) for one in keeper.run(NOW)] == [("audit", 2)]
    verdict = ProgramTrail("events", open_trail, settings).verify()
    assert (verdict.is_whole, verdict.rows) == (True, 1)
    assert keeper.run(NOW) == []


def test_the_thread_tells_size_watermark_and_days_left(settings: ServerSettings, database: Database) -> None:
    load_events(database, Past(NOW, 100, days=2))
    thread = RetentionThread(keeper_of(settings, database, threading.Event()), lambda: NOW, first_look_s=0.0)
    assert thread.describe() == {}
    thread.start()
    wait_until(lambda: "ran_at" in thread.describe(), 30, "the first round")
    thread.stop()
    told = thread.describe()
    assert told["disk_high_pct"] == 85.0
    assert 0 < told["disk_used_pct"] < 100
    assert told["database_bytes"] > 50_000
    assert set(told) >= {"days_left", "bound", "most_bytes"}


def test_a_database_that_does_not_answer_is_asked_again(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path / "home")
    thread = RetentionThread(
        keeper_of(settings, Database(settings.events_database), threading.Event()), lambda: NOW, first_look_s=0.0
    )
    thread.start()
    wait_until(lambda: "reason" in thread.describe(), 30, "the failure is told")
    thread.stop()


def test_a_round_that_cannot_help_is_not_tried_every_minute(settings: ServerSettings, database: Database) -> None:
    load_events(database, Past(NOW, 200, days=2))
    keeper = keeper_of(settings, database, threading.Event())
    keeper.policy = type(keeper.policy)(keeper.policy.rules, 1, 100.0, 100.0, DAY)
    thread, rounds = RetentionThread(keeper, lambda: NOW), []

    def told_at(moment: datetime) -> str:
        thread.look(moment)
        return str(thread.describe()["ran_at"])

    rounds = [told_at(NOW + after) for after in (timedelta(0), timedelta(minutes=1), OVER_EVERY)]
    assert rounds == [NOW.isoformat(), NOW.isoformat(), (NOW + OVER_EVERY).isoformat()]
