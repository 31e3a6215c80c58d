"""Delivery, show 2: cut, half-open, slow and corrupting networks before cameras and ingest lose and double nothing."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.chance import chance_for, run_seed
from tests.support.chaos_camera import Load
from tests.support.chaos_site import ChaosSite, Grounds, chaos_site
from tests.support.chaos_truth import Verdict
from tests.support.netproxy import Fault, NetProxy, network
from tests.support.ports import free_port
from tests.support.scale import count, is_full

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

SILENT, LOUD = (Fault.CUT, Fault.HALF_OPEN), (Fault.SLOW, Fault.CORRUPT)
FAULTS = SILENT + LOUD
# Every day both sides suffer at once; acceptance lets each suffer alone too.
SIDES = ("cameras", "servers", "both") if is_full() else ("both",)
BITE_S = 30.0
BACK_S = 120.0
SETTLE_S = 240.0


@dataclass
class Networks:
    """What lies between cameras and broker, and between ingest and broker."""

    cameras: NetProxy
    servers: NetProxy

    def rounds(self, side: str, chance: random.Random) -> list[dict[str, Fault]]:
        """Each fault once on each side that suffers.

        When both do, a silent one meets a silent one: corruption without traffic would corrupt nothing.
        """
        names = [name for name in ("cameras", "servers") if side in (name, "both")]
        orders = [chance.sample(SILENT, 2) + chance.sample(LOUD, 2) for _ in names]
        rounds = [dict(zip(names, faults, strict=True)) for faults in zip(*orders, strict=True)]
        return chance.sample(rounds, len(rounds))

    def of(self, name: str) -> NetProxy:
        return {"cameras": self.cameras, "servers": self.servers}[name]


@pytest.fixture
def grounds(tmp_path: Path) -> Grounds:
    return Grounds(
        tmp_path / "servers",
        tmp_path / "cameras",
        tmp_path / "notes",
        cameras_proxy_port=free_port(),
        servers_proxy_port=free_port(),
    )


@pytest.fixture
def networks(grounds: Grounds) -> Iterator[Networks]:
    chance = chance_for("which bits the network flips")
    # A keepalive and a half is too long for every day: there the network tells who speaks on a line that it forgot, and
    # spares handshakes, whose ends may wait for each other when a length was corrupted.
    quick = {"resets_forgotten": True, "corrupt_share": 0.2, "corrupts_after_bytes": 6_000}
    habits = {} if is_full() else quick
    assert grounds.cameras_proxy_port
    assert grounds.servers_proxy_port
    with (
        network(grounds.broker_port, chance, port=grounds.cameras_proxy_port, **habits) as cameras,
        network(grounds.servers_port, chance, port=grounds.servers_proxy_port, **habits) as servers,
    ):
        yield Networks(cameras, servers)


def suffer(site: ChaosSite, networks: Networks, faults: dict[str, Fault], length_s: float) -> None:
    """Have these faults for so long, then wait until what is decided afterwards is confirmed."""
    began_s = time.monotonic()

    def have_bitten() -> bool:
        bitten = all(networks.of(name).done[fault] for name, fault in faults.items())
        return bitten and time.monotonic() - began_s >= length_s

    with ExitStack() as mended:
        for name, fault in faults.items():
            mended.enter_context(networks.of(name).suffering(fault))
        site.wait_until(have_bitten, length_s + BITE_S, f"{faults} have lasted and bitten")
    mended_s = time.monotonic()
    site.wait_for_service(BACK_S)
    print(f"{faults}: {mended_s - began_s:.0f} s; service after {time.monotonic() - mended_s:.1f} s")


def length_of(faults: dict[str, Fault]) -> float:
    """Silence is noticed after a keepalive and a half; the rest only has to bite."""
    if Fault.HALF_OPEN in faults.values():
        return count(40, 2, "seconds half-open")
    return count(20, 2, f"seconds of {', '.join(faults.values())}")


@pytest.mark.parametrize("side", SIDES)
def test_a_bad_network_loses_nothing_and_stores_nothing_twice(
    grounds: Grounds, networks: Networks, side: str, record_property: Callable[[str, object], None]
) -> None:
    chance = chance_for(f"network faults, {side}")
    load = Load(4, 10.0, f"{run_seed()} network {side}", is_impatient=not is_full())
    with chaos_site(grounds, load) as site:
        rounds = networks.rounds(side, chance)
        for faults in rounds:
            suffer(site, networks, faults, length_of(faults))
        verdict = site.settle(SETTLE_S)
        for name in rounds[0]:
            done = networks.of(name).done
            record_property(f"{side}_faults_before_{name}", {fault.value: done[fault] for fault in FAULTS})
        record_property(f"{side}_events", site.decided())
        print(site.decided(), "events", site.rows(), "messages")
        # What was flipped on the way must have died in TLS: nothing altered, nothing unreadable.
        assert verdict == Verdict(), str(verdict)
