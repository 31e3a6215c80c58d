"""Read and write the registry of devices."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from config_server.records import DeviceFilter, DeviceRecord
from config_server.store.conflict import insert_new
from config_server.store.prepared import Prepared
from config_server.store.tables import devices

_GET = Prepared(select(devices).where(devices.c.device_id == bindparam("wanted")))
_COUNT = Prepared(select(func.count().label("number")).select_from(devices))
_SET_STATE = Prepared(
    update(devices)
    .where(devices.c.device_id == bindparam("wanted"))
    .values(state=bindparam("to"), facts_seq=devices.c.facts_seq + 1)
)


class Devices:
    """The devices table within one transaction. Rows are never deleted, so an id is never given twice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, device: DeviceRecord) -> None:
        """Insert a device; AlreadyThere when its id or its name is taken."""
        statement = insert(devices).values(
            device_id=device.device_id,
            name=device.name,
            name_key=name_key(device.name),
            site_id=device.site_id,
            group_name=device.group,
            state=device.state,
            created_at=device.created_at,
            streams=dict(device.streams),
            facts_seq=device.facts_seq,
            published_seq=0,
        )
        insert_new(self._connection, statement)

    def get(self, device_id: str) -> DeviceRecord | None:
        """The device, or None."""
        row = _GET.first(self._connection, {"wanted": device_id})
        return None if row is None else _record(row)

    def hold(self, device_id: str) -> None:
        """Let nobody else change this device until the transaction ends (SQLite has one writer anyway)."""
        self._connection.execute(select(devices.c.device_id).where(devices.c.device_id == device_id).with_for_update())

    def named(self, name: str) -> DeviceRecord | None:
        """The living device of this name, whatever its case or Unicode form."""
        row = self._connection.execute(select(devices).where(devices.c.name_key == name_key(name))).first()
        return None if row is None else _record(row)

    def find(self, wanted: DeviceFilter) -> Sequence[DeviceRecord]:
        """Devices by id, at most `wanted.limit`, those after `wanted.after_device_id` only."""
        statement = _narrowed(select(devices), wanted).order_by(devices.c.device_id).limit(wanted.limit)
        return [_record(row) for row in self._connection.execute(statement)]

    def count(self) -> int:
        """How many devices there are."""
        counted = _COUNT.first(self._connection, {})
        return 0 if counted is None else int(counted.number)

    def set_state(self, device_id: str, state: str) -> None:
        """Change the state and mark the facts as changed."""
        _SET_STATE.change(self._connection, {"wanted": device_id, "to": state})

    def deny(self, device_id: str, now: datetime) -> None:
        """Remember that the device was cut off: the brokers refuse it everything from now on."""
        self._change(devices.c.device_id == device_id, denied=True, revoked_at=now)

    def lift_denial(self, device_id: str) -> None:
        """Let the device in again, with a new certificate; when it was revoked last stays on record."""
        self._change(devices.c.device_id == device_id, denied=False)

    def retire(self, device_id: str, now: datetime) -> None:
        """Free the name of a decommissioned device; its id stays taken for ever."""
        self._change(devices.c.device_id == device_id, name_key=None, decommissioned_at=now)

    def denied(self) -> Sequence[str]:
        """The ids of every device that the brokers must refuse."""
        refused = select(devices.c.device_id).where(devices.c.denied.is_(True)).order_by(devices.c.device_id)
        return list(self._connection.execute(refused).scalars())

    def touch_site(self, site_id: str) -> None:
        """Mark the facts of every device of a site as changed."""
        self._change(devices.c.site_id == site_id)

    def unpublished(self, limit: int) -> Sequence[DeviceRecord]:
        """Devices whose facts the fleet has not heard in their newest form."""
        stale = devices.c.facts_seq > devices.c.published_seq
        statement = select(devices).where(stale).order_by(devices.c.device_id).limit(limit)
        return [_record(row) for row in self._connection.execute(statement)]

    def mark_published(self, device_id: str, facts_seq: int) -> None:
        """Remember that the facts numbered `facts_seq` are with the broker."""
        older = devices.c.published_seq < facts_seq
        statement = update(devices).where(devices.c.device_id == device_id, older)
        self._connection.execute(statement.values(published_seq=facts_seq))

    def forget_published(self) -> None:
        """Mark every device's facts as unheard: the broker may have lost what it kept."""
        self._connection.execute(update(devices).values(published_seq=0))

    def _change(self, which: Any, **values: Any) -> None:
        bumped = {"facts_seq": devices.c.facts_seq + 1}
        self._connection.execute(update(devices).where(which).values(**values, **bumped))


def name_key(name: str) -> str:
    """Fold a name for comparing: compatibility forms, case and outer spaces do not make a new name."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _narrowed(statement: Select[Any], wanted: DeviceFilter) -> Select[Any]:
    if wanted.state is not None:
        statement = statement.where(devices.c.state == wanted.state)
    if wanted.site_id is not None:
        statement = statement.where(devices.c.site_id == wanted.site_id)
    if wanted.sites is not None:
        statement = statement.where(devices.c.site_id.in_(wanted.sites))
    if wanted.denied is not None:
        statement = statement.where(devices.c.denied.is_(wanted.denied))
    if wanted.text is not None:
        part = name_key(wanted.text)
        statement = statement.where(
            devices.c.device_id.contains(part, autoescape=True) | devices.c.name_key.contains(part, autoescape=True)
        )
    if wanted.after_device_id is not None:
        statement = statement.where(devices.c.device_id > wanted.after_device_id)
    return statement


def _record(row: Any) -> DeviceRecord:
    return DeviceRecord(
        device_id=row.device_id,
        name=row.name,
        site_id=row.site_id,
        group=row.group_name,
        state=row.state,
        created_at=row.created_at,
        streams=row.streams,
        facts_seq=row.facts_seq,
        denied=row.denied,
        revoked_at=row.revoked_at,
        decommissioned_at=row.decommissioned_at,
    )
