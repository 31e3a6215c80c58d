"""`camfleet quarantine …` as a person runs it, and while ingest works."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dashboard.ingest.decode import Malformed
from dashboard.ingest.rows import quarantine_row
from dashboard.store.cameras import Cameras
from dashboard.store.database import Database
from dashboard.store.events import EventFilter, Events
from dashboard.store.intake import Intake
from dashboard.store.knowledge import Knowledge
from dashboard.store.migrate import migrate
from dashboard.store.records import Records
from fleet import topics
from fleet.cli import CommandFailed, build_app
from fleet.mqtt import Received
from fleet.settings import ServerSettings, load
from tests.support.broker import running_broker
from tests.support.camera_words import CAMERA, MOMENT, birth, event, presence, received
from tests.support.dashboard import running_site, site_settings
from tests.support.fake_camera import camera
from tests.support.waiting import wait_until

# What a terminal would obey: clear the screen, change its title, write from right to left.
EVIL = b'{"v":1,"label":"\x1b[2J\x1b]0;mine\x07' + "\u202e".encode() + b'"}\r\n'


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("CAMFLEET_HOME", str(tmp_path))
    settings = load(ServerSettings)
    migrate(settings)
    opened = Database(settings.events_database)
    yield opened
    opened.close()


def put_aside(database: Database, payload: bytes, *, after_s: float = 0, device_id: str = CAMERA) -> str:
    what = Received(topics.event(device_id, "main"), payload, 1, False, 1, 1)
    row = quarantine_row(Malformed(what, "event: \x1b[31mred", MOMENT + timedelta(seconds=after_s)))
    Intake(database).write(Records(quarantine=[row]))
    return str(row["fingerprint"])


def quarantine(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(build_app(), ["quarantine", *arguments], input=answer)


def refusal(result: Result) -> str:
    assert isinstance(result.exception, CommandFailed), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_the_list_names_what_came_last_first(database: Database) -> None:
    assert "nothing is in quarantine" in quarantine("list").output
    first = put_aside(database, b"one")
    second = put_aside(database, b"two!", after_s=9, device_id="cam-back-door")
    lines = quarantine("list").output.splitlines()
    assert [line[:12] for line in lines] == [second[:12], first[:12]]
    assert quarantine("list", "--device", CAMERA).output.splitlines() == lines[1:]
    [found] = json.loads(quarantine("list", "--json", "--limit", "1").output)
    assert (found["fingerprint"], found["bytes"], found["received_at"]) == (second, 4, "2026-11-21T08:00:09Z")


def test_a_payload_reaches_the_terminal_only_as_escaped_text_or_hex(database: Database) -> None:
    for payload in (EVIL, b"\xff\x1b[2J" * 20):
        shown = quarantine("show", put_aside(database, payload)[:12])
        assert shown.exit_code == 0
        assert all(each.isprintable() or each == "\n" for each in shown.output)
    assert r"\x1b[2J\x1b]0;mine\x07\u202e" in quarantine("show", put_aside(database, EVIL)).output
    assert "ff 1b 5b 32 4a" in shown.output
    assert all(each.isprintable() or each == "\n" for each in quarantine("list").output)
    exact = json.loads(quarantine("show", put_aside(database, EVIL), "--json").output)
    assert base64.b64decode(exact["payload_base64"]) == EVIL
    assert exact["count"] == 3


def test_one_several_or_all_of_a_camera_are_taken_in(database: Database) -> None:
    rows = [put_aside(database, event(seq).encode()) for seq in range(1, 6)]
    assert quarantine("replay", rows[0][:8]).output == "1 taken in\n"
    assert quarantine("replay", rows[1], rows[2]).output == "2 taken in\n"
    other = put_aside(database, event(9).encode(), device_id="cam-back-door")
    assert quarantine("replay", "--device", CAMERA).output == "2 taken in\n"
    assert Knowledge(database).quarantined() == 1
    assert quarantine("replay", "--all").exit_code == 0
    assert len(Events(database).newest_first(EventFilter(), 10)) == 6
    assert "not in quarantine" in refusal(quarantine("show", other))


def test_what_stays_is_named_with_its_reason(database: Database) -> None:
    bad, _ = put_aside(database, EVIL), put_aside(database, event(1).encode(), after_s=1)
    result = quarantine("replay", "--device", CAMERA)
    assert refusal(result) == "1 of 2 stay in quarantine, for the reasons above"
    assert result.output.startswith(f"{bad[:12]}  stays: ")
    assert all(each.isprintable() or each == "\n" for each in result.output)
    assert Knowledge(database).quarantined() == 1


def test_nothing_is_dropped_before_somebody_agreed(database: Database) -> None:
    row = put_aside(database, b"one")
    assert "nothing was changed" in refusal(quarantine("drop", row, answer="n\n"))
    assert "--yes" in refusal(quarantine("drop", row, answer=""))
    assert Knowledge(database).quarantined() == 1
    assert quarantine("drop", row, answer="y\n").output.endswith("1 dropped\n")
    assert Knowledge(database).quarantined() == 0
    assert "nothing is in quarantine" in refusal(quarantine("drop", "--all", "--yes"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay",), "name ids, or --device"),
        (("drop", "abcd", "--all"), "name ids, or --device"),
        (("show", "%"), "is no id"),
        (("show", "\x1b[2J"), r"\x1b"),
        (("show", "abcd1234"), "not in quarantine"),
        (("replay", "--device", "cam-nobody"), "of cam-nobody"),
    ],
)
def test_mistakes_are_one_line(database: Database, arguments: tuple[str, ...], said: str) -> None:
    line = refusal(quarantine(*arguments))
    assert said in line
    assert line.isprintable()


def test_a_replay_while_ingest_works_stores_the_event_and_leaves_presence_alone(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        broker.files_of("srv-ingest-1")
        ports = {name: getattr(broker.settings, name) for name in ("broker_port", "broker_servers_port")}
        with running_site(site_settings(tmp_path, **ports)) as site, pytest.MonkeyPatch.context() as around:
            around.setenv("CAMFLEET_HOME", str(tmp_path))
            site.start_ingest()
            with camera(broker) as speaker:
                speaker.say(presence())
                speaker.say(birth())
                speaker.session.publish(topics.event(CAMERA, "main"), b"nonsense", qos=1)
                wait_until(lambda: Knowledge(site.database).quarantined() == 1, 40, "the nonsense is put aside")
                speaker.say(presence("stopping"))
                wait_until(lambda: _presence(site.database)[0] == "offline", 40, "the camera said goodbye")
                before, old = _presence(site.database), event(500)
                aside = quarantine_row(Malformed(received(old), "of a release that could not read it", MOMENT))
                Intake(site.database).write(Records(quarantine=[aside]))
                assert quarantine("replay", aside["fingerprint"]).output == "1 taken in\n"
                assert _presence(site.database) == before
                sent = speaker.event(1)
                wait_until(lambda: speaker.confirmed() == {1}, 40, "ingest goes on")
            stored = {row["event_id"] for row in Events(site.database).newest_first(EventFilter(), 10)}
            assert stored == {str(old.event_id), str(sent.event_id)}


def _presence(database: Database) -> tuple[object, ...]:
    found = Cameras(database).get(CAMERA)
    return () if found is None else tuple(found.columns[name] for name in ("presence", "reason", "since", "session"))
