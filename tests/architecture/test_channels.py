"""Every channel may be written from exactly one side, by what the broker's ACL file really says."""

from dataclasses import dataclass

import pytest
from paho.mqtt.client import topic_matches_sub

from fleet.access import SERVER_RULES
from fleet.access_file import render_access_file
from fleet.topics import CHANNELS, ChannelRule, Direction, Topic

CAMERA, OTHER = "cam-front-01", "cam-other-01"
# Channels of later parts: nobody on the servers' side writes them yet, so nobody may.
NOT_YET = {"twin", "command"}


@dataclass(frozen=True)
class MosquittoRules:
    """A small model of Mosquitto's order: a user's own denials, then its own rules, then the patterns."""

    text: str

    def allows(self, user: str, access: str, topic: str) -> bool:
        """Say whether the file lets `user` read or write `topic`."""
        own = list(self._of_user(user))
        if any(kind == "deny" and topic_matches_sub(rule, topic) for kind, rule in own):
            return False
        patterns = [(kind, rule.replace("%u", user)) for kind, rule in self._lines("pattern")]
        return any(kind == access and topic_matches_sub(rule, topic) for kind, rule in [*own, *patterns])

    def _lines(self, word: str) -> list[tuple[str, str]]:
        found = [line.split() for line in self.text.splitlines() if line.startswith(f"{word} ")]
        return [(parts[1], parts[2]) for parts in found]

    def _of_user(self, user: str) -> list[tuple[str, str]]:
        block = self.text.partition(f"user {user}\n")[2].partition("\n\n")[0]
        return [(parts[1], parts[2]) for parts in (line.split() for line in block.splitlines()) if parts[0] == "topic"]


RULES = MosquittoRules(render_access_file())


def _example(rule: ChannelRule, device_id: str) -> str:
    names = ["main", "item"] if rule.pattern.startswith("stream/") else ["item"]
    needed = names[: rule.pattern.count("+")]
    if rule.pattern.startswith("stream/"):
        return str(Topic(device_id, rule.channel, rule.direction, *needed))
    return str(Topic(device_id, rule.channel, rule.direction, item=needed[0] if needed else None))


@pytest.mark.parametrize("rule", CHANNELS, ids=lambda rule: f"{rule.direction}-{rule.channel}")
def test_each_channel_is_written_from_one_side_only(rule: ChannelRule) -> None:
    topic = _example(rule, CAMERA)
    by_camera = RULES.allows(CAMERA, "write", topic)
    by_servers = any(RULES.allows(server, "write", topic) for server in SERVER_RULES)
    assert by_camera == (rule.direction is Direction.UP)
    assert by_servers == (rule.direction is not Direction.UP and rule.channel not in NOT_YET)


@pytest.mark.parametrize("rule", CHANNELS, ids=lambda rule: f"{rule.direction}-{rule.channel}")
def test_no_camera_writes_or_reads_another_cameras_channel(rule: ChannelRule) -> None:
    topic = _example(rule, OTHER)
    assert not RULES.allows(CAMERA, "write", topic)
    assert not RULES.allows(CAMERA, "read", topic)


def test_a_denied_camera_may_do_nothing_and_its_neighbour_everything() -> None:
    rules = MosquittoRules(render_access_file([CAMERA]))
    for rule in CHANNELS:
        assert not rules.allows(CAMERA, "write", _example(rule, CAMERA))
        assert not rules.allows(CAMERA, "read", _example(rule, CAMERA))
    assert rules.allows(OTHER, "write", f"fleet/v1/{OTHER}/up/presence")


def test_the_one_that_takes_over_sessions_may_neither_read_nor_write() -> None:
    for topic in ("fleet/v1/srv-kick-1/up/x", "fleet/v1/srv-kick-1/down/x", f"fleet/v1/{CAMERA}/up/presence", "$SYS/x"):
        assert not RULES.allows("srv-kick-1", "write", topic)
        assert not RULES.allows("srv-kick-1", "read", topic)
