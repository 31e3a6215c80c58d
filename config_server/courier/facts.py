"""Carry the registry's facts to the broker, retained, until every device's newest ones are there."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from config_server.records import DeviceRecord, Site
from config_server.store.registry import Store
from fleet import topics
from fleet.logs import get_logger
from fleet.messages import RegistryFacts

log = get_logger(__name__)

MOST_IN_FLIGHT = 200


class Publisher(Protocol):
    """The part of an MQTT session that this module uses."""

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, acknowledged: Callable[[bool], None]
    ) -> bool: ...


def facts_of(device: DeviceRecord, site: Site | None, now: datetime) -> RegistryFacts:
    """What the fleet may know of a device."""
    return RegistryFacts(
        ts=now,
        name=device.name,
        site_id=device.site_id,
        site_name=site.name if site else None,
        time_zone=site.time_zone if site else "UTC",
        group=device.group,
        state=device.state,
        denied=device.denied,
        streams=dict(device.streams),
    )


@dataclass
class FactsCourier:
    """Publishes what is new, and marks it as published only when the broker has taken it.

    A crash in between costs a second publication of the same retained message, which changes nothing.
    """

    store: Store
    session: Publisher
    _in_flight: dict[str, int] = field(default_factory=dict)
    _taken: list[tuple[str, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _start_over: threading.Event = field(default_factory=threading.Event)

    def reconnected(self) -> None:
        """Publish everything again: the broker may have lost what it kept. Called on the session's thread."""
        self._start_over.set()

    def round(self, now: datetime) -> int:
        """Record what the broker took, publish what is new; the number of devices that were sent."""
        if self._start_over.is_set():
            self._start_over.clear()
            self._forget()
        self._record_taken()
        with self.store.reading() as tx:
            stale = tx.devices.unpublished(MOST_IN_FLIGHT)
            sites = {site.site_id: site for site in tx.sites.all()}
        return sum(self._send(device, sites.get(device.site_id or ""), now) for device in stale)

    def _send(self, device: DeviceRecord, site: Site | None, now: datetime) -> bool:
        with self._lock:
            if self._in_flight.get(device.device_id, 0) >= device.facts_seq:
                return False
            self._in_flight[device.device_id] = device.facts_seq
        sent = self.session.publish(
            topics.registry(device.device_id),
            facts_of(device, site, now).encode(),
            qos=1,
            retain=True,
            acknowledged=lambda taken: self._answered(device.device_id, device.facts_seq, taken),
        )
        if not sent:
            self._answered(device.device_id, device.facts_seq, False)
        return sent

    def _answered(self, device_id: str, facts_seq: int, taken: bool) -> None:
        with self._lock:
            if self._in_flight.get(device_id) == facts_seq:
                del self._in_flight[device_id]
            if taken:
                self._taken.append((device_id, facts_seq))

    def _record_taken(self) -> None:
        with self._lock:
            taken, self._taken = self._taken, []
        if not taken:
            return
        with self.store.writing() as tx:
            for device_id, facts_seq in taken:
                tx.devices.mark_published(device_id, facts_seq)
        log.debug("registry facts published", devices=len(taken))

    def _forget(self) -> None:
        with self._lock:
            self._taken.clear()
        with self.store.writing() as tx:
            tx.devices.forget_published()
