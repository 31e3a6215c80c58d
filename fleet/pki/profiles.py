"""What each kind of leaf certificate says: identity, names, and exactly one use."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from fleet.identifiers import is_device_id, is_server_id

LEAF_LIFE = timedelta(days=90)
BACKDATED = timedelta(hours=1)
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Profile:
    """A leaf to be signed. `usage` is one EKU: Mosquitto takes a leaf with none, or with both, as a client."""

    common_name: str
    names: tuple[x509.GeneralName, ...]
    usage: ObjectIdentifier
    crl_url: str | None = None
    life: timedelta = LEAF_LIFE


def device_profile(device_id: str, crl_url: str) -> Profile:
    """Return a camera's profile; raises ValueError for a name that could walk through the broker's patterns."""
    if not is_device_id(device_id):
        raise ValueError(f"{device_id!r} is not a device id")
    name = x509.UniformResourceIdentifier(f"urn:camfleet:device:{device_id}")
    return Profile(device_id, (name,), CLIENT, crl_url)


def server_profile(server_id: str) -> Profile:
    """Return the profile of a server program's MQTT session."""
    if not is_server_id(server_id):
        raise ValueError(f"{server_id!r} is not a server id")
    name = x509.UniformResourceIdentifier(f"urn:camfleet:server:{server_id}")
    return Profile(server_id, (name,), CLIENT)


def host_profile(common_name: str, hosts: Iterable[str], crl_url: str | None = None) -> Profile:
    """Return the profile of the broker or nginx, for every host name and address that clients may use."""
    names = tuple(_host_name(host) for host in dict.fromkeys(hosts))
    return Profile(common_name, names, SERVER, crl_url)


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
