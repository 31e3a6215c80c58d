"""Where a webhook may lead: a URL of somebody else must not make this host speak to its own network."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


class NotThere(Exception):
    """The name leads nowhere now; it may later."""


class NotAllowed(Exception):
    """The name leads where the forwarder must not go; the text says what to set if that is meant."""


@dataclass(frozen=True)
class AddressRule:
    """Public addresses are allowed; private ones and loopback where a person said so; plain HTTP on loopback only."""

    allow_private: bool = False

    def check(self, address: Address, *, is_plain: bool) -> None:
        """Raise NotAllowed unless requests may go to this address."""
        inner = _inner(address)
        if is_plain and not inner.is_loopback:
            raise NotAllowed(f"plain http to {address}, which is not this host: use https")
        if _is_public(inner):
            return
        if not _is_near(inner):
            raise NotAllowed(f"leads to {address}, where no receiver can be")
        if not self.allow_private:
            raise NotAllowed(f"leads to {address}, which is not public: set CAMFLEET_WEBHOOK_ALLOW_PRIVATE=1 if meant")


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a host; raises NotThere."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotThere(f"the name {host} cannot be resolved") from error
    # An IPv6 address may carry a zone, which makes it link-local and no place for us.
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_near(address: Address) -> bool:
    is_odd = address.is_link_local or address.is_unspecified or address.is_reserved
    return address.is_loopback or (address.is_private and not is_odd)


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo[1] if address.teredo else None
    translated = IPv4Address(address.packed[-4:]) if address.packed[:12] == _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or teredo or translated or address


_NAT64 = IPv6Address("64:ff9b::").packed[:12]
