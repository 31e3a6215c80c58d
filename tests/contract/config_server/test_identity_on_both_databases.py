"""Part 2's journeys on SQLite and on PostgreSQL: moves, codes, lists, limits, and the migration."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_server.rate_limits import RateLimiter, TooManyRequests
from config_server.store.registry import Store
from fleet.pki import make_csr, new_key
from tests.integration.config_server.conftest import Api, Clock, make_api
from tests.integration.config_server.test_migration_c0002 import move
from tests.support.databases import registry_url

CAMERA = "cam-front-gate"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with registry_url(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def api(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home: Path = tmp_path_factory.mktemp("both") / "home"
    made = make_api(home, config_database_url=url, enrolment_rate="10000 per minute")
    yield made
    made.store.close()


def test_a_camera_is_cut_off_and_comes_back(api: Api) -> None:
    api.enrol(api.provision("Front gate", device_id=CAMERA)["enrolment"]["token"])
    assert api.post(f"/config/devices/{CAMERA}/revoke").get_json()["denied"] is True
    assert api.post(f"/config/devices/{CAMERA}/re-enrol").status_code == 409
    with api.store.writing() as tx:
        newest = tx.cutoffs.newest_of(CAMERA)
        assert newest
        tx.cutoffs.advance(newest.id, "proven", "", api.clock())
        assert tx.devices.denied() == [CAMERA]
    token = api.post(f"/config/devices/{CAMERA}/re-enrol").get_json()["token"]
    assert api.enrol(token).status_code == 200
    shown = api.get("/config/devices?denied=false&text=GATE").get_json()["items"]
    assert [device["device_id"] for device in shown] == [CAMERA]
    assert api.get("/config/audit?device=cam-front-gate&limit=1").get_json()["items"][0]["action"] == "device.enrolled"


def test_of_many_cameras_that_collect_at_once_all_get_one_certificate(api: Api) -> None:
    csr = make_csr(new_key(), "x").decode()
    asked = api.client.post("/config/sightings", json={"csr_pem": csr, "name_wish": "Rear"})
    body = {"name": "Rear", "device_id": "cam-rear-1"}
    assert api.post(f"/config/sightings/{asked.get_json()['code']}/accept", body).status_code == 200

    def collect(_: int) -> str:
        client = api.client.application.test_client()
        return str(client.post("/config/sightings/collect", json={"csr_pem": csr}).get_json()["certificate_pem"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(collect, range(12)))) == 1
    assert api.certificates_of("cam-rear-1") == 1


def test_a_list_is_registered_whole_or_not_at_all(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    lines = "".join(f"Listed {number}\n" for number in range(50))
    assert api.client.post("/config/devices/batch", data=lines, headers=headers).status_code == 201
    assert api.client.post("/config/devices/batch", data="New\nlisted 7\n", headers=headers).status_code == 409
    assert api.get("/config/devices?text=New").get_json()["items"] == []


def test_certificates_and_tokens_are_listed(api: Api) -> None:
    for name in ("Due one", "Due two"):
        device_id = f"cam-{name.lower().replace(' ', '-')}"
        api.provision(name, device_id=device_id)
        assert api.post(f"/config/devices/{device_id}/bundle").status_code == 200
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/config/certificates?limit=1{cursor and '&cursor='}{cursor}").get_json()
        found += page["items"]
        cursor = page["cursor"]
    serials = [item["serial"] for item in found]
    assert len(serials) == len(set(serials)) >= 2
    made = api.post("/config/tokens", {"label": "both", "scopes": ["devices:read"], "days": 1})
    assert made.status_code == 201
    assert api.get("/config/devices", made.get_json()["token"]).status_code == 200


def test_a_limit_holds_over_many_threads_and_two_stores(api: Api) -> None:
    clock = Clock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))
    stores = [api.store, Store(api.settings.config_database)]

    def spend(number: int) -> bool:
        try:
            RateLimiter(stores[number % 2], clock).spend("both", "192.0.2.1", "10 per minute")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(spend, range(30))) == 10
    stores[1].close()


def test_the_schema_goes_down_and_up_again_on_data(api: Api) -> None:
    count = len(api.get("/config/devices?limit=500").get_json()["items"])
    move(api.settings, "c0001")
    move(api.settings, "c0002")
    devices = api.get("/config/devices?limit=500").get_json()["items"]
    assert len(devices) == count
    assert not any(device["denied"] for device in devices)
