"""Who gets in, where, and as whom: each kind of certificate in each place."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fleet.home import CredentialFiles
from fleet.pki import Authority, Profile, device_profile, host_profile, server_profile
from tests.contract.broker.rig import SOON_S, Broker, Wish, connected, is_admitted
from tests.support.authorities import CRL_URL, Authorities
from tests.support.waiting import wait_until

CAMERA = "cam-00001"
SERVER = "srv-ingest-1"


def of_kind(kind: str, authorities: Authorities, folder: Path) -> CredentialFiles | None:
    """Make the credentials of one kind of caller."""
    strangers = Authorities()
    device, server = device_profile(CAMERA, CRL_URL), server_profile(SERVER)
    host = host_profile("host-broker", ["localhost"])
    made: dict[str, tuple[Authority, Profile]] = {
        "camera": (authorities.issuing, device),
        "server": (authorities.servers_root, server),
        "host": (authorities.issuing, host),
        "camera of a stranger": (strangers.issuing, device),
        "server of a stranger": (strangers.servers_root, server),
        "camera's name by the servers' root": (authorities.servers_root, device),
        "server's name by the issuing CA": (authorities.issuing, server),
    }
    if kind == "none":
        return None
    authority, profile = made[kind]
    return authorities.write_credentials(folder / kind.replace(" ", "-"), authority, profile)


@pytest.mark.parametrize(
    ("kind", "place", "admitted"),
    [
        ("camera", "cameras", True),
        ("camera", "servers", False),
        ("server", "servers", True),
        ("server", "cameras", False),
        ("none", "cameras", False),
        ("none", "servers", False),
        ("host", "cameras", False),
        ("host", "servers", False),
        ("camera of a stranger", "cameras", False),
        ("server of a stranger", "servers", False),
        ("camera's name by the servers' root", "cameras", False),
        ("server's name by the issuing CA", "servers", False),
    ],
)
def test_each_certificate_is_worth_something_in_its_own_place_only(
    broker: Broker, tmp_path: Path, kind: str, place: str, admitted: bool
) -> None:
    address = broker.cameras if place == "cameras" else broker.servers
    files = of_kind(kind, broker.authorities, tmp_path)
    assert is_admitted(address, files, broker.credentials(CAMERA)) is admitted


def test_an_expired_certificate_is_refused(broker: Broker, tmp_path: Path) -> None:
    ended = replace(device_profile(CAMERA, CRL_URL), life=timedelta(minutes=-30))
    files = broker.authorities.write_credentials(tmp_path, broker.authorities.issuing, ended)
    assert not is_admitted(broker.cameras, files, files)


def test_a_camera_cannot_borrow_a_client_id(broker: Broker) -> None:
    borrowed = Wish(CAMERA, client_id="cam-00002")
    with connected(broker, "cam-00002") as victim, connected(broker, borrowed) as thief:
        assert thief.publish("fleet/v1/cam-00002/up/birth") == 0x87
        assert victim.publish("fleet/v1/cam-00002/up/birth") != 0x87
        assert not victim.closed


def test_one_certificate_is_one_session(broker: Broker) -> None:
    with connected(broker, CAMERA) as older, connected(broker, CAMERA) as newer:
        wait_until(lambda: older.closed, SOON_S, "the older connection is closed")
        assert newer.publish(f"fleet/v1/{CAMERA}/up/birth") != 0x87


def test_the_kicker_ends_a_cameras_session_by_taking_it_over(broker: Broker) -> None:
    if not broker.kicks_by_takeover:
        pytest.skip("this broker ends sessions by its API")
    with connected(broker, CAMERA) as camera, connected(broker, Wish("srv-kick-1", client_id=CAMERA)):
        wait_until(lambda: camera.closed, SOON_S, "the camera is thrown out")
