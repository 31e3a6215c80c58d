"""The same registry on SQLite and on PostgreSQL: the journeys whose safety is the database's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_server.authorities import load_authorities
from config_server.ca import care
from config_server.records import CrlRecord
from config_server.store.migrate import WrongSchema, migrate, require_current_schema
from fleet.pki import make_csr, new_key
from fleet.settings import ServerSettings, load
from tests.integration.config_server.conftest import Api, make_api
from tests.support.databases import registry_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with registry_url(request.param) as made:
        yield made


@pytest.fixture
def api(url: str, tmp_path: Path) -> Iterator[Api]:
    made = make_api(tmp_path / "home", config_database_url=url, enrolment_rate="10000 per minute")
    yield made
    made.store.close()


def test_migrations_run_once_and_unknown_revisions_are_refused(url: str, tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path, config_database_url=url)
    with pytest.raises(WrongSchema, match="camfleet migrate"):
        require_current_schema(settings.config_database)
    assert migrate(settings).startswith("migrated from nothing")
    assert migrate(settings).startswith("already at")
    require_current_schema(settings.config_database)


def test_a_camera_goes_from_its_name_to_its_certificate(api: Api) -> None:
    site = {"id": "yard", "name": "North yard", "time_zone": "Europe/Bucharest"}
    assert api.post("/config/sites", site).status_code == 201
    token = api.provision("Poartă 前門", device_id="cam-front-gate", site="yard")["enrolment"]["token"]
    assert api.post("/config/devices", {"name": "POARTĂ 前門"}).status_code == 409
    assert api.post("/config/devices", {"name": "x", "device_id": "cam-front-gate"}).status_code == 409
    assert api.enrol(token).status_code == 200
    assert api.enrol(token).status_code == 403
    device = api.get("/config/devices?site=yard").get_json()["items"][0]
    assert (device["state"], device["created_at"][-1]) == ("accepted", "Z")
    assert api.audit_of("cam-front-gate") == ["device.registered", "enrolment.token-made", "device.enrolled"]


def test_of_many_requests_at_once_with_one_token_exactly_one_gets_a_certificate(api: Api) -> None:
    token = api.provision(device_id="cam-front-gate")["enrolment"]["token"]
    request = {"token": token, "csr_pem": make_csr(new_key(), "x").decode()}

    def enrol(_: int) -> int:
        return api.client.application.test_client().post("/config/enrol", json=request).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(enrol, range(12)))
    assert sorted(statuses) == [200] + [403] * 11
    assert api.certificates_of("cam-front-gate") == 1


def test_of_many_cameras_with_one_name_at_once_exactly_one_is_registered(api: Api) -> None:
    def register(_: int) -> int:
        client = api.client.application.test_client()
        headers = {"Authorization": f"Bearer {api.token}"}
        return client.post("/config/devices", json={"name": "Front gate"}, headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(register, range(12)))
    assert sorted(statuses) == [201] + [409] * 11


def test_crls_are_signed_anew_and_facts_are_marked(api: Api) -> None:
    api.provision(device_id="cam-front-gate")
    first = {crl.issuer_ski: crl.number for crl in crls_of(api)}
    care(api.settings, api.store, load_authorities(api.settings), datetime.now(UTC))
    assert {crl.issuer_ski: crl.number for crl in crls_of(api)} == {ski: n + 1 for ski, n in first.items()}
    with api.store.writing() as tx:
        stale = tx.devices.unpublished(10)
        assert [device.device_id for device in stale] == ["cam-front-gate"]
        tx.devices.mark_published("cam-front-gate", stale[0].facts_seq)
        assert not tx.devices.unpublished(10)
        tx.devices.forget_published()
        assert tx.devices.unpublished(10)


def crls_of(api: Api) -> list[CrlRecord]:
    with api.store.reading() as tx:
        return list(tx.crls.all())


@pytest.mark.parametrize("path", ["/config/devices/%00", "/config/devices?cursor=%00", "/config/devices?state=%00"])
def test_a_text_that_a_database_cannot_hold_is_refused_before_it(api: Api, path: str) -> None:
    assert api.get(path).status_code == 422


def test_requests_are_counted_together_by_whoever_counts(api: Api) -> None:
    window = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def count(_: int) -> int:
        with api.store.counting() as tx:
            return tx.rates.add("enrol 192.0.2.1 60", window)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(count, range(20))) == list(range(1, 21))
    with api.store.counting() as tx:
        assert tx.rates.add("enrol 192.0.2.2 60", window) == 1
        tx.rates.forget_before(window.replace(hour=13))
    assert count(0) == 1
