"""`camfleet forward …` as a person runs it, and while the forwarder works."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dashboard.forwarder.webhook_list import read_line
from dashboard.store.forwarding import Forwarding
from fleet.cli import CommandFailed, build_app
from tests.support.forwarding import WITHIN_S, ForwarderSite, check_got_everything, forwarder_site
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import running_receiver


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForwarderSite]:
    monkeypatch.setenv("CAMFLEET_HOME", str(tmp_path))
    with forwarder_site(tmp_path, f"sqlite:///{tmp_path / 'events.db'}") as found:
        yield found


def forward(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["forward", *arguments])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, CommandFailed), result.output
    return str(result.exception)


def test_the_list_says_how_far_each_target_is_and_why_it_stopped(site: ForwarderSite) -> None:
    assert "nothing was ever forwarded" in forward("list").output
    forwarding = Forwarding(site.database)
    site.know("kafka", "webhook:0123456789ab")
    site.story.tell(9)
    cursor = forwarding.next_page("webhook:0123456789ab", 1).cursor
    forwarding.stop(cursor, "answers 410 Gone", datetime.now(UTC))
    waiting = forwarding.lag("kafka").events
    lines = forward("list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["kafka", "webhook:0123456789ab"]
    assert f"{waiting} wait" in lines[0]
    assert lines[1].endswith("answers 410 Gone")
    found = {one["name"]: one for one in json.loads(forward("list", "--json").output)}
    assert (found["kafka"]["waiting"], found["kafka"]["error"]) == (waiting, None)
    assert found["webhook:0123456789ab"]["error"] == "answers 410 Gone"


def test_a_rewind_moves_the_cursor_and_lets_a_stopped_target_go_on(site: ForwarderSite) -> None:
    forwarding = Forwarding(site.database)
    site.know("kafka")
    site.story.tell(9)
    forwarding.stop(forwarding.next_page("kafka", 1).cursor, "answers 410 Gone", datetime.now(UTC))
    said = forward("rewind", "kafka", "--to", "4").output
    assert said == f"kafka goes on after 4: {forwarding.lag('kafka').events} events wait for it\n"
    assert forwarding.next_page("kafka", 1).cursor.error is None
    assert "goes on after 0" in forward("rewind", "kafka", "--from-start").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kafka"], "--to CHANGE_SEQ or --from-start"),
        (["kafka", "--to", "1", "--from-start"], "--to CHANGE_SEQ or --from-start"),
        (["kafka", "--to", "999"], "the newest change is"),
        (["webhook:x", "--to", "1"], "no target 'webhook:x'"),
    ],
)
def test_a_rewind_that_cannot_be_is_one_line(site: ForwarderSite, arguments: list[str], words: str) -> None:
    site.know("kafka")
    site.story.tell(3)
    assert words in refusal(forward("rewind", *arguments))


def test_a_rewind_while_the_forwarder_runs_sends_everything_again(site: ForwarderSite) -> None:
    with running_receiver() as receiver:
        name = read_line(receiver.line, allow_plain=True).name
        site.give_webhooks(receiver.line)
        site.story.tell(40)
        site.start()
        site.story.tell(40)
        site.await_nothing_waiting()
        assert 0 < len(receiver.taken) <= 40
        stored = Forwarding(site.database).newest()
        assert forward("rewind", name, "--from-start").exit_code == 0
        wait_until(lambda: any(one["change_seq"] <= 40 for one in receiver.taken), WITHIN_S, "the first come again")
        site.await_nothing_waiting()
        site.stop()
        receiver.taken[:] = [one for one in receiver.taken if one["change_seq"] <= stored]
        assert {one["event_id"] for one in receiver.taken}
        check_got_everything(sorted(receiver.taken, key=lambda one: one["change_seq"]), site.database)
