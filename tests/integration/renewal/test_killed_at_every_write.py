"""Show 3: a camera killed at any step of its writing during a renewal ends with a working certificate."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from camera_agent.home import AgentHome
from tests.integration.renewal.rig import Site, is_whole, running_site, serial_of

ROOT = Path(__file__).parents[3]
NEVER = 10_000


@dataclass
class Cameras:
    """A process that lives as one camera after the other."""

    process: "subprocess.Popen[str]"

    def live(self, home: AgentHome, kill_at: int = NEVER, how: str = "kill") -> str:
        """Let one life pass; what ended it, and how much was not yet durable then."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{home.path} {kill_at} {how}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    command = [sys.executable, "-m", "tests.integration.renewal.faulty_camera"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]
        yield Cameras(process)
        assert process.stdin
        process.stdin.close()


def assert_works(site: Site, home: AgentHome, old_serial: str, what: str) -> None:
    assert is_whole(home), what
    assert serial_of(home) != old_serial, what
    counted = site.counted(home)
    assert counted, what
    assert counted.serial == serial_of(home), what
    left = sorted(path.name for path in home.path.rglob("*") if path.is_file())
    assert left == ["agent.toml", "ca.pem", "certificate.pem", "key.pem"], what
    # The same key and CSR again give the same certificate: a crash costs no second one.
    assert site.issued(home) <= 3, what


def assert_survives_a_power_cut(site: Site, cameras: Cameras, home: AgentHome, step: int) -> None:
    """The same death, with everything lost that was not durable."""
    old_serial = serial_of(home)
    killed = cameras.live(home, step, "cut")
    assert killed.startswith("killed "), killed
    what = f"power cut at step {step}: {killed}"
    assert cameras.live(home).startswith("done "), what
    assert_works(site, home, old_serial, what)


@pytest.mark.slow
def test_a_camera_killed_at_any_step_ends_with_a_working_certificate(
    site: Site, cameras: Cameras, tmp_path: Path
) -> None:
    whole = site.camera(tmp_path / "whole")
    said = cameras.live(whole)
    assert said.startswith("done "), said
    steps = int(said.split()[1])
    assert steps >= 25, "renewing writes a CA, two keys and two certificates, each with create, write, fsync and rename"
    kinds, installs, unsynced = set(), [0], 0
    for step in range(1, steps + 1):
        home = site.camera(tmp_path / f"camera-{step}")
        old_serial = serial_of(home)
        killed = cameras.live(home, step)
        assert killed.startswith("killed "), f"step {step}: {killed}"
        what = f"step {step} of {steps}: {killed}"
        assert cameras.live(home).startswith("done "), what
        assert_works(site, home, old_serial, what)
        kinds.add(killed.split()[2])
        installs += [step] if " .certificate.pem." in killed and "create" in killed else []
        unsynced += killed.split()[1] != "0"
        if killed.split()[1] != "0":
            assert_survives_a_power_cut(site, cameras, site.camera(tmp_path / f"dark-{step}"), step)
    assert kinds == {"create", "write", "fsync", "os.rename", "os.remove", "os.mkdir"}
    assert unsynced >= 6, "each rename waits for its folder's fsync once"
    # Between the two files of the pair in use; now the healing itself is killed at each of its steps.
    for step in range(1, steps):
        home = site.camera(tmp_path / f"healing-{step}")
        old_serial = serial_of(home)
        cameras.live(home, installs[-1])
        killed = cameras.live(home, step)
        if killed.startswith("done "):
            break
        what = f"after the kill at {installs[-1]}, step {step} of the healing: {killed}"
        assert cameras.live(home).startswith("done "), what
        assert_works(site, home, old_serial, what)
    else:
        pytest.fail("the healing has no end")
