"""Make the configured targets out of settings, each with its condition and its follower."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dashboard.forwarder.addresses import AddressRule
from dashboard.forwarder.condition import TargetCondition
from dashboard.forwarder.follower import Follower, Source
from dashboard.forwarder.kafka_options import kafka_options
from dashboard.forwarder.planning import Pauses
from dashboard.forwarder.settings import ForwarderSettings
from dashboard.forwarder.target import Target, Trouble
from dashboard.forwarder.webhook import WebhookTarget, new_client
from dashboard.forwarder.webhook_list import read_webhooks
from fleet.settings import ServerSettings, SettingsError, load


@dataclass(frozen=True)
class Wiring:
    """What every follower shares."""

    settings: ServerSettings
    source: Source
    stopping: threading.Event
    pauses: Pauses = field(default_factory=Pauses)

    def followers(self) -> list[Follower]:
        """Return one follower for each configured target; raises SettingsError."""
        own = load(ForwarderSettings)
        found = [*self._kafka(own), *self._webhooks(own)]
        if not found:
            raise SettingsError(
                ["CAMFLEET_KAFKA_SERVERS, CAMFLEET_WEBHOOK_URLS_FILE: neither is set, so there is nobody to forward to"]
            )
        return found

    def _webhooks(self, own: ForwarderSettings) -> Iterator[Follower]:
        file = self.settings.webhook_urls_file
        if file is None:
            return
        rule = AddressRule(allow_private=own.webhook_allow_private)
        for webhook in read_webhooks(file, allow_plain=own.webhook_allow_private):
            try:
                client = new_client(own.webhook_ca_file)
            except OSError as error:
                raise SettingsError([f"CAMFLEET_WEBHOOK_CA_FILE: {own.webhook_ca_file}: {error}"]) from error
            yield self._follower(WebhookTarget(webhook, client, rule, self.stopping))

    def _kafka(self, own: ForwarderSettings) -> Iterator[Follower]:
        servers = self.settings.kafka_servers
        if not servers:
            return
        options = kafka_options(servers, own.kafka_options_file)
        try:
            # Only who wants Kafka needs its library.
            from dashboard.forwarder.kafka import KafkaTarget, OptionsRefused
        except ModuleNotFoundError as error:
            raise SettingsError(
                ["CAMFLEET_KAFKA_SERVERS: confluent-kafka is not installed: pip install 'camfleet[kafka]'"]
            ) from error
        notice = _Notice()
        try:
            target = KafkaTarget(options, own.kafka_topic, notice, self.stopping)
        except OptionsRefused as error:
            raise SettingsError([f"CAMFLEET_KAFKA_SERVERS, CAMFLEET_KAFKA_OPTIONS_FILE: {error}"]) from error
        follower = self._follower(target)
        notice.condition = follower.condition
        yield follower

    def _follower(self, target: Target) -> Follower:
        condition = TargetCondition(target.name, target.address, since=now())
        return Follower(target, self.source, condition, self.stopping, now, self.pauses)


@dataclass
class _Notice:
    """Lets a target that waits within one delivery say so."""

    condition: TargetCondition | None = None

    def __call__(self, trouble: Trouble) -> None:
        if self.condition is not None:
            self.condition.troubled(trouble, now())


def now() -> datetime:
    """Return the server's time."""
    return datetime.now(UTC)
