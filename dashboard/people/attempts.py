"""Slow down who guesses passwords: refused logins are counted where they are recorded, so for all workers together."""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta

MOST_REFUSED = 10
WINDOW = timedelta(minutes=1)


class TooManyAttempts(Exception):
    """So many logins from this address were refused that the next ones must wait."""


def has_tried_enough(address: str | None, refused: Mapping[str | None, int]) -> bool:
    """Say whether an address has had its share; `refused` counts the window's refused logins by address."""
    mine = network_of(address)
    return sum(count for other, count in refused.items() if network_of(other) == mine) >= MOST_REFUSED


def network_of(address: str | None) -> str:
    """Return what one sender can be expected to have: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
