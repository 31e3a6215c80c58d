"""The whole simulated fleet: made from a plan, run on one loop, and what came of it."""

import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.simfleet.camera import Camera
from bench.simfleet.device import Device
from bench.simfleet.faults import afflict
from bench.simfleet.host import Host, Load
from bench.simfleet.loop import Loop
from bench.simfleet.story import Story
from bench.simfleet.tally import Tally

# Connections that are begun each second: a broker's core does some 700 handshakes.
CONNECTS_PER_S = 150
LOOK_S = 1.0
SETTLE_S = 5.0
CONNECT_PATIENCE_S = 30.0
SPARE_FILES = 256


class CannotHold(Exception):
    """This process may not open enough sockets; the text says what to do."""


@dataclass(frozen=True)
class Plan:
    """Every camera decides `rate` event messages a second; then so long is waited for the last receipts."""

    rate: float
    seconds: float
    drain_s: float = 60.0
    faults: Mapping[str, int] = field(default_factory=dict)
    seed: int = 1


@dataclass(frozen=True)
class Run:
    """What came of a run. `began_s` and `ended_s` bound the time in which cameras decided, on the loop's clock."""

    cameras: int
    began_s: float
    ended_s: float
    session: int
    worst_late_s: float
    tally: Tally
    loads: Mapping[str, Load]

    @property
    def seconds(self) -> float:
        """Return for how long cameras decided."""
        return self.ended_s - self.began_s

    @property
    def growth_ms(self) -> float:
        """Return by how much the median delay grew, without the first receipts, which wait for nothing."""
        return self.tally.growth_ms(self.began_s + min(SETTLE_S, self.seconds / 3))


@dataclass
class Fleet:
    """Cameras on one loop. `host` is looked at while they decide."""

    devices: Sequence[Device]
    plan: Plan
    host: Host
    tell: Callable[[str], None] = print
    loop: Loop = field(default_factory=Loop)
    tally: Tally = field(default_factory=Tally)
    session: int = field(default_factory=lambda: int(time.time()))
    cameras: list[Camera] = field(init=False)

    def __post_init__(self) -> None:
        allow_sockets(len(self.devices))
        self.cameras = [self._camera(number, device) for number, device in enumerate(self.devices)]
        afflict(self.cameras, self.plan.faults)

    @property
    def spread_s(self) -> float:
        """Return over how long the fleet's connections are spread."""
        return len(self.devices) / CONNECTS_PER_S

    def run(self) -> Run:
        """Connect, decide for the plan's time, wait for the last receipts, say goodbye."""
        self.connect()
        began_s = self.loop.now_s
        self.host.begin(time.monotonic())
        self._look()
        self.loop.run_for(self.plan.seconds)
        ended_s, loads = self.loop.now_s, self.host.end(time.monotonic())
        self.drain()
        self.stop()
        return Run(len(self.cameras), began_s, ended_s, self.session, self.loop.worst_late_s, self.tally, loads)

    def connect(self) -> None:
        """Start every camera and wait until all are connected, as far as their faults let them."""
        for camera in self.cameras:
            camera.start()
        self.tell(f"{len(self.cameras)} cameras connect over {self.spread_s:.0f} s")
        last_s = self.loop.now_s + self.spread_s + CONNECT_PATIENCE_S
        self.loop.run_until(lambda: self.tally.connections >= len(self.cameras) or self.loop.now_s >= last_s)
        self.loop.worst_late_s = 0.0

    def drain(self) -> None:
        """Decide nothing new and deliver what waits."""
        for camera in self.cameras:
            camera.stop_deciding()
        self.tell(f"{self.tally.decided} messages decided; waiting for {self.tally.waiting} receipts")
        last_s = self.loop.now_s + self.plan.drain_s
        self.loop.run_until(lambda: not self.tally.waiting or self.loop.now_s >= last_s)

    def stop(self) -> None:
        """Say goodbye."""
        for camera in self.cameras:
            camera.stop()
        self.loop.close()

    def _camera(self, number: int, device: Device) -> Camera:
        chance = random.Random(f"{self.plan.seed}/{number}")  # noqa: S311  (not a secret)
        return Camera(device, self.loop, self.tally, Story(chance), self.plan.rate, self.spread_s, self.session)

    def _look(self) -> None:
        self.host.look()
        self.loop.after(LOOK_S, self._look)


def allow_sockets(count: int) -> None:
    """Let this process and those that it starts from now on open so many sockets; raises CannotHold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + SPARE_FILES
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise CannotHold(f"{needed} open files are needed and {hard} allowed: raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
