"""Accept-on-sight: a camera shows a code that covers its key and our root; a person who compared it lets it in."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from config_server.sightings import MOST_WAITING, Asker, Reception, TooManyWaiting
from fleet.pki import make_csr, new_key, pairing_code, public_key_of, read_certificate
from tests.integration.config_server.conftest import Api
from tests.integration.config_server.test_moves import as_person


def csr_of(key: bytes) -> str:
    return make_csr(key, "camfleet-agent").decode()


def ask(api: Api, key: bytes, name: str = "Rear door") -> TestResponse:
    return api.client.post("/config/sightings", json={"csr_pem": csr_of(key), "name_wish": name})


def collect(api: Api, key: bytes) -> TestResponse:
    return api.client.post("/config/sightings/collect", json={"csr_pem": csr_of(key)})


def accept(api: Api, code: str, **body: str) -> TestResponse:
    return api.post(f"/config/sightings/{code}/accept", {"name": "Rear door", "device_id": "cam-rear-1", **body})


def test_the_code_is_that_of_the_root_and_the_cameras_key(api: Api) -> None:
    key = new_key()
    body = ask(api, key).get_json()
    fingerprint = read_certificate(body["root_pem"].encode()).fingerprint
    assert body["code"] == pairing_code(fingerprint, public_key_of(key))
    (item,) = api.get("/config/sightings").get_json()["items"]
    assert item["shown"].replace("-", "") == item["code"] == body["code"]
    assert (item["name_wish"], item["source"]) == ("Rear door", "127.0.0.1")


def test_a_camera_waits_is_accepted_and_collects(api: Api) -> None:
    key = new_key()
    code = ask(api, key).get_json()["code"]
    assert collect(api, key).status_code == 202
    accepted = accept(api, "-".join([code[:4], code[4:8], code[8:]]).lower())
    assert (accepted.status_code, accepted.get_json()["state"]) == (200, "accepted")
    assert api.get("/config/sightings").get_json()["items"] == []
    answer = collect(api, key)
    assert answer.status_code == 200
    facts = read_certificate(answer.get_json()["certificate_pem"].encode())
    assert (facts.common_name, facts.public_key) == ("cam-rear-1", public_key_of(key))
    assert api.audit_of("cam-rear-1") == ["device.registered", "device.accepted", "device.enrolled"]


def test_collecting_again_gives_the_same_certificate_and_no_second_one(api: Api) -> None:
    key = new_key()
    accept(api, ask(api, key).get_json()["code"])
    first, second = collect(api, key).get_json(), collect(api, key).get_json()
    assert first["certificate_pem"] == second["certificate_pem"]
    assert api.certificates_of("cam-rear-1") == 1


def test_of_many_that_collect_at_once_all_get_one_certificate(api: Api) -> None:
    key = new_key()
    accept(api, ask(api, key).get_json()["code"])
    app = api.client.application

    def fetch(_: int) -> str:
        body = {"csr_pem": csr_of(key)}
        return str(app.test_client().post("/config/sightings/collect", json=body).get_json()["certificate_pem"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(fetch, range(12)))) == 1
    assert api.certificates_of("cam-rear-1") == 1


def test_nobody_else_collects_what_a_camera_was_given(api: Api) -> None:
    accept(api, ask(api, new_key()).get_json()["code"])
    assert collect(api, new_key()).status_code == 403
    assert api.certificates_of("cam-rear-1") == 0


def test_a_rejected_camera_gets_nothing_and_cannot_be_accepted_any_more(api: Api) -> None:
    key = new_key()
    code = ask(api, key).get_json()["code"]
    assert api.post(f"/config/sightings/{code}/reject").status_code == 204
    for answer in (collect(api, key), ask(api, key)):
        assert answer.status_code == 403
        assert answer.get_json()["type"] == "urn:camfleet:problem:not-let-in"
    assert accept(api, code).status_code == 409
    assert api.get("/config/devices/cam-rear-1").status_code == 404


def test_a_sighting_ends_by_itself_unless_the_camera_asks_again(api: Api) -> None:
    key = new_key()
    code = ask(api, key).get_json()["code"]
    api.clock.advance(minutes=50)
    assert ask(api, key).status_code == 200
    api.clock.advance(minutes=50)
    assert collect(api, key).status_code == 202
    api.clock.advance(minutes=11)
    assert collect(api, key).status_code == 403
    assert accept(api, code).status_code == 404
    assert api.get("/config/sightings").get_json()["items"] == []


def test_an_acceptance_is_not_good_for_ever(api: Api) -> None:
    key = new_key()
    accept(api, ask(api, key).get_json()["code"])
    api.clock.advance(hours=25)
    assert collect(api, key).status_code == 403
    assert api.certificates_of("cam-rear-1") == 0


def test_a_camera_that_was_cut_off_before_it_collected_gets_nothing(api: Api) -> None:
    key = new_key()
    accept(api, ask(api, key).get_json()["code"])
    api.post("/config/devices/cam-rear-1/revoke")
    assert collect(api, key).status_code == 403
    assert api.certificates_of("cam-rear-1") == 0


def test_a_certificate_that_was_revoked_is_not_handed_out_again(api: Api) -> None:
    key = new_key()
    accept(api, ask(api, key).get_json()["code"])
    collect(api, key)
    api.post("/config/devices/cam-rear-1/revoke")
    assert collect(api, key).status_code == 403


def test_accepting_never_gives_a_camera_an_identity_that_exists(api: Api) -> None:
    api.provision("Front gate", device_id="cam-front-gate")
    key = new_key()
    code = ask(api, key).get_json()["code"]
    assert accept(api, code, device_id="cam-front-gate").status_code == 409
    assert accept(api, code, name="front GATE").status_code == 409
    assert collect(api, key).status_code == 202
    assert accept(api, code).status_code == 200


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_operators_let_cameras_in_and_viewers_do_not(api: Api, role: str) -> None:
    code = ask(api, new_key()).get_json()["code"]
    person = as_person(api, role)
    body = {"name": "Rear door", "device_id": "cam-rear-1"}
    wanted = 200 if role == "operator" else 403
    assert api.get("/config/sightings", **person).status_code == wanted
    assert api.post(f"/config/sightings/{code}/accept", body, **person).status_code == wanted


def test_a_person_of_one_site_lets_cameras_in_on_that_site_only(api: Api) -> None:
    api.post("/config/sites", {"id": "yard1", "name": "Yard", "time_zone": "Europe/Bucharest"})
    code = ask(api, new_key()).get_json()["code"]
    person = as_person(api, "operator", ["yard1"])
    body = {"name": "Rear door"}
    assert api.post(f"/config/sightings/{code}/accept", body, **person).status_code == 404
    assert api.post(f"/config/sightings/{code}/accept", {**body, "site": "yard1"}, **person).status_code == 200


@pytest.mark.parametrize("csr", ["", "garbage", "x" * 20000])
def test_a_request_that_is_none_is_refused_and_leaves_nothing(api: Api, csr: str) -> None:
    for path, more in (("", {"name_wish": "x"}), ("/collect", {})):
        assert api.client.post(f"/config/sightings{path}", json={"csr_pem": csr, **more}).status_code == 422
    assert api.get("/config/sightings").get_json()["items"] == []


def test_a_name_that_cannot_be_shown_is_refused(api: Api) -> None:
    assert ask(api, new_key(), "a\u202eb").status_code == 422


def test_a_flood_of_cameras_ends_at_a_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config_server.sightings.MOST_WAITING", 2)
    assert MOST_WAITING == 500
    keys = [new_key() for _ in range(3)]
    assert [ask(api, key).status_code for key in keys] == [200, 200, 429]
    assert ask(api, keys[0]).status_code == 200
    reception = Reception(api.parts.prover.root_pem, api.parts.signer)
    with pytest.raises(TooManyWaiting), api.store.writing() as tx:
        reception.sight(tx, Asker(csr_of(keys[2]), "x", None), api.clock())


def test_one_sender_cannot_take_every_place(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config_server.sightings.MOST_FROM_ONE", 1)
    assert [ask(api, new_key()).status_code for _ in range(2)] == [200, 429]
    elsewhere = {"X-Forwarded-For": "198.51.100.7"}
    body = {"csr_pem": csr_of(new_key()), "name_wish": "Far away"}
    assert api.client.post("/config/sightings", json=body, headers=elsewhere).status_code == 200
