"""Any one file of the host's PKI may be lost or cut short: the next init or renew heals it, or names it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_server.authorities import AuthorityMissing, load_authorities
from config_server.ca import care, initialise
from config_server.host_credentials import HostCredentials
from config_server.settings import ConfigSettings
from config_server.store.registry import Store
from fleet.pki import read_crl
from tests.support.config_server import prepare_home

NOW = datetime.now(UTC)
HOLDERS = ("broker", "nginx", "srv-ingest-1", "srv-courier-1", "srv-kick-1")
HEALED = [
    *(f"{holder}/{name}" for holder in HOLDERS for name in ("certificate.pem", "key.pem")),
    "broker/cameras-ca.pem",
    "broker/servers-ca.pem",
    "broker/cameras.crl.pem",
    "broker/servers.crl.pem",
    "srv-ingest-1/ca.pem",
]
NAMED = ["ca/issuing.key", "ca/servers-root.key"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ConfigSettings:
    return prepare_home(tmp_path_factory.mktemp("lost") / "home")


def renew(settings: ConfigSettings) -> None:
    store = Store(settings.config_database)
    try:
        initialise(settings, store, NOW)
        care(settings, store, load_authorities(settings), NOW)
    finally:
        store.close()


def is_whole(settings: ConfigSettings) -> bool:
    host = HostCredentials(settings, load_authorities(settings))
    broker = settings.home.credentials("broker").folder
    crls = [read_crl((broker / f"{name}.crl.pem").read_bytes()) for name in ("cameras", "servers")]
    trust = [broker / "cameras-ca.pem", broker / "servers-ca.pem", settings.home.credentials("srv-ingest-1").ca]
    certified = all(host.why_due(holder, NOW) is None for holder in HOLDERS)
    return certified and len(crls) == 2 and all(b"BEGIN CERTIFICATE" in path.read_bytes() for path in trust)


def damaged(path: Path, how: str) -> None:
    if how == "lost":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40] if how == "cut short" else b"")


@pytest.mark.parametrize("how", ["lost", "cut short", "empty"])
@pytest.mark.parametrize("name", HEALED)
def test_a_damaged_file_is_healed(settings: ConfigSettings, name: str, how: str) -> None:
    damaged(settings.home.pki / name, how)
    renew(settings)
    assert is_whole(settings)


@pytest.mark.parametrize("how", ["lost", "cut short", "empty"])
@pytest.mark.parametrize("name", NAMED)
def test_a_damaged_ca_key_is_named_and_nothing_is_overwritten(settings: ConfigSettings, name: str, how: str) -> None:
    path = settings.home.pki / name
    kept = path.read_bytes()
    others = {other: other.read_bytes() for other in settings.home.authorities.iterdir() if other != path}
    damaged(path, how)
    try:
        with pytest.raises(AuthorityMissing, match=Path(name).stem):
            renew(settings)
        assert others == {other: other.read_bytes() for other in others}
    finally:
        path.write_bytes(kept)
    renew(settings)
    assert is_whole(settings)
