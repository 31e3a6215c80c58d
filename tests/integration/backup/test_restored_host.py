"""A restored home starts: its cameras' certificates are accepted, who was revoked stays out, its trails are whole."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_server.ca import initialise
from config_server.secrets_files import read_secret
from config_server.settings import ConfigSettings
from config_server.store.migrate import migrate as migrate_config
from config_server.store.registry import Store
from config_server.tokens import hash_of
from dashboard.people.accounts import ensure_admin
from dashboard.people.passwords import is_password
from dashboard.store.database import Database
from dashboard.store.migrate import migrate as migrate_events
from dashboard.store.people import People
from fleet.audit_trail import trails
from fleet.settings import load
from tests.integration.backup.conftest import Host
from tests.support.independent import openssl_verdict
from tests.support.revocation import Camera, CutoffHost, cutoff_host

HONEST, STOLEN = "cam-honest", "cam-stolen"


@pytest.fixture
def before(tmp_path: Path) -> Iterator[CutoffHost]:
    with cutoff_host(tmp_path / "before") as host:
        migrate_events(host.settings)
        yield host


def started_again(before: CutoffHost, folder: Path) -> CutoffHost:
    """Back up a host while its broker runs, take it away, and do with the restored home what a start does."""
    archive = Host(before.settings).back_up(folder / "host.backup")
    before.stop()
    shutil.rmtree(before.settings.home.path)
    settings = load(ConfigSettings, CAMFLEET_HOME=folder / "after", **before.given)
    Host(settings).restore(archive)
    migrate_config(settings)
    migrate_events(settings)
    store = Store(settings.config_database)
    initialise(settings, store, datetime.now(UTC))
    settings.home.log.mkdir(mode=0o700, exist_ok=True)
    return CutoffHost(settings, before.given, store)


def kept(camera: Camera, folder: Path) -> Camera:
    """Put a camera's own files where the loss of its servers does not reach them."""
    shutil.copytree(camera.files.folder, folder / camera.device_id)
    return replace(camera, files=replace(camera.files, folder=folder / camera.device_id))


def test_after_a_restore_cameras_are_accepted_and_the_revoked_one_stays_out(before: CutoffHost, tmp_path: Path) -> None:
    honest, stolen = (kept(before.make_camera(name), tmp_path) for name in (HONEST, STOLEN))
    before.start_broker()
    before.start_courier()
    before.revoke(STOLEN)
    before.wait_proven(STOLEN)
    assert (before.refusal(honest), "CERTIFICATE_REVOKED" in before.refusal(stolen)) == ("", True)
    after = started_again(before, tmp_path)
    try:
        after.start_broker()
        assert after.refusal(honest) == ""
        assert "CERTIFICATE_REVOKED" in after.refusal(stolen)
        assert after.denied() == [STOLEN]
        assert openssl_verdict(after.settings, honest.files, tmp_path).endswith("leaf.pem: OK")
        assert "certificate revoked" in openssl_verdict(after.settings, stolen.files, tmp_path)
        fresh = after.certify(HONEST)
        assert after.refusal(fresh) == ""
    finally:
        after.stop()


def test_after_a_restore_tokens_passwords_and_audit_trails_are_as_before(before: CutoffHost, tmp_path: Path) -> None:
    with closing(Database(before.settings.events_database)) as database:
        password = ensure_admin(People(database), datetime.now(UTC)).password
    token = read_secret(before.settings.home.secret("admin.token"))
    after = started_again(before, tmp_path)
    with closing(Database(after.settings.events_database)) as database:
        user = People(database).named("admin")
        assert user
        assert is_password(password or "", user.password_hash)
    with after.store.reading() as tx:
        assert tx.api_tokens.get(hash_of(token))
    verdicts = {trail.program: trail.verify() for trail in trails(after.settings)}
    assert all(verdict.is_whole for verdict in verdicts.values())
    assert verdicts["config"].rows > 0
    after.stop()
