"""See whether a port is free, and if not, who holds it."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from deploy.supervisor.program import Address


@dataclass(frozen=True)
class Busy:
    """An address that cannot be had, and what is known of its holder."""

    address: Address
    pid: int | None
    program: str | None

    def __str__(self) -> str:
        if self.pid is None:
            return f"{self.address} is held by a program of another user"
        return f"{self.address} is held by {self.program} (pid {self.pid})"


def busy_ports(addresses: Iterable[Address], ours: Iterable[int] = ()) -> list[Busy]:
    """Return the addresses that somebody outside the process groups `ours` holds."""
    taken = [address for address in addresses if not is_free(address)]
    if not taken:
        return []
    own_pids = set(ours)
    found = [_holder(address) for address in taken]
    return [busy for busy in found if busy.pid is None or not own_pids & _lineage(busy.pid)]


def is_free(address: Address) -> bool:
    """Whether a listener could be opened there now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address.host, address.port))
        except OSError as refusal:
            return refusal.errno != errno.EADDRINUSE
        return True


def _holder(address: Address) -> Busy:
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN
        if listens and connection.pid and connection.laddr and connection.laddr.port == address.port:
            return Busy(address, connection.pid, _name(connection.pid))
    return Busy(address, None, None)


def _name(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return " ".join(process.cmdline()[:3]) or process.name()
    except psutil.Error:
        return "a program that has just ended"


def _lineage(pid: int) -> set[int]:
    try:
        process = psutil.Process(pid)
        return {pid, *(parent.pid for parent in process.parents())}
    except psutil.Error:
        return {pid}
