"""What the platform relies on for delivery: sessions, retained messages, wills and limits."""

import pytest

from fleet import topics
from tests.contract.broker.rig import NO_SUBSCRIBERS, NOT_AUTHORIZED, SOON_S, Broker, Wish, connected, lose
from tests.support.waiting import wait_until

CAMERA, OTHER, INGEST = "cam-00011", "cam-00012", "srv-ingest-1"
DAY_S = 86400


def test_a_session_outlasts_its_connection_and_keeps_messages(broker: Broker) -> None:
    kept = Wish(INGEST, expiry_s=DAY_S, clean_start=False)
    with connected(broker, kept) as ingest:
        ingest.subscribe(topics.EVERYTHING_UP)
    with connected(broker, CAMERA) as camera:
        for number in range(2000):
            camera.paho.publish(topics.event(CAMERA, "main"), b"%d" % number, 1)
        wait_until(lambda: len(camera.answers) == 2000, 30.0, "all are acknowledged")
        assert NOT_AUTHORIZED not in camera.answers.values()
    with connected(broker, kept) as ingest:
        assert ingest.session_present
        got = [int(ingest.next()[1]) for _ in range(2000)]
        assert got == list(range(2000))
    with connected(broker, Wish(INGEST)):
        pass


def test_an_event_without_subscriber_is_acknowledged_and_yet_nobody_holds_it(broker: Broker) -> None:
    """Why the camera waits for our own receipt: this answer is a success code."""
    with connected(broker, Wish(CAMERA)) as camera:
        assert camera.publish(topics.event(CAMERA, "main")) == NO_SUBSCRIBERS


def test_retained_presence_is_there_for_a_late_reader(broker: Broker) -> None:
    with connected(broker, CAMERA) as camera:
        camera.publish(topics.presence(CAMERA), b"online", retain=True)
    with connected(broker, INGEST) as ingest:
        ingest.subscribe(f"fleet/v1/{CAMERA}/up/presence")
        assert ingest.next() == (topics.presence(CAMERA), b"online")


def test_a_will_is_sent_when_a_camera_dies_and_not_when_it_says_goodbye(broker: Broker) -> None:
    dying = Wish(CAMERA, will_topic=topics.presence(CAMERA), will_delay_s=1, expiry_s=60)
    with connected(broker, INGEST) as ingest:
        ingest.subscribe(topics.EVERYTHING_UP)
        ingest_before = ingest.drain()
        with connected(broker, dying):
            pass
        with connected(broker, dying) as camera:
            lose(camera)
            arrived = wait_until(lambda: [each for each in ingest.drain() if each[1] == b"will"], SOON_S, "the will")
    assert arrived == [(topics.presence(CAMERA), b"will")]
    assert all(payload != b"will" for _, payload in ingest_before)


def test_a_will_in_somebody_elses_name_is_never_sent(broker: Broker) -> None:
    forging = Wish(CAMERA, will_topic=topics.presence(OTHER), will_delay_s=0, expiry_s=0)
    with connected(broker, INGEST) as ingest, connected(broker, OTHER) as other:
        ingest.subscribe(f"fleet/v1/{OTHER}/up/#")
        with connected(broker, forging) as camera:
            lose(camera)
        other.publish(topics.birth(OTHER), b"end")
        seen = [ingest.next()]
        while seen[-1][1] != b"end":
            seen.append(ingest.next())
        assert all(payload != b"will" for _, payload in seen)


def test_a_message_over_the_limit_is_refused_and_the_limit_is_announced(broker: Broker) -> None:
    with connected(broker, CAMERA) as camera:
        assert camera.maximum_packet == 262144
        camera.paho.publish(topics.event(CAMERA, "main"), b"x" * 300_000, 1)
        wait_until(lambda: camera.closed, SOON_S, "the connection is closed")


def test_the_largest_payload_of_the_platform_fits(broker: Broker) -> None:
    with connected(broker, INGEST) as ingest, connected(broker, CAMERA) as camera:
        ingest.subscribe(topics.EVERYTHING_UP)
        assert camera.publish(topics.event(CAMERA, "main"), b"x" * topics.MAX_PAYLOAD_BYTES) == 0
        wait_until(
            lambda: any(len(payload) == topics.MAX_PAYLOAD_BYTES for _, payload in ingest.drain()), SOON_S, "it arrives"
        )


def test_a_keepalive_beyond_two_minutes_is_shortened(broker: Broker) -> None:
    if not broker.shortens_keepalive:
        pytest.skip("this broker takes any keepalive")
    with connected(broker, Wish(CAMERA, keepalive_s=3600)) as camera:
        assert camera.keepalive == 120
