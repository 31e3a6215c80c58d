"""Register devices and sites: ids never given twice, names unique among the living, zones that exist."""

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from config_server.actor import Actor
from config_server.lifecycle import DeviceState
from config_server.records import AuditEntry, CertificateRecord, DeviceFilter, DeviceRecord, Site
from config_server.store.conflict import AlreadyThere
from config_server.store.registry import Transaction
from fleet.identifiers import device_id_from_name, is_device_id

MAX_NAME_LENGTH = 80
_ID_ATTEMPTS = 5


class Conflict(Exception):
    """The id or name is taken; the text says which."""


class Unknown(Exception):
    """There is no such device or site (or it is none of the actor's business)."""


class Invalid(Exception):
    """A value cannot be what it should be; the text says what would be."""


@dataclass(frozen=True)
class NewDevice:
    """What a person says about a camera that does not exist yet."""

    name: str
    device_id: str | None = None
    site_id: str | None = None


@dataclass(frozen=True)
class DeviceView:
    """A device with the certificate that it should be using."""

    device: DeviceRecord
    certificate: CertificateRecord | None


@dataclass(frozen=True)
class Change:
    """Who changes something, from where, and when."""

    actor: Actor
    source: str | None
    now: datetime

    def entry(self, action: str, device_id: str | None = None, **detail: object) -> AuditEntry:
        """The audit entry of this change."""
        return AuditEntry(self.now, self.actor.name, action, device_id, detail, self.source)


def register_device(tx: Transaction, new: NewDevice, change: Change) -> DeviceRecord:
    """Add a pending device; Conflict, Unknown or Invalid when it cannot be added."""
    name = checked_name(new.name)
    _check_site(tx, new.site_id, change.actor)
    other = tx.devices.named(name)
    if other is not None:
        raise Conflict(f"another camera is called {name!r}{_hint(other, change.actor)}: choose another name")
    device = _add_with_free_id(tx, new, name, change.now)
    tx.audit.add(change.entry("device.registered", device.device_id, name=name, site_id=new.site_id))
    return device


def find_devices(tx: Transaction, wanted: DeviceFilter) -> Sequence[DeviceView]:
    """Devices with their certificates, ordered by id."""
    found = tx.devices.find(wanted)
    certificates = tx.certificates.newest_of(device.device_id for device in found)
    return [DeviceView(device, certificates.get(device.device_id)) for device in found]


def get_device(tx: Transaction, device_id: str, actor: Actor) -> DeviceView:
    """One device, or Unknown: also when it stands on a site that the actor may not see."""
    device = tx.devices.get(device_id)
    if device is None or not actor.may_see(device.site_id):
        raise Unknown(f"no camera has the id {device_id!r}")
    return DeviceView(device, tx.certificates.newest_of([device_id]).get(device_id))


def add_site(tx: Transaction, site: Site, change: Change) -> Site:
    """Add a site; Invalid when its zone is not in the IANA database, Conflict when its id is taken."""
    if not change.actor.may_see(site.site_id):
        raise Unknown(f"no site has the id {site.site_id!r}")
    if site.time_zone not in zoneinfo.available_timezones():
        raise Invalid(f"{site.time_zone!r} is not an IANA time zone; write it like Europe/Bucharest")
    try:
        tx.sites.add(site)
    except AlreadyThere:
        raise Conflict(f"another site has the id {site.site_id!r}") from None
    tx.audit.add(change.entry("site.added", site_id=site.site_id, time_zone=site.time_zone))
    return site


def checked_name(name: str) -> str:
    """A name for people without needless spaces; Invalid when it cannot be shown."""
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > MAX_NAME_LENGTH or not cleaned.isprintable():
        raise Invalid(f"a name has 1 to {MAX_NAME_LENGTH} printable characters")
    return cleaned


def _hint(device: DeviceRecord, actor: Actor) -> str:
    return f" ({device.device_id}, {device.state})" if actor.may_see(device.site_id) else ""


def _check_site(tx: Transaction, site_id: str | None, actor: Actor) -> None:
    known = site_id is None or tx.sites.get(site_id) is not None
    if not (known and actor.may_see(site_id)):
        raise Unknown(f"no site has the id {site_id!r}")


def _add_with_free_id(tx: Transaction, new: NewDevice, name: str, now: datetime) -> DeviceRecord:
    if new.device_id is not None and not is_device_id(new.device_id):
        raise Invalid("a device id is 'cam-' and 5 to 60 characters of a-z, 0-9 and '-'")
    for _ in range(_ID_ATTEMPTS):
        device_id = new.device_id or device_id_from_name(name)
        device = DeviceRecord(device_id, name, new.site_id, None, DeviceState.PENDING, now)
        try:
            tx.devices.add(device)
        except AlreadyThere:
            if new.device_id is not None or tx.devices.named(name):
                raise Conflict(f"the id {device_id!r} or the name {name!r} is taken") from None
            continue
        return device
    raise Conflict("no free device id was found: give one with --device-id")
