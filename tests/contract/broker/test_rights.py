"""Who may read and write what. Delivery is looked at, not SUBACK: Mosquitto grants every subscription."""

import pytest

from fleet import topics
from tests.contract.broker.rig import NOT_AUTHORIZED, SOON_S, Broker, Client, connected
from tests.support.waiting import wait_until

CAMERA, OTHER = "cam-00001", "cam-00002"
INGEST, COURIER, KICK = "srv-ingest-1", "srv-courier-1", "srv-kick-1"
MORE_INGEST, LAST_INGEST = "srv-ingest-2", "srv-ingest-8"
OWN_UP = f"fleet/v1/{CAMERA}/up"
OWN_DOWN = f"fleet/v1/{CAMERA}/down"


@pytest.mark.parametrize(
    "topic",
    [
        topics.presence(CAMERA),
        topics.birth(CAMERA),
        topics.health(CAMERA),
        topics.stream_status(CAMERA, "main"),
        topics.event(CAMERA, "main"),
        f"{OWN_UP}/backfill",
        f"{OWN_UP}/csr",
    ],
)
def test_a_camera_writes_its_own_channels(broker: Broker, topic: str) -> None:
    with connected(broker, INGEST) as ingest, connected(broker, CAMERA) as camera:
        ingest.subscribe(topics.EVERYTHING_UP)
        assert camera.publish(topic, b"mine") == 0
        assert ingest.next() == (topic, b"mine")


@pytest.mark.parametrize(
    "topic",
    [
        topics.presence(OTHER),
        topics.event(OTHER, "main"),
        topics.receipt(OTHER),
        f"{OWN_DOWN}/receipt",
        topics.registry(CAMERA),
        topics.registry(OTHER),
        "fleet/v1/srv-ingest-1/up/probe",
        "other",
        "$SYS/broker/uptime",
        f"$share/group/{OWN_UP}/birth",
    ],
)
def test_a_camera_writes_nothing_else(broker: Broker, topic: str) -> None:
    with connected(broker, INGEST) as ingest, connected(broker, CAMERA) as camera:
        ingest.subscribe("fleet/v1/#")
        assert camera.publish(topic, b"forged") == NOT_AUTHORIZED
        assert camera.publish(topics.birth(CAMERA), b"end") == 0
        assert all(payload != b"forged" for _, payload in _until(ingest, b"end"))


@pytest.mark.parametrize(
    "topic_filter",
    ["#", "fleet/#", "fleet/v1/+/up/#", f"fleet/v1/{OTHER}/up/#", f"fleet/v1/{OTHER}/down/#", "fleet/v1/+/registry",
     "$SYS/#", "+/+/+/+/+", "fleet/v1/+/down/#"],
)  # fmt: skip
def test_a_camera_reads_nothing_of_others(broker: Broker, topic_filter: str) -> None:
    with (
        connected(broker, CAMERA) as camera,
        connected(broker, OTHER) as other,
        connected(broker, INGEST) as ingest,
        connected(broker, COURIER) as courier,
    ):
        camera.subscribe(topic_filter)
        camera.subscribe(f"{OWN_DOWN}/#")
        other.publish(topics.birth(OTHER), b"secret")
        ingest.publish(topics.receipt(OTHER), b"secret")
        courier.publish(topics.registry(OTHER), b"secret")
        ingest.publish(topics.receipt(CAMERA), b"end")
        seen = _until(camera, b"end")
        assert {topic for topic, _ in seen} == {topics.receipt(CAMERA)}


def test_a_camera_does_not_get_what_was_retained_for_others(broker: Broker) -> None:
    with connected(broker, COURIER) as courier, connected(broker, OTHER) as other:
        courier.publish(topics.registry(OTHER), b"secret", retain=True)
        other.publish(topics.birth(OTHER), b"secret", retain=True)
    with connected(broker, CAMERA) as camera, connected(broker, INGEST) as ingest:
        camera.subscribe("fleet/#")
        camera.subscribe(f"{OWN_DOWN}/#")
        ingest.publish(topics.receipt(CAMERA), b"end")
        assert all(payload != b"secret" for _, payload in _until(camera, b"end"))


def test_a_shared_group_gives_a_camera_nothing_of_others(broker: Broker) -> None:
    with connected(broker, CAMERA) as camera, connected(broker, OTHER) as other, connected(broker, INGEST) as ingest:
        camera.subscribe("$share/guess/fleet/v1/+/up/#")
        camera.subscribe(f"{OWN_DOWN}/#")
        for _ in range(10):
            other.publish(topics.event(OTHER, "main"), b"secret")
        ingest.publish(topics.receipt(CAMERA), b"end")
        assert all(payload != b"secret" for _, payload in _until(camera, b"end"))


ALLOWED = [
    (INGEST, topics.receipt(CAMERA)),
    (INGEST, f"{OWN_DOWN}/upload"),
    (INGEST, topics.probe(INGEST)),
    (MORE_INGEST, topics.receipt(CAMERA)),
    (LAST_INGEST, topics.receipt(CAMERA)),
    (MORE_INGEST, topics.probe(MORE_INGEST)),
    (COURIER, f"{OWN_DOWN}/certificate"),
    (COURIER, topics.registry(CAMERA)),
]
REFUSED = [
    (INGEST, topics.registry(CAMERA)),
    (INGEST, f"{OWN_DOWN}/certificate"),
    (INGEST, f"{OWN_DOWN}/command/1"),
    (INGEST, topics.presence(CAMERA)),
    (MORE_INGEST, topics.registry(CAMERA)),
    (MORE_INGEST, f"{OWN_DOWN}/upload"),
    (MORE_INGEST, topics.presence(CAMERA)),
    (MORE_INGEST, topics.probe(INGEST)),
    (LAST_INGEST, topics.probe(MORE_INGEST)),
    (COURIER, topics.receipt(CAMERA)),
    (COURIER, topics.presence(CAMERA)),
    (COURIER, topics.probe(COURIER)),
    (COURIER, topics.probe(INGEST)),
    (KICK, topics.probe(KICK)),
    (KICK, topics.presence(CAMERA)),
    (KICK, topics.receipt(CAMERA)),
]


@pytest.mark.parametrize(("server", "topic"), ALLOWED)
def test_a_server_writes_what_its_work_needs(broker: Broker, server: str, topic: str) -> None:
    with connected(broker, server) as client:
        assert client.publish(topic) != NOT_AUTHORIZED


@pytest.mark.parametrize(("server", "topic"), REFUSED)
def test_a_server_writes_nothing_beyond_its_work(broker: Broker, server: str, topic: str) -> None:
    with connected(broker, server) as client:
        assert client.publish(topic) == NOT_AUTHORIZED


def test_the_courier_reads_requests_for_certificates_only(broker: Broker) -> None:
    with connected(broker, COURIER) as courier, connected(broker, CAMERA) as camera:
        courier.subscribe("fleet/v1/+/up/#")
        camera.publish(topics.event(CAMERA, "main"), b"not yours")
        camera.publish(f"{OWN_UP}/csr", b"end")
        assert [topic for topic, _ in _until(courier, b"end")] == [f"{OWN_UP}/csr"]


def test_ingest_reads_what_cameras_say_and_what_the_registry_says(broker: Broker) -> None:
    with connected(broker, INGEST) as ingest, connected(broker, COURIER) as courier:
        ingest.subscribe("fleet/v1/+/registry")
        courier.publish(topics.registry(CAMERA), b"facts")
        assert (topics.registry(CAMERA), b"facts") in _until(ingest, b"facts")


def test_a_further_ingest_reads_what_events_need_and_nothing_else(broker: Broker) -> None:
    with connected(broker, MORE_INGEST) as ingest, connected(broker, CAMERA) as camera:
        ingest.subscribe(topics.EVERYTHING_UP)
        camera.publish(topics.presence(CAMERA), b"not yours")
        camera.publish(f"{OWN_UP}/csr", b"not yours")
        camera.publish(topics.health(CAMERA), b"clock")
        camera.publish(f"{OWN_UP}/backfill", b"late")
        camera.publish(topics.event(CAMERA, "main"), b"end")
        seen = [topic for topic, _ in _until(ingest, b"end")]
        assert seen == [topics.health(CAMERA), f"{OWN_UP}/backfill", topics.event(CAMERA, "main")]


def test_ingest_processes_of_one_group_share_the_events(broker: Broker) -> None:
    shared = f"$share/group/{topics.topic_filter(topics.Channel.EVENT)}"
    with connected(broker, INGEST) as one, connected(broker, MORE_INGEST) as other, connected(broker, CAMERA) as camera:
        for member in (one, other):
            member.subscribe(shared)
        for n in range(10):
            camera.publish(topics.event(CAMERA, "main"), str(n).encode())
        seen: list[list[tuple[str, bytes]]] = [[], []]

        def all_came() -> bool:
            seen[0] += one.drain()
            seen[1] += other.drain()
            return len(seen[0]) + len(seen[1]) == 10

        wait_until(all_came, SOON_S, "each event reaches one of them")
        assert {int(payload) for part in seen for _, payload in part} == set(range(10))
        assert all(seen)


def test_the_kicker_reads_nothing(broker: Broker) -> None:
    with connected(broker, KICK) as kicker, connected(broker, CAMERA) as camera, connected(broker, INGEST) as ingest:
        kicker.subscribe("#")
        ingest.subscribe(topics.EVERYTHING_UP)
        camera.publish(topics.event(CAMERA, "main"), b"end")
        _until(ingest, b"end")
        assert kicker.drain() == []


def _until(client: Client, last: bytes) -> list[tuple[str, bytes]]:
    """Return everything up to the message with payload `last`: what would come has come before it."""
    seen: list[tuple[str, bytes]] = []
    while not seen or seen[-1][1] != last:
        seen.append(client.next())
    return seen
