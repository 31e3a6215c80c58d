"""What the supervisor knows of a program before it runs: its command, its needs, how to ask after it."""

from dataclasses import dataclass

from deploy.supervisor.probes import Probe


@dataclass(frozen=True)
class Address:
    """Where a program listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Program:
    """One process to keep alive; it is started when every program in `needs` is healthy.

    Stopping goes by `stage`, the highest first; the programs of one stage stop together.
    """

    name: str
    argv: tuple[str, ...]
    probe: Probe
    needs: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    stage: int = 0
