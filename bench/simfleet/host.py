"""What the programs of a host take while a fleet is on: processor and memory, by their listening ports."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from fleet.settings import ServerSettings

SIMULATOR = "simulator"


@dataclass(frozen=True)
class Load:
    """`cores` is processor time over time; `rss_mib` the most memory seen."""

    cores: float
    rss_mib: float


@dataclass
class Watched:
    """One process from the first look on; of one that ends, what was last seen."""

    process: psutil.Process
    began_cpu_s: float = 0.0
    cpu_s: float = 0.0
    rss_bytes: int = 0

    def begin(self) -> None:
        """Count from now on."""
        self.look()
        self.began_cpu_s = self.cpu_s

    def look(self) -> None:
        """Remember the processor time, and the memory if it has grown."""
        with contextlib.suppress(psutil.NoSuchProcess):
            times = self.process.cpu_times()
            self.cpu_s = float(times.user + times.system)
            self.rss_bytes = max(self.rss_bytes, self.process.memory_info().rss)


@dataclass
class Host:
    """The broker, the ingest processes and this one; those of another machine are not seen."""

    watched: dict[str, Watched]
    _began_s: float = 0.0
    _loads: dict[str, Load] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: ServerSettings) -> "Host":
        """Find who listens on the site's ports of this machine."""
        ports = {settings.broker_port: "broker"}
        ports |= {port: name.removeprefix("srv-") for name, port in settings.ingest_ports.items()}
        found = {name: Watched(psutil.Process(pid)) for name, pid in _listeners(ports).items()}
        return cls({**found, SIMULATOR: Watched(psutil.Process(os.getpid()))})

    def begin(self, now_s: float) -> None:
        """Count from now on."""
        self._began_s = now_s
        for one in self.watched.values():
            one.begin()

    def look(self) -> None:
        """Look at the memory."""
        for one in self.watched.values():
            one.look()

    def end(self, now_s: float) -> Mapping[str, Load]:
        """Return what each has taken since `begin`."""
        self.look()
        seconds = max(0.001, now_s - self._began_s)
        return {
            name: Load((one.cpu_s - one.began_cpu_s) / seconds, one.rss_bytes / 2**20)
            for name, one in self.watched.items()
        }


def _listeners(ports: Mapping[int, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in psutil.net_connections(kind="tcp"):
        if one.status == psutil.CONN_LISTEN and one.pid and one.laddr and one.laddr.port in ports:
            found[ports[one.laddr.port]] = one.pid
    return found
