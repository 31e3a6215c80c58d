"""Which messages a subscription is for, shared or not."""

import pytest

from fleet.mqtt import Received, Subscription

EVENTS = "fleet/v1/+/up/stream/+/event"


def ignore(_received: Received) -> None:
    """Do nothing."""


@pytest.mark.parametrize("topic_filter", [EVENTS, f"$share/k3xq/{EVENTS}"])
@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("fleet/v1/cam-00001/up/stream/main/event", True),
        ("fleet/v1/cam-00001/up/stream/main/status", False),
        ("fleet/v1/cam-00001/up/health", False),
        ("$share/k3xq/fleet/v1/cam-00001/up/stream/main/event", False),
    ],
)
def test_a_shared_subscription_takes_what_its_filter_takes(topic_filter: str, topic: str, expected: bool) -> None:
    assert Subscription(topic_filter, 1, ignore).matches(topic) is expected
