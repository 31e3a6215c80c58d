"""Topics: one grammar, built and parsed in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import topics
from fleet.topics import CHANNELS, Channel, Direction, NotATopic, Topic

DEVICES = st.from_regex(r"cam-[a-z0-9-]{5,60}", fullmatch=True)
STREAMS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True)
ITEMS = st.from_regex(r"[A-Za-z0-9._-]{1,80}", fullmatch=True)


@st.composite
def any_topic(draw: st.DrawFn) -> Topic:
    rule = draw(st.sampled_from(CHANNELS))
    wanted = rule.pattern.count("+")
    in_stream = rule.pattern.startswith("stream/")
    stream = draw(STREAMS) if in_stream else None
    item = draw(ITEMS) if wanted > int(in_stream) else None
    return Topic(draw(DEVICES), rule.channel, rule.direction, stream, item)


@given(any_topic())
def test_what_is_built_is_parsed_back(topic: Topic) -> None:
    assert Topic.parse(str(topic)) == topic


@given(any_topic())
def test_no_topic_has_more_than_seven_slashes(topic: Topic) -> None:
    assert str(topic).count("/") <= 7


@given(st.text(max_size=200))
def test_any_other_text_is_refused_by_name(text: str) -> None:
    try:
        topic = Topic.parse(text)
    except NotATopic:
        return
    assert str(topic) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fleet/v1",
        "fleet/v2/cam-front-01/up/presence",
        "fleet/v1/cam-front-01/up",
        "fleet/v1/cam-front-01/sideways/presence",
        "fleet/v1/CAM-front-01/up/presence",
        "fleet/v1/cam-front-01/up/stream/../event",
        "fleet/v1/cam-front-01/up/stream/main/count/a+b",
        "fleet/v1/cam-front-01/down/event",
        "fleet/v1/cam-front-01/registry/extra",
        "$share/g/fleet/v1/cam-front-01/up/presence",
    ],
)
def test_what_is_not_a_topic_is_refused(text: str) -> None:
    with pytest.raises(NotATopic):
        Topic.parse(text)


def test_a_stream_channel_without_a_stream_cannot_be_built() -> None:
    with pytest.raises(NotATopic):
        str(Topic("cam-front-01", Channel.EVENT))


def test_a_channel_does_not_go_the_other_way() -> None:
    with pytest.raises(KeyError):
        str(Topic("cam-front-01", Channel.RECEIPT, Direction.UP))


def test_the_shorthands_say_what_the_design_says() -> None:
    assert topics.presence("cam-front-01") == "fleet/v1/cam-front-01/up/presence"
    assert topics.event("cam-front-01", "main") == "fleet/v1/cam-front-01/up/stream/main/event"
    assert topics.backfill("cam-front-01") == "fleet/v1/cam-front-01/up/backfill"
    assert topics.receipt("cam-front-01") == "fleet/v1/cam-front-01/down/receipt"
    assert topics.registry("cam-front-01") == "fleet/v1/cam-front-01/registry"
    assert topics.probe("srv-ingest-1") == "fleet/v1/srv-ingest-1/up/probe"
    assert topics.topic_filter(Channel.EVENT) == "fleet/v1/+/up/stream/+/event"
    assert topics.topic_filter(Channel.REGISTRY, Direction.REGISTRY) == "fleet/v1/+/registry"
