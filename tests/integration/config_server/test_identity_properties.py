"""Show 5: no sequence of API calls gives a camera another's identity, a second certificate, or an unaudited one."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from config_server.records import CertificateRecord
from fleet.pki import make_csr, new_key, public_key_of, read_certificate, renewal_message, sign
from tests.integration.config_server.conftest import Api, make_api
from tests.support.scale import is_full

UNLIMITED = "100000000 per minute"
GIVEN = {"device.enrolled", "device.bundled", "certificate.renewed"}
NAMES = st.sampled_from(["gate", "door", "yard", "roof", "GATE"])
MOVES = st.sampled_from(["accept", "reject", "revoke", "decommission", "re-enrol", "token", "bundle"])
STEPS = st.sampled_from(["denied", "crl", "proven", "failed"])


class IdentityMachine(RuleBasedStateMachine):
    """Calls in any order by cameras, people and thieves; the model knows what each secret is worth."""

    devices = Bundle("devices")
    tokens = Bundle("tokens")
    asking = Bundle("asking")
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.api: Api = make_api(Path(self._folder.name), enrolment_rate=UNLIMITED)
        self.used: set[str] = set()
        self.promised: dict[bytes, str] = {}
        self.collected: set[bytes] = set()
        self.given = 0

    def teardown(self) -> None:
        self.api.store.close()
        self._folder.cleanup()

    def _take(self, answer: Any, device_id: str, public_key: bytes) -> None:
        """A certificate was given: it must be for this device and this key, and for no other."""
        facts = read_certificate(answer.get_json()["certificate_pem"].encode())
        assert (facts.common_name, facts.public_key) == (device_id, public_key)
        self.given += 1

    @rule(target=devices, name=NAMES)
    def provision(self, name: str) -> Any:
        answer = self.api.post("/config/devices", {"name": name})
        assert answer.status_code in {201, 409}
        return answer.get_json()["device"]["device_id"] if answer.status_code == 201 else multiple()

    @rule(target=tokens, device_id=devices, move=MOVES)
    def move(self, device_id: str, move: str) -> Any:
        answer = self.api.post(f"/config/devices/{device_id}/{move}")
        assert answer.status_code in {200, 201, 409, 422}
        if move == "bundle" and answer.status_code == 200:
            self.given += 1
        return (device_id, answer.get_json()["token"]) if answer.status_code == 201 else multiple()

    @rule(device_id=devices, step=STEPS)
    def cut_off_goes_on(self, device_id: str, step: str) -> None:
        with self.api.store.writing() as tx:
            newest = tx.cutoffs.newest_of(device_id)
            if newest is not None:
                tx.cutoffs.advance(newest.id, step, "", self.api.clock())

    @rule(target=held, token=tokens, claimed=st.sampled_from(["cam-other1", "srv-ingest-1", "x/+/#"]))
    def enrol(self, token: tuple[str, str], claimed: str) -> Any:
        device_id, text = token
        key = new_key()
        answer = self.api.enrol(text, make_csr(key, claimed))
        if answer.status_code != 200:
            assert answer.status_code == 403
            return multiple()
        assert text not in self.used, "a token gave a second certificate"
        self.used.add(text)
        self._take(answer, device_id, public_key_of(key))
        return device_id, key

    @rule(token=tokens, other=tokens)
    def enrol_with_a_token_put_together_from_two(self, token: tuple[str, str], other: tuple[str, str]) -> None:
        mixed = f"{token[1].split('.')[0]}.{other[1].split('.')[1]}"
        if mixed != token[1]:
            assert self.api.enrol(mixed).status_code == 403

    @rule(target=asking, name=NAMES)
    def ask_to_be_let_in(self, name: str) -> bytes:
        key = new_key()
        body = {"csr_pem": make_csr(key, "cam-front-gate").decode(), "name_wish": name}
        assert self.api.client.post("/config/sightings", json=body).status_code == 200
        return key

    @rule(target=devices, key=asking, name=NAMES, lets_in=st.booleans())
    def decide(self, key: bytes, name: str, lets_in: bool) -> Any:
        waiting = self.api.get("/config/sightings").get_json()["items"]
        body = {"csr_pem": make_csr(key, "x").decode(), "name_wish": name}
        code = self.api.client.post("/config/sightings", json=body).get_json().get("code")
        if code is None or code not in {item["code"] for item in waiting}:
            return multiple()
        if not lets_in:
            assert self.api.post(f"/config/sightings/{code}/reject").status_code == 204
            return multiple()
        answer = self.api.post(f"/config/sightings/{code}/accept", {"name": name})
        assert answer.status_code in {200, 409}
        if answer.status_code == 409:
            return multiple()
        self.promised[key] = answer.get_json()["device_id"]
        self.collected.discard(key)
        return self.promised[key]

    @rule(target=held, key=asking)
    def collect(self, key: bytes) -> Any:
        body = {"csr_pem": make_csr(key, "srv-ingest-1").decode()}
        answer = self.api.client.post("/config/sightings/collect", json=body)
        assert answer.status_code in {200, 202, 403}
        if answer.status_code != 200:
            return multiple()
        assert key in self.promised, "nobody accepted this camera"
        self._take(answer, self.promised[key], public_key_of(key))
        # The same certificate again is no second one.
        self.given -= key in self.collected
        self.collected.add(key)
        return self.promised[key], key

    @rule(target=held, mine=held, theirs=devices, honest=st.booleans())
    def renew(self, mine: tuple[str, bytes], theirs: str, honest: bool) -> Any:
        device_id, key = mine
        asked_for = device_id if honest else theirs
        record = self._newest(asked_for)
        nonce = self.api.client.post("/config/renew/nonce", json={"device_id": asked_for}).get_json()["nonce"]
        fresh = new_key()
        csr = make_csr(fresh, asked_for)
        serial = record.serial if record else "ab"
        signature = sign(key, renewal_message(bytes.fromhex(nonce), serial, csr)).hex()
        body = {"device_id": asked_for, "serial": serial, "nonce": nonce, "csr_pem": csr.decode()}
        answer = self.api.client.post("/config/renew", json={**body, "signature": signature})
        if answer.status_code != 200:
            assert answer.status_code == 403
            return multiple()
        assert asked_for == device_id, "a camera renewed another's certificate"
        self._take(answer, device_id, public_key_of(fresh))
        again = self.api.client.post("/config/renew", json={**body, "signature": signature})
        assert again.status_code == 403, "a nonce was good twice"
        return device_id, fresh

    @rule(holder=consumes(held))
    def a_camera_loses_its_key(self, holder: tuple[str, bytes]) -> None:
        assert holder

    @rule(hours=st.sampled_from([1, 23, 25, 24 * 70]))
    def wait(self, hours: int) -> None:
        self.api.clock.advance(hours=hours)

    @invariant()
    def every_certificate_is_accounted_for(self) -> None:
        now, recorded = self.api.clock(), 0
        devices = self.api.get("/config/devices?limit=500").get_json()["items"]
        with self.api.store.reading() as tx:
            for device in devices:
                records = tx.certificates.of_subject(device["device_id"])
                entries = tx.audit.of_device(device["device_id"])
                audited = [entry.detail["serial"] for entry in entries if entry.action in GIVEN]
                assert sorted(audited) == sorted(record.serial for record in records)
                living = [r for r in records if r.revoked_at is None and r.not_after > now]
                if device["denied"] or device["state"] in {"pending", "rejected", "decommissioned"}:
                    assert living == [], "a camera that is out holds a good certificate"
                recorded += len(records)
        assert recorded == self.given, "a certificate was recorded that nobody was given, or the reverse"

    def _newest(self, device_id: str) -> CertificateRecord | None:
        with self.api.store.reading() as tx:
            return tx.certificates.newest_of([device_id]).get(device_id)


TestIdentity = pytest.mark.timeout(1800)(IdentityMachine.TestCase)
TestIdentity.settings = settings(
    max_examples=100 if is_full() else 12,
    stateful_step_count=40 if is_full() else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
