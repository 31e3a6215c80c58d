"""Show 3: broker restarted mid-renewal, answers lost, clocks off: the camera ends with a working certificate."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from camera_agent.home import AgentHome
from camera_agent.renewal import renewer as renewing
from config_server.renewal import GRACE
from fleet.messages import CertificateAnswer
from tests.integration.renewal.camera import Camera, start_camera
from tests.integration.renewal.rig import OLD_ENOUGH, Site, device_of, is_whole, running_site, serial_of
from tests.support.waiting import wait_until

SOON_S = 60.0
LIFE = timedelta(days=90)
EXPIRED = LIFE + timedelta(days=20)
BEYOND_GRACE = LIFE + GRACE + timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site") / "home") as site:
        yield site


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    yield shared_site
    shared_site.ahead = timedelta()
    shared_site.line.before = lambda _answer: None


def renewed(site: Site, camera: Camera, old_serial: str) -> bool:
    """Whether the camera is connected with a new certificate that the registry counts, from its home."""
    counted = site.counted(camera.home)
    here = serial_of(camera.home)
    return camera.is_settled() and here != old_serial and counted is not None and counted.serial == here


def settle(site: Site, home: AgentHome, ahead: timedelta = timedelta()) -> Camera:
    """Run a camera, whose clock is `ahead`, until it is renewed."""
    old_serial, camera = serial_of(home), start_camera(home, ahead)
    try:
        camera.steps_until(lambda: renewed(site, camera, old_serial), SOON_S, f"renewal; {camera.report}")
    finally:
        camera.stop()
    assert is_whole(home)
    return camera


def test_nothing_is_asked_before_it_is_due(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera", timedelta(days=50))
    camera = start_camera(home)
    camera.steps_until(camera.is_settled, SOON_S, "connected")
    camera.renewer.step()
    camera.stop()
    assert site.issued(home) == 1
    assert camera.report["renewal"] == "not due"


def test_one_that_is_due_while_the_broker_is_away_says_so(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera")
    site.broker.kill()
    camera = start_camera(home)
    try:
        camera.renewer.step()
        assert camera.report["renewal"] == "due"
        assert not camera.is_settled()
    finally:
        site.broker.start()
    camera.steps_until(camera.is_settled, SOON_S, "renewed")
    camera.stop()
    assert site.issued(home) == 2


@pytest.mark.parametrize("kind", ["nonce", "issued", "active"])
def test_a_broker_that_dies_mid_renewal_costs_a_repeat(site: Site, tmp_path: Path, kind: str) -> None:
    killed: list[str] = []

    def kill_once(answer: CertificateAnswer) -> None:
        if answer.kind == kind and not killed:
            killed.append(kind)
            site.broker.kill()
            site.broker.start()

    site.line.before = kill_once
    home = site.camera(tmp_path / "camera")
    settle(site, home)
    assert killed == [kind]
    assert site.issued(home) == 2, "the repeat with the same key got the same certificate"


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "behind"])
@pytest.mark.parametrize("whose", ["server", "camera"])
def test_an_hour_of_clock_error_stops_no_renewal(site: Site, tmp_path: Path, whose: str, ahead: timedelta) -> None:
    home = site.camera(tmp_path / "camera")
    if whose == "server":
        site.ahead = ahead
    settle(site, home, ahead=ahead if whose == "camera" else timedelta())


def test_without_active_it_goes_back_to_the_old_certificate_and_tries_again_later(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "ACTIVE_WITHIN_S", 2.0)
    home = site.camera(tmp_path / "camera")
    old_serial, camera = serial_of(home), start_camera(home)
    publish = site.line.session.publish
    # The confirmation is counted, but its answer never arrives.

    def lose_active(topic: str, payload: bytes, *, qos: int) -> bool:
        return b"active" in payload or publish(topic, payload, qos=qos)

    monkeypatch.setattr(site.line.session, "publish", lose_active)
    camera.steps_until(lambda: camera.report["renewal"] == "going back", SOON_S, "it goes back")
    wait_until(lambda: camera.session.is_connected, SOON_S, "the old certificate connects")
    assert camera.session.credentials == home.credentials
    assert serial_of(home) == old_serial
    monkeypatch.setattr(site.line.session, "publish", publish)
    camera.steps_until(lambda: renewed(site, camera, old_serial), SOON_S, "the second trial")
    camera.stop()
    assert site.issued(home) == 2


def test_a_new_certificate_that_the_broker_does_not_take_costs_nothing(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera")
    old_serial, camera = serial_of(home), start_camera(home)
    camera.steps_until(lambda: camera.report["renewal"] == "received", SOON_S, "the new certificate")
    good = home.renewal.ca.read_bytes()
    # As if the broker had a certificate that the new pair's root does not know.
    home.renewal.ca.write_bytes((site.settings.home.authorities / "servers-root.pem").read_bytes())
    camera.renewer.step()
    assert camera.report["renewal"] == "going back"
    wait_until(lambda: camera.session.is_connected, SOON_S, "the old certificate connects")
    assert serial_of(home) == old_serial
    home.renewal.ca.write_bytes(good)
    camera.steps_until(lambda: renewed(site, camera, old_serial), SOON_S, "the next trial")
    camera.stop()


def test_a_camera_that_was_away_past_its_expiry_comes_back_over_https(site: Site, tmp_path: Path) -> None:
    with site.https() as address:
        home = site.camera(tmp_path / "camera", EXPIRED, address)
        settle(site, home)
    with site.parts.store.reading() as tx:
        actions = [entry.action for entry in tx.audit.of_device(device_of(home))]
    assert actions == ["certificate.renewed", "certificate.active"]


def test_one_that_died_between_both_ways_comes_back_too(site: Site, tmp_path: Path) -> None:
    """The next certificate waits on disk while the old one ends: it takes its place without a trial."""
    home = site.camera(tmp_path / "camera", LIFE - HOUR)
    camera = start_camera(home)
    camera.steps_until(lambda: camera.report["renewal"] == "received", SOON_S, "the new certificate")
    camera.stop()
    settle(site, home, ahead=HOUR * 2)


def test_a_broken_pair_beside_the_good_one_is_asked_for_again(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera")
    camera = start_camera(home)
    camera.steps_until(lambda: camera.report["renewal"] == "received", SOON_S, "the new certificate")
    camera.stop()
    home.renewal.certificate.write_bytes(b"garbage")
    settle(site, home)


@pytest.mark.parametrize("why", ["beyond grace", "denied"])
def test_a_refused_camera_says_what_to_do_and_keeps_its_identity(site: Site, tmp_path: Path, why: str) -> None:
    with site.https() as address:
        home = site.camera(tmp_path / "camera", BEYOND_GRACE if why == "beyond grace" else EXPIRED, address)
        if why == "denied":
            with site.parts.store.writing() as tx:
                tx.devices.deny(device_of(home), site.now())
        before = serial_of(home)
        camera = start_camera(home)
        camera.steps_until(lambda: camera.report["renewal"] == "refused", SOON_S, "the refusal")
        camera.stop()
    detail = json.dumps(camera.report)
    assert "re-enrol" in detail
    assert "camfleet-agent enroll" in detail
    assert (serial_of(home), is_whole(home), site.issued(home)) == (before, True, 1)


def test_a_refusal_over_mqtt_is_said_too(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera", OLD_ENOUGH)
    with site.parts.store.writing() as tx:
        tx.devices.deny(device_of(home), site.now())
    camera = start_camera(home)
    camera.steps_until(lambda: camera.report["renewal"] == "refused", SOON_S, "the refusal")
    camera.stop()
    assert site.issued(home) == 1


def test_without_anybody_to_ask_it_says_so_and_waits(site: Site, tmp_path: Path) -> None:
    home = site.camera(tmp_path / "camera", EXPIRED)
    camera = start_camera(home)
    camera.steps_until(lambda: camera.report["renewal"] == "waiting for an answer", SOON_S, "nobody answers")
    camera.stop()
    assert "server" in (camera.report["renewal_detail"] or "")
