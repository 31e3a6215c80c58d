"""Committed events reach Kafka and webhooks at least once and in order per camera, whatever dies or refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.forwarder.webhook_list import read_line
from dashboard.health import Checks
from fleet.home import write_file
from tests.support.databases import new_database
from tests.support.forwarding import WITHIN_S, ForwarderSite, check_got_everything, forwarder_site, repeats
from tests.support.mock_kafka import MockKafka, running_kafka
from tests.support.ports import free_port
from tests.support.scale import count
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import SECRET, Receiver, running_receiver

PASSWORD = "a-password-for-kafka"


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForwarderSite]:
    with new_database(request.param) as url_in, forwarder_site(tmp_path, url_in(tmp_path)) as found:
        yield found


@pytest.fixture
def light_site(tmp_path: Path) -> Iterator[ForwarderSite]:
    with forwarder_site(tmp_path, f"sqlite:///{tmp_path / 'events.db'}") as found:
        yield found


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    with running_kafka() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


def name_of(receiver: Receiver) -> str:
    return read_line(receiver.line, allow_plain=True).name


def test_kills_between_delivery_and_cursor_lose_nothing_and_keep_each_cameras_order(
    site: ForwarderSite, kafka: MockKafka, receiver: Receiver, record_property: Callable[[str, object], None]
) -> None:
    kills = count(20, 2, "kills between delivery and cursor")
    changes = count(1_000, 150, "changes of events before each kill")
    record_property("kills", kills)
    site.more["CAMFLEET_KAFKA_SERVERS"] = kafka.servers
    site.give_webhooks(receiver.line)
    site.know("kafka", name_of(receiver))
    for number in range(kills):
        site.story.tell(changes)
        site.run_until_it_kills_itself(["kafka", "webhook"][number % 2])
    site.story.tell(changes)
    site.start()
    site.story.tell(changes)
    site.await_nothing_waiting()
    by_kafka = kafka.events()
    for got in (by_kafka, receiver.taken):
        check_got_everything(got, site.database)
        assert repeats(got) > 0
    assert all(one["key"] == one["device_id"] for one in by_kafka)
    assert len({(one["key"], one["partition"]) for one in by_kafka}) == len({one["key"] for one in by_kafka})
    assert all("wrong" not in request for request in receiver.requests)
    record_property("events", len(by_kafka))


def test_a_kafka_that_is_away_is_waited_for_named_and_gets_everything_later(
    light_site: ForwarderSite, kafka: MockKafka
) -> None:
    site = light_site
    write_file(site.home / "kafka", b"reconnect.backoff.max.ms=300\n")
    site.more |= {"CAMFLEET_KAFKA_SERVERS": kafka.servers, "CAMFLEET_KAFKA_OPTIONS_FILE": str(site.home / "kafka")}
    site.know("kafka")
    kafka.go_down()
    site.start()
    site.story.tell(120)
    wait_until(lambda: "refused" in (site.target("kafka").get("reason") or ""), WITHIN_S, "it says that Kafka is away")
    said = site.health()
    assert (said["status"], said["reason"]) == ("degraded", "not ok: kafka")
    assert said["targets"]["kafka"]["state"] == "waiting"
    assert 'camfleet_forwarder_target_up{target="kafka"} 0.0' in site.metrics()
    checks = health_of(site)
    assert checks["forwarder"]["status"] == "degraded"
    assert checks["forwarder"]["targets"]["kafka"]["lag_events"] > 0
    assert checks["database"]["status"] == "ok"
    site.story.tell(120)
    kafka.come_up()
    site.await_nothing_waiting()
    wait_until(lambda: site.health()["status"] == "ok", WITHIN_S, "all is well again")
    check_got_everything(kafka.events(), site.database)
    assert 'camfleet_forwarder_lag_events{target="kafka"} 0.0' in site.metrics()


def test_a_webhook_that_fails_first_gets_everything_and_the_health_page_shows_it(
    light_site: ForwarderSite, receiver: Receiver
) -> None:
    site, name = light_site, name_of(receiver)
    site.give_webhooks(receiver.line)
    site.know(name)
    receiver.answers.extend([500])
    site.story.tell(250)
    site.start()
    site.await_nothing_waiting()
    wait_until(lambda: site.target(name).get("state") == "ok", WITHIN_S, "all is well again")
    assert [request["status"] for request in receiver.requests][:2] == [500, 204]
    check_got_everything(receiver.taken, site.database)
    shown = health_of(site)["forwarder"]["targets"][name]
    assert (shown["state"], shown["lag_events"], shown["lag_s"]) == ("ok", 0, 0.0)
    assert shown["address"] == receiver.url.partition("/hook")[0]
    site.stop()
    assert health_of(site)["forwarder"] == {"status": "degraded", "reason": "no answer: ConnectError"}


def test_a_webhook_that_wants_no_more_is_stopped_and_others_go_on(
    light_site: ForwarderSite, receiver: Receiver
) -> None:
    site = light_site
    with running_receiver() as tired:
        tired.answers.extend([410])
        site.give_webhooks(receiver.line, tired.line)
        site.know(name_of(receiver), name_of(tired))
        site.story.tell(10)
        site.start()
        wait_until(lambda: site.target(name_of(tired)).get("state") == "stopped", WITHIN_S, "it is stopped")
        wait_until(lambda: site.target(name_of(receiver)).get("lag_events") == 0, WITHIN_S, "the other has everything")
        site.stop()
        site.start()
        assert site.target(name_of(tired))["lag_events"] > 0
        wait_until(lambda: site.target(name_of(tired)).get("state") == "stopped", WITHIN_S, "it stays stopped")
        assert len(tired.requests) == 1


def test_no_secret_is_written_to_logs_health_or_metrics(light_site: ForwarderSite, receiver: Receiver) -> None:
    site = light_site
    options = f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=x\nsasl.password={PASSWORD}\n"
    write_file(site.home / "kafka", options.encode())
    site.more |= {
        "CAMFLEET_LOG_LEVEL": "debug",
        "CAMFLEET_KAFKA_SERVERS": f"127.0.0.1:{free_port()}",
        "CAMFLEET_KAFKA_OPTIONS_FILE": str(site.home / "kafka"),
    }
    nobody = f"http://127.0.0.1:{free_port()}/T0/s3cr3t-in-the-url {SECRET}"
    unheard = read_line(nobody, allow_plain=True).name
    receiver.answers.extend([500, 429])
    site.give_webhooks(receiver.line, nobody)
    site.know("kafka", name_of(receiver), unheard)
    site.story.tell(20)
    site.start()
    wait_until(lambda: site.target(name_of(receiver)).get("lag_events") == 0, WITHIN_S, "the webhook has everything")
    for name in ("kafka", unheard):
        wait_until(lambda name=name: site.target(name).get("state") == "waiting", WITHIN_S, f"{name} is waited for")
    said = site.metrics() + str(site.health())
    site.stop()
    assert "forwarding events" in site.output
    for secret in (SECRET, PASSWORD, "s3cr3t", "Zm9yLXVzLW9ubHk"):
        assert secret not in said + site.output


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "neither is set"),
        ({"CAMFLEET_WEBHOOK_URLS_FILE": "/nowhere/webhooks"}, "CAMFLEET_WEBHOOK_URLS_FILE: /nowhere/webhooks: No such"),
        (
            {"CAMFLEET_KAFKA_SERVERS": "127.0.0.1:9092", "CAMFLEET_KAFKA_OPTIONS_FILE": "{home}/kafka"},
            'CAMFLEET_KAFKA_OPTIONS_FILE: No such configuration property: "sasl.nonsense"',
        ),
    ],
)
def test_settings_that_cannot_work_are_a_sentence_each(
    light_site: ForwarderSite, given: dict[str, str], sentence: str
) -> None:
    site = light_site
    write_file(site.home / "kafka", b"sasl.nonsense=1\n")
    site.more |= {name: value.format(home=site.home) for name, value in given.items()}
    said = site.refuses_to_start()
    assert sentence in said
    assert "Traceback" not in said


def health_of(site: ForwarderSite) -> dict[str, dict[str, object]]:
    """What dashboard's /health finds out, on a host where nothing else runs."""
    nobody = f"http://127.0.0.1:{free_port()}/healthz"
    forwarder = f"http://127.0.0.1:{site.port}/healthz"
    outcome = Checks(site.database, site.home, {"srv-ingest-1": nobody}, nobody, forwarder).run()
    found: dict[str, dict[str, object]] = outcome["checks"]
    return found
