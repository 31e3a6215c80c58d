"""Every message of every channel reaches exactly the processes that are to have it."""

import pytest

from dashboard.ingest.roles import KEPT_FOR_MANY, KEPT_FOR_ONE, SHARED, Role, role_of
from fleet import topics
from fleet.access import MOST_INGEST_PROCESSES, SERVER_RULES, Access
from fleet.mqtt import Subscription
from fleet.topics import Channel

CAMERA, GROUP = "cam-front-01", "k3xqgroup"
SAID = {
    Channel.PRESENCE: topics.presence(CAMERA),
    Channel.BIRTH: topics.birth(CAMERA),
    Channel.HEALTH: topics.health(CAMERA),
    Channel.STREAM_STATUS: topics.stream_status(CAMERA, "main"),
    Channel.EVENT: topics.event(CAMERA, "main"),
    Channel.BACKFILL: f"fleet/v1/{CAMERA}/up/backfill",
    Channel.REGISTRY: topics.registry(CAMERA),
}
HEARD_BY_ALL = {Channel.HEALTH, Channel.REGISTRY}


def filters_for(role: Role, topic: str) -> list[str]:
    return [each for each in role.filters if Subscription(each, 1, lambda _: None).matches(topic)]


def roles(processes: int) -> list[Role]:
    return [role_of(process, processes, GROUP) for process in range(1, processes + 1)]


@pytest.mark.parametrize("processes", range(1, MOST_INGEST_PROCESSES + 1))
@pytest.mark.parametrize("channel", SAID)
def test_each_message_is_for_the_group_the_first_or_everybody(channel: Channel, processes: int) -> None:
    found = [filters_for(role, SAID[channel]) for role in roles(processes)]
    assert all(len(each) <= 1 for each in found), "a message that comes twice is work for nothing"
    hearing = [each[0] for each in found if each]
    is_shared = processes > 1 and channel in SHARED
    assert len(hearing) == (processes if is_shared or channel in HEARD_BY_ALL else 1)
    assert all(each.startswith(f"$share/{GROUP}/") == is_shared for each in hearing)


@pytest.mark.parametrize("processes", [1, 3])
def test_each_process_hears_its_own_probe_and_the_first_alone_judges(processes: int) -> None:
    for number, role in enumerate(roles(processes), start=1):
        assert filters_for(role, topics.probe(role.server_id))
        assert role.judges is (number == 1)
    assert sum(role.share for role in roles(processes)) == pytest.approx(1)


def test_a_process_asks_for_nothing_that_the_broker_would_not_give() -> None:
    for role in roles(MOST_INGEST_PROCESSES):
        readable = [rule.topic_filter for rule in SERVER_RULES[role.server_id] if rule.access is Access.READ]
        plain = [each.removeprefix(f"$share/{GROUP}/") for each in role.filters]
        if role.judges:
            assert topics.EVERYTHING_UP in readable
        else:
            assert set(plain) == set(readable)


def test_several_leave_their_share_to_the_others_soon_and_one_keeps_everything() -> None:
    assert role_of(1, 1, "").kept == KEPT_FOR_ONE
    assert {role.kept for role in roles(3)} == {KEPT_FOR_MANY}
    assert KEPT_FOR_MANY < KEPT_FOR_ONE


def test_another_layout_or_group_has_another_fingerprint() -> None:
    seen = {role_of(1, 1, "").fingerprint, role_of(1, 2, GROUP).fingerprint, role_of(1, 2, "other").fingerprint}
    assert len(seen) == 3
    assert role_of(1, 1, "").fingerprint == role_of(1, 1, GROUP).fingerprint
    assert role_of(2, 2, GROUP).fingerprint == role_of(2, 3, GROUP).fingerprint
    assert all(GROUP not in each for each in seen)
