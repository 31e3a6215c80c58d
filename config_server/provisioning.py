"""What a camera is handed at provisioning: its connection facts, the command to run, or a whole bundle of files."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from config_server.lifecycle import MOVES, DeviceState, Move, next_state
from config_server.records import CertificateRecord, DeviceRecord
from config_server.registry import Change, Invalid
from config_server.settings import ConfigSettings
from config_server.signing import BUNDLE, Signer
from config_server.store.registry import Transaction
from fleet.pki import EnrolmentToken, new_key, public_key_of

# This many cameras may reconnect each second when the broker comes back.
RECONNECTS_PER_SECOND = 500
FRESH = timedelta(seconds=10)


@dataclass(frozen=True)
class Connection:
    """How a camera reaches its servers."""

    broker_host: str
    broker_port: int
    public_url: str
    reconnect_spread_s: float


@dataclass
class FleetSize:
    """How many devices there are, at most `FRESH` old: counting reads an index from end to end."""

    _number: int = 0
    _counted_at: datetime | None = None

    def at(self, tx: Transaction, now: datetime) -> int:
        """The number of devices, for what need not be exact."""
        if self._counted_at is None or not timedelta(0) <= now - self._counted_at < FRESH:
            self._number, self._counted_at = tx.devices.count(), now
        return self._number


def connection_of(settings: ConfigSettings, devices: int) -> Connection:
    """The same for every camera of this host; the spread grows with the number of devices."""
    spread = settings.reconnect_spread_s or devices / RECONNECTS_PER_SECOND
    return Connection(settings.public_host, settings.broker_port, settings.url, round(spread, 3))


def enrol_command(settings: ConfigSettings, token: EnrolmentToken) -> str:
    """The one command to run on the camera."""
    return f"camfleet-agent enroll --server {settings.url} --token {token}"


def make_bundle(
    tx: Transaction, signer: Signer, device: DeviceRecord, change: Change
) -> tuple[bytes, CertificateRecord]:
    """A key made in memory and its certificate: the key is returned and kept nowhere."""
    if (DeviceState(device.state), Move.ENROL) not in MOVES:
        raise Invalid(f"{device.device_id} is {device.state}: it gets no certificate")
    if device.denied:
        raise Invalid(f"{device.device_id} was revoked: let it come back with re-enrol")
    key = new_key()
    tx.devices.set_state(device.device_id, next_state(DeviceState(device.state), Move.ENROL))
    tx.enrolments.withdraw(device.device_id, change.now)
    record = signer.sign_device(tx, device.device_id, public_key_of(key), change.now, BUNDLE)
    tx.audit.add(change.entry("device.bundled", device.device_id, serial=record.serial))
    return key, record


def agent_toml(device_id: str, connection: Connection) -> str:
    """The agent's settings file; JSON strings are TOML strings."""
    lines = {
        "device_id": device_id,
        "broker_host": connection.broker_host,
        "broker_port": connection.broker_port,
        "server": connection.public_url,
        "reconnect_spread_s": connection.reconnect_spread_s,
    }
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
