"""Bad input at enrolment: a 4xx that tells an attacker nothing, one log line for the operator, the state unchanged."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from werkzeug.test import TestResponse

from fleet.logs import configure
from fleet.pki import make_csr, new_key, new_token, read_certificate, read_token
from tests.integration.config_server.conftest import Api
from tests.integration.config_server.test_enrolment import BAD_CSRS, refused_tokens

SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cam-evil")])
# What counts requests is no state of the registry.
NOT_STATE = {"rate_counts"}


def csr_signed_by(key: Any) -> bytes:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT).sign(key, algorithm)
    return request.public_bytes(serialization.Encoding.PEM)


CSRS = BAD_CSRS | {
    "secp256k1": csr_signed_by(ec.generate_private_key(ec.SECP256K1())),
    "P-521": csr_signed_by(ec.generate_private_key(ec.SECP521R1())),
    "Ed25519": csr_signed_by(ed25519.Ed25519PrivateKey.generate()),
    "a private key": new_key(),
}


def state_of(api: Api) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with sqlite3.connect(api.settings.home.config_database) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr)  # noqa: S608 (names of the schema)
            for name in names
            if name not in NOT_STATE
        }


@dataclass
class Refusals:
    """Sends what must be refused and looks at all that it left."""

    api: Api
    capfd: pytest.CaptureFixture[str]

    def __call__(self, send: Callable[[], TestResponse], status: int) -> tuple[TestResponse, dict[str, Any]]:
        """The answer and the one warning in the log; the registry is as before."""
        configure("config_server", "info")
        before = state_of(self.api)
        self.capfd.readouterr()
        answer = send()
        said = self.capfd.readouterr()
        assert answer.status_code == status, answer.text
        assert answer.content_type == "application/problem+json"
        assert state_of(self.api) == before
        lines = [json.loads(line) for line in (said.out + said.err).splitlines() if line.startswith("{")]
        (warning,) = [line for line in lines if line["level"] == "warning"]
        return answer, warning


@pytest.fixture
def refused(api: Api, capfd: pytest.CaptureFixture[str]) -> Refusals:
    return Refusals(api, capfd)


def test_every_wrong_token_leaves_one_line_that_says_why_and_changes_nothing(api: Api, refused: Refusals) -> None:
    reasons = {}
    for name, token in refused_tokens(api).items():
        answer, warning = refused(lambda token=token: api.enrol(token), 403)  # type: ignore[misc]
        reasons[name] = warning["reason"]
        assert warning["source"] == "127.0.0.1"
        assert warning["request_id"] == answer.get_json()["request_id"]
        assert token not in json.dumps(warning) or not token
    assert "already used" in reasons["used"]
    assert "expired" in reasons["expired"]
    assert "unknown" in reasons["unknown"]
    assert "secret part is wrong" in reasons["right id, wrong secret"]


@pytest.mark.parametrize("name", CSRS)
def test_every_bad_request_leaves_one_line_and_a_token_that_still_works(api: Api, refused: Refusals, name: str) -> None:
    token = api.provision(device_id="cam-front-gate")["enrolment"]["token"]
    answer, warning = refused(lambda: api.enrol(token, CSRS[name] or b" "), 422)
    assert warning["reason"]
    assert "cam-" not in answer.text
    assert read_token(token).secret not in json.dumps(warning)
    assert api.enrol(token).status_code == 200


def test_guessing_a_token_never_hits_a_neighbour(api: Api, refused: Refusals) -> None:
    good = read_token(api.provision(device_id="cam-front-gate")["enrolment"]["token"])
    for _ in range(20):
        guess = f"{good.public_id}.{new_token().secret}"
        refused(lambda guess=guess: api.enrol(guess), 403)  # type: ignore[misc]
    assert api.enrol(str(good)).status_code == 200


def test_another_cameras_name_in_the_request_gives_nothing_of_it(api: Api) -> None:
    api.provision("Victim", device_id="cam-victim-1")
    token = api.provision("Thief", device_id="cam-thief-1")["enrolment"]["token"]
    answer = api.enrol(token, make_csr(new_key(), "cam-victim-1"))
    assert read_certificate(answer.get_json()["certificate_pem"].encode()).common_name == "cam-thief-1"
    assert api.certificates_of("cam-victim-1") == 0


@pytest.mark.parametrize(("path", "status"), [("/config/sightings/collect", 403), ("/config/sightings", 422)])
def test_a_stranger_at_accept_on_sight_leaves_nothing(api: Api, refused: Refusals, path: str, status: int) -> None:
    body = {"csr_pem": make_csr(new_key(), "x").decode()}
    if status == 422:
        body = {"csr_pem": CSRS["P-384"].decode(), "name_wish": "x"}
    refused(lambda: api.client.post(path, json=body), status)


@pytest.mark.parametrize("minutes", [-59, 59])
def test_a_clock_that_is_an_hour_off_takes_the_certificate_as_good(api: Api, minutes: int) -> None:
    answer = api.enrol(api.provision()["enrolment"]["token"]).get_json()
    facts = read_certificate(answer["certificate_pem"].encode())
    api.clock.advance(minutes=minutes)
    assert facts.not_before <= api.clock() < facts.not_after


def test_a_name_is_given_once_however_it_is_written(api: Api, refused: Refusals) -> None:
    api.provision("Straße 前門")
    for name in ("STRASSE 前門", "straße  前門", "Strasse 前門"):
        before = state_of(api)
        assert api.post("/config/devices", {"name": name}).status_code == 409
        assert state_of(api) == before
