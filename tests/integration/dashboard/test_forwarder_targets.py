"""Targets in this process, before a Kafka that refuses and a receiver behind real TLS."""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.forwarder.follower import Follower
from dashboard.forwarder.kafka import KafkaTarget
from dashboard.forwarder.kafka_options import kafka_options
from dashboard.forwarder.planning import Pauses
from dashboard.forwarder.target import Message, Verdict
from dashboard.forwarder.wiring import Wiring
from dashboard.store.database import Database
from dashboard.store.forwarding import Forwarding
from dashboard.store.migrate import migrate_database
from fleet.home import write_file
from fleet.settings import ServerSettings, load
from tests.support.authorities import Authorities
from tests.support.forwarding import WITHIN_S, Story, check_got_everything
from tests.support.mock_kafka import (
    CLUSTER_AUTHORIZATION_FAILED,
    INIT_PRODUCER_ID,
    MESSAGE_TOO_LARGE,
    PRODUCE,
    TOPIC,
    TOPIC_AUTHORIZATION_FAILED,
    MockKafka,
    running_kafka,
)
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import Receiver, running_receiver

QUICK = Pauses(0.05, 0.2, 0.05, 0.2)


@dataclass
class Bench:
    """A filled store and followers of what the environment says."""

    database: Database
    story: Story
    monkeypatch: pytest.MonkeyPatch
    stopping: threading.Event

    def follower(self, **settings: str) -> Follower:
        """The one follower of these settings, with a cursor before everything."""
        for name, value in settings.items():
            self.monkeypatch.setenv(f"CAMFLEET_{name}", value)
        [found] = Wiring(load(ServerSettings), Forwarding(self.database), self.stopping, QUICK).followers()
        Forwarding(self.database).begin(found.target.name, datetime.now(UTC))
        return found

    def await_nothing_waiting(self, follower: Follower) -> None:
        """Wait until the target has everything."""
        forwarding = Forwarding(self.database)
        wait_until(lambda: forwarding.lag(follower.target.name).events == 0, WITHIN_S, "it has everything")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    database = Database(f"sqlite:///{tmp_path / 'events.db'}")
    migrate_database(database)
    stopping = threading.Event()
    yield Bench(database, Story(database), monkeypatch, stopping)
    stopping.set()
    for thread in threading.enumerate():
        if thread.name == "kafka" or thread.name.startswith("webhook:"):
            thread.join(WITHIN_S)
    database.close()


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    with running_kafka() as found:
        yield found


REFUSALS = {
    "topic": (TOPIC_AUTHORIZATION_FAILED, PRODUCE, "Topic authorization failed"),
    "size": (MESSAGE_TOO_LARGE, PRODUCE, "Message size too large"),
    "producer": (CLUSTER_AUTHORIZATION_FAILED, INIT_PRODUCER_ID, "Cluster authorization failed"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_kafka_that_refuses_is_named_and_each_camera_stays_in_order_through_new_producers(
    bench: Bench, kafka: MockKafka, what: str
) -> None:
    code, request, words = REFUSALS[what]
    follower = bench.follower(KAFKA_SERVERS=kafka.servers)
    bench.story.tell(60)
    kafka.refuse(code, 2, request)
    # On a busy machine the cluster may at first not answer in time: then it waits, and asks again. How many of a
    # turn's requests the two refusals meet is librdkafka's: what matters is that nothing is missing at the end.
    wait_until(lambda: follower.turn() > 0 and follower.condition.state == "refused", WITHIN_S, "it is refused")
    assert words in (follower.condition.reason or "")
    bench.story.tell(200)
    follower.start()
    bench.await_nothing_waiting(follower)
    check_got_everything(kafka.events(), bench.database)
    wait_until(lambda: follower.condition.state == "ok", WITHIN_S, "all is well again")


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_that_comes_while_events_are_still_handed_over_is_named_all_the_same(
    kafka: MockKafka, what: str
) -> None:
    code, request, words = REFUSALS[what]
    kafka.refuse(code, 1, request)
    target = KafkaTarget(kafka_options(kafka.servers, None), TOPIC, lambda _trouble: None, threading.Event())
    # So many that the cluster has answered the first before the last is handed over.
    trouble = target.deliver([Message(number, f"cam-{number % 5}", b"{}") for number in range(50_000)]).trouble
    assert trouble is not None
    assert trouble.verdict is Verdict.REFUSED
    assert words in trouble.reason


def test_a_kafka_that_goes_away_in_the_middle_keeps_each_camera_in_order(bench: Bench, kafka: MockKafka) -> None:
    follower = bench.follower(KAFKA_SERVERS=kafka.servers)
    bench.story.tell(100)
    follower.start()
    wait_until(lambda: follower.condition.delivered > 0, WITHIN_S, "some are there")
    for _ in range(3):
        bench.story.tell(100)
        kafka.go_down()
        bench.story.tell(100)
        kafka.come_up()
    bench.await_nothing_waiting(follower)
    check_got_everything(kafka.events(), bench.database)


def test_a_stop_while_kafka_is_away_ends_at_once_and_keeps_the_cursor(bench: Bench, kafka: MockKafka) -> None:
    follower = bench.follower(KAFKA_SERVERS=kafka.servers)
    kafka.go_down()
    bench.story.tell(30)
    follower.start()
    wait_until(lambda: follower.condition.state == "waiting", WITHIN_S, "it waits")
    bench.stopping.set()
    follower.join(WITHIN_S)
    assert "kafka" not in {thread.name for thread in threading.enumerate()}
    assert follower.condition.delivered == 0


@dataclass(frozen=True)
class Secured:
    """A receiver behind TLS and the CA that vouches for it."""

    receiver: Receiver
    ca: Path


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    files = Authorities().write_host(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(files.certificate), str(files.key))
    with running_receiver(context) as receiver:
        yield Secured(receiver, files.ca)


def webhook(bench: Bench, tmp_path: Path, line: str, **settings: str) -> Follower:
    write_file(tmp_path / "webhooks", line.encode())
    return bench.follower(WEBHOOK_URLS_FILE=str(tmp_path / "webhooks"), **settings)


def test_events_go_over_tls_to_a_receiver_whose_ca_is_given(bench: Bench, secured: Secured, tmp_path: Path) -> None:
    follower = webhook(
        bench, tmp_path, secured.receiver.line, WEBHOOK_ALLOW_PRIVATE="1", WEBHOOK_CA_FILE=str(secured.ca)
    )
    bench.story.tell(130)
    follower.start()
    bench.await_nothing_waiting(follower)
    check_got_everything(secured.receiver.taken, bench.database)
    assert secured.receiver.requests[0]["headers"]["host"].startswith("localhost:")


def test_a_receiver_that_nobody_vouches_for_gets_nothing(bench: Bench, secured: Secured, tmp_path: Path) -> None:
    follower = webhook(bench, tmp_path, secured.receiver.line, WEBHOOK_ALLOW_PRIVATE="1")
    bench.story.tell(5)
    follower.start()
    wait_until(lambda: follower.condition.failures >= 2, WITHIN_S, "it was tried")
    assert "certificate is not good" in (follower.condition.reason or "")
    assert secured.receiver.requests == []


def test_a_receiver_on_this_host_gets_nothing_unless_a_person_said_so(
    bench: Bench, secured: Secured, tmp_path: Path
) -> None:
    follower = webhook(bench, tmp_path, secured.receiver.line, WEBHOOK_CA_FILE=str(secured.ca))
    bench.story.tell(5)
    follower.start()
    wait_until(lambda: follower.condition.state == "refused", WITHIN_S, "it is refused")
    assert "CAMFLEET_WEBHOOK_ALLOW_PRIVATE=1" in (follower.condition.reason or "")
    assert secured.receiver.requests == []
