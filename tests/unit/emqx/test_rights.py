"""What fleet.access allows is what acl.conf allows on EMQX, by a model of its rule order, and nothing besides."""

import pytest
from paho.mqtt.client import topic_matches_sub

from fleet.access import CAMERA_RULES, SERVER_RULES, Access, AccessRule
from fleet.topics import CHANNELS, PREFIX, ChannelRule, Direction, Topic
from tests.support.emqx_rules import EmqxRules, NotARule, matches
from tests.support.markdown import ROOT

TEXT = (ROOT / "emqx" / "acl.conf").read_text()
RULES = EmqxRules.parse(TEXT)
CAMERA, OTHER, STRANGER = "cam-front-01", "cam-other-01", "srv-stranger-1"
USERS = [CAMERA, STRANGER, *SERVER_RULES]
ACTIONS = {"publish": Access.WRITE, "subscribe": Access.READ}
# What a curious camera asks for.
GREEDY = ["#", "+/#", "fleet/#", f"{PREFIX}/#", f"{PREFIX}/+/up/#", f"{PREFIX}/+/down/#", f"{PREFIX}/+/registry",
          f"{PREFIX}/{OTHER}/#", f"{PREFIX}/{OTHER}/up/#", f"{PREFIX}/{OTHER}/down/#", f"{PREFIX}/{CAMERA}/#",
          f"{PREFIX}/{CAMERA}/+/#", f"{PREFIX}/{CAMERA}/up/#", "$SYS/#", "+/+/+/+/+", "$share/g/#",
          f"$share/g/{PREFIX}/+/up/#", f"$share/g/{PREFIX}/{OTHER}/down/#", f"$queue/{PREFIX}/+/up/#"]  # fmt: skip


def rules_of(user: str) -> tuple[AccessRule, ...]:
    """Return what fleet.access says of a user."""
    return CAMERA_RULES if user.startswith("cam-") else SERVER_RULES.get(user, ())


def should_be_allowed(user: str, access: Access, topic: str) -> bool:
    """Say what fleet.access means by its rules, without any broker's reading of them."""
    mine = [rule.topic_filter.replace("%u", user) for rule in rules_of(user) if rule.access is access]
    return any(topic_matches_sub(each, topic) for each in mine)


def example(rule: ChannelRule, device_id: str) -> str:
    needed = ["main", "item"][: rule.pattern.count("+")] if rule.pattern.startswith("stream/") else []
    if needed:
        return str(Topic(device_id, rule.channel, rule.direction, *needed))
    return str(Topic(device_id, rule.channel, rule.direction, item="item" if "+" in rule.pattern else None))


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("rule", CHANNELS, ids=lambda rule: f"{rule.direction}-{rule.channel}")
def test_each_channel_is_allowed_to_exactly_those_whom_the_contract_names(
    user: str, action: str, rule: ChannelRule
) -> None:
    for device_id in (CAMERA, OTHER, "srv-ingest-1", "srv-courier-1"):
        topic = example(rule, device_id)
        assert RULES.allows(user, action, topic) == should_be_allowed(user, ACTIONS[action], topic), topic


@pytest.mark.parametrize("user", USERS)
def test_each_filter_of_the_contract_can_be_subscribed_to_as_it_stands(user: str) -> None:
    readable = [rule.topic_filter.replace("%u", user) for rule in rules_of(user) if rule.access is Access.READ]
    assert [each for each in readable if not RULES.allows(user, "subscribe", each)] == []


@pytest.mark.parametrize("topic_filter", GREEDY)
def test_a_camera_gets_no_filter_beyond_its_own_down_tree(topic_filter: str) -> None:
    assert not RULES.allows(CAMERA, "subscribe", topic_filter)


@pytest.mark.parametrize("server", SERVER_RULES)
def test_no_server_writes_as_a_camera(server: str) -> None:
    written = [example(rule, CAMERA) for rule in CHANNELS if rule.direction is Direction.UP]
    assert [topic for topic in written if RULES.allows(server, "publish", topic)] == []


@pytest.mark.parametrize("name", ["cam-+", "cam-#", "cam-a/up/x", "CAM-FRONT", "xcam-front-01", ""])
def test_a_name_that_our_ca_never_gives_is_nobody(name: str) -> None:
    assert not RULES.allows(name, "publish", f"{PREFIX}/{name}/up/birth")
    assert not RULES.allows(name, "subscribe", f"{PREFIX}/{name}/down/#")


def test_the_last_rule_denies_and_so_does_what_stands_behind_it() -> None:
    assert not RULES.rules[-1].permits
    assert RULES.rules[-1].who == "all"
    assert all(rule.permits for rule in RULES.rules[:-1])


def test_the_model_takes_the_first_rule_that_fits() -> None:
    allow = '{allow, {username, "a"}, publish, ["t/#"]}.'
    assert EmqxRules.parse(f"{allow}\n{{deny, all}}.").allows("a", "publish", "t/1")
    assert not EmqxRules.parse(f"{{deny, all}}.\n{allow}").allows("a", "publish", "t/1")
    assert not EmqxRules.parse(f"{allow}\n{{deny, all}}.", no_match="allow").allows("a", "publish", "u")
    assert EmqxRules.parse(allow, no_match="allow").allows("a", "publish", "u")


@pytest.mark.parametrize(
    "line",
    ['{allow, {cn, "a"}, publish, ["t"]}.', '{allow, {username, "a"}, write, ["t"]}.', "{allow, all}", "{may, all}."],
)
def test_the_model_knows_only_what_emqx_knows(line: str) -> None:
    with pytest.raises(NotARule):
        EmqxRules.parse(line)


@pytest.mark.parametrize(
    ("topic", "topic_filter", "expected"),
    [
        ("a/b", "a/+", True),
        ("a/+", "a/+", True),
        ("a/#", "a/+", False),
        ("a/#", "a/#", True),
        ("a", "a/#", True),
        ("a/b/c", "a/+", False),
        ("a", "a/+", False),
        ("$SYS/x", "#", False),
        ("$SYS/x", "+/x", False),
        ("$SYS/x", "$SYS/#", True),
    ],
)
def test_topics_match_as_emqx_matches_them(topic: str, topic_filter: str, expected: bool) -> None:
    assert matches(topic, topic_filter) is expected
