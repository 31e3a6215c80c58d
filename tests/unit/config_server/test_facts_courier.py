"""The courier's rounds over registry facts, with a broker that is a list."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_server.courier.facts import FactsCourier
from config_server.records import DeviceRecord, Site
from config_server.store.migrate import migrate
from config_server.store.registry import Store
from fleet.messages import RegistryFacts
from fleet.settings import ServerSettings, load

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class FakeSession:
    """Keeps what was published; answers when the test says so."""

    connected: bool = True
    sent: list[tuple[str, RegistryFacts]] = field(default_factory=list)
    waiting: list[Callable[[bool], None]] = field(default_factory=list)

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, acknowledged: Callable[[bool], None]
    ) -> bool:
        assert (qos, retain) == (1, True)
        if self.connected:
            self.sent.append((topic, RegistryFacts.decode(payload)))
            self.waiting.append(acknowledged)
        return self.connected

    def answer(self, taken: bool) -> None:
        waiting, self.waiting = self.waiting, []
        for acknowledged in waiting:
            acknowledged(taken)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path)
    migrate(settings)
    opened = Store(settings.config_database)
    with opened.writing() as tx:
        tx.sites.add(Site("yard", "North yard", "Europe/Bucharest"))
        tx.devices.add(DeviceRecord("cam-gate1", "Gate", "yard", None, "pending", NOW))
    yield opened
    opened.close()


def test_facts_are_sent_once_and_marked_when_the_broker_has_taken_them(store: Store) -> None:
    session = FakeSession()
    courier = FactsCourier(store, session)
    assert courier.round(NOW) == 1
    assert courier.round(NOW) == 0, "an unanswered message is not sent again"
    session.answer(True)
    courier.round(NOW)
    assert len(session.sent) == 1
    topic, facts = session.sent[0]
    assert topic == "fleet/v1/cam-gate1/registry"
    assert (facts.name, facts.site_name, facts.time_zone) == ("Gate", "North yard", "Europe/Bucharest")
    with store.reading() as tx:
        assert not tx.devices.unpublished(10)


def test_what_the_broker_refused_or_lost_is_sent_again(store: Store) -> None:
    session = FakeSession()
    courier = FactsCourier(store, session)
    courier.round(NOW)
    session.answer(False)
    assert courier.round(NOW) == 1


def test_nothing_is_marked_while_not_connected(store: Store) -> None:
    session = FakeSession(connected=False)
    courier = FactsCourier(store, session)
    assert courier.round(NOW) == 0
    session.connected = True
    assert courier.round(NOW) == 1


def test_a_change_while_a_message_is_on_its_way_is_sent_too(store: Store) -> None:
    session = FakeSession()
    courier = FactsCourier(store, session)
    courier.round(NOW)
    with store.writing() as tx:
        tx.devices.set_state("cam-gate1", "accepted")
    assert courier.round(NOW) == 1
    session.answer(True)
    courier.round(NOW)
    assert [facts.state for _, facts in session.sent] == ["pending", "accepted"]
    with store.reading() as tx:
        assert not tx.devices.unpublished(10)


def test_a_revocation_and_its_end_are_told_in_the_next_round(store: Store) -> None:
    session = FakeSession()
    courier = FactsCourier(store, session)
    courier.round(NOW)
    with store.writing() as tx:
        tx.devices.deny("cam-gate1", NOW)
    assert courier.round(NOW) == 1
    with store.writing() as tx:
        tx.devices.lift_denial("cam-gate1")
    assert courier.round(NOW) == 1
    assert [facts.denied for _, facts in session.sent] == [False, True, False]


def test_after_a_reconnect_everything_is_sent_again(store: Store) -> None:
    session = FakeSession()
    courier = FactsCourier(store, session)
    courier.round(NOW)
    session.answer(True)
    courier.round(NOW)
    courier.reconnected()
    assert courier.round(NOW) == 1
