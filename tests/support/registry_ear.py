"""Listen to the registry's facts at a real broker, as ingest does."""

from collections.abc import Iterator
from contextlib import contextmanager

from fleet import topics
from fleet.messages import RegistryFacts
from fleet.mqtt import BrokerAddress, Received, Session, SessionOptions
from fleet.settings import ServerSettings


@contextmanager
def heard_by_ingest(settings: ServerSettings) -> Iterator[dict[str, RegistryFacts]]:
    """What ingest's session hears of the registry, by topic."""
    heard: dict[str, RegistryFacts] = {}

    def take(received: Received) -> None:
        heard[received.topic] = RegistryFacts.decode(received.payload)

    session = Session(
        BrokerAddress("127.0.0.1", settings.broker_servers_port),
        settings.home.credentials("srv-ingest-1"),
        SessionOptions(client_id="srv-ingest-1"),
    )
    session.subscribe(topics.registry("+"), 1, take)
    session.start()
    try:
        yield heard
    finally:
        session.stop()
