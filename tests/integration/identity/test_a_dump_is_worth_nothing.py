"""Show 6: after a whole journey, databases, logs and state files hold no token, key or password that can be used."""

import base64
import stat
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fleet.home import Home
from fleet.pki import make_csr, new_key, prove_key, read_token
from tests.support.config_server import ConfigServer, running_config_server
from tests.support.dashboard import Site, running_site, site_settings
from tests.support.secret_search import Secret, everything_under, found_in

WRONG_PASSWORD = "a wrong password, typed by hand"
GUESSED = "cfa_guessed-and-sent-by-somebody"


@dataclass
class Journey:
    """What happened: the home it happened in, every secret that was seen, and what programs said aloud."""

    home: Home
    said: bytes = b""
    secrets: list[Secret] = field(default_factory=list)
    enrolled: str = ""

    def keep(self, name: str, value: str) -> str:
        self.secrets.append(Secret.text(name, value))
        return value

    def keep_key(self, name: str, pem: bytes, passphrase: bytes | None = None) -> None:
        """A private key counts by its number, in whatever file format that would be written."""
        key = load_pem_private_key(pem, passphrase)
        number = key.private_numbers().private_value.to_bytes(32, "big")  # type: ignore[union-attr]
        self.secrets.append(Secret(name, number))

    def keep_token(self, name: str, token: str) -> str:
        """An enrolment token is its secret half, and the key by which a server proves that it knows it."""
        parts = read_token(token)
        self.keep(name, parts.secret)
        self.keep(f"{name} with dashes", token.partition(".")[2])
        self.secrets.append(Secret(f"{name}'s proving key", prove_key(parts)))
        return token


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Provision, prove, enrol, bundle, log in, and get much of it wrong, on real programs that log all they can."""
    folder = tmp_path_factory.mktemp("journey") / "home"
    with running_config_server(folder, log_level="debug") as server:
        made = Journey(server.home)
        with running_site(site_settings(folder, log_level="debug")) as site:
            with (server.home.log / "dashboard.log").open("wb") as log:
                site.output = log
                site.start_web()
            _cameras(made, server)
            _people(made, site)
        _host(made)
    made.said = "".join(path.read_text() for path in server.home.log.glob("*.log")).encode()
    return made


def _cameras(made: Journey, server: ConfigServer) -> None:
    token = made.keep_token("a used enrolment token", server.provision("Front gate")["enrolment"]["token"])
    unused = made.keep_token("an unused enrolment token", server.provision("Never enrolled")["enrolment"]["token"])
    key = new_key()
    made.keep_key("the camera's key", key)
    csr = make_csr(key, "front gate").decode()
    with httpx.Client(base_url=server.url, timeout=20) as camera:
        proof = {"token_id": read_token(token).public_id, "nonce": "ab" * 32}
        assert camera.post("/config/enrol/proof", json=proof).status_code == 200
        made.enrolled = _enrolled(camera.post("/config/enrol", json={"token": token, "csr_pem": csr}))
        # What people and programs get wrong, with real secrets in the wrong places.
        assert camera.post("/config/enrol", json={"token": token, "csr_pem": csr}).status_code == 403
        assert camera.post("/config/enrol", json={"token": unused, "csr_pem": "broken"}).status_code == 422
        assert camera.post("/config/enrol", json={"Token": unused, "csr_pem": csr}).status_code == 422
        assert camera.post("/config/enrol", content=f"{unused} {unused}").status_code == 422
        assert camera.post("/config/devices", json={"name": "x"}, headers=_bearer(unused)).status_code == 401
        guessed = made.keep("a guessed API token", GUESSED)
        assert camera.get("/config/devices", headers=_bearer(guessed)).status_code == 401
    _bundle(made, server)
    _more_tokens(made, server)


def _enrolled(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["device_id"])


def _bundle(made: Journey, server: ConfigServer) -> None:
    bundled = server.provision("Factory made")
    made.keep_token("a bundled camera's token", bundled["enrolment"]["token"])
    with server.client() as admin:
        answer = admin.post(f"/config/devices/{bundled['device']['device_id']}/bundle").raise_for_status()
        made.keep_key("a bundle's key", answer.json()["files"]["key.pem"].encode())
        # A secret as a browser's Basic password, and once where it does not belong.
        assert admin.get("/config/devices", headers={"Authorization": _basic(server.admin_token)}).status_code == 200
        assert admin.post("/config/sites", json={"id": server.admin_token}).status_code == 422


def _more_tokens(made: Journey, server: ConfigServer) -> None:
    """An API token, a list's enrolment tokens, and one for a camera that is enrolled again."""
    with server.client() as admin:
        wanted = {"label": "billing", "scopes": ["devices:read"]}
        answer = admin.post("/config/tokens", json=wanted).raise_for_status().json()
        token = made.keep("an API token", answer["token"])
        assert admin.get("/config/devices", headers=_bearer(token)).status_code == 200
        listed = admin.post("/config/devices/batch", content="Gate 1\nGate 2\n", headers={"Content-Type": "text/csv"})
        for line in listed.raise_for_status().text.splitlines()[1:]:
            made.keep_token(f"the token of {line.split(',')[1]}", line.split(",")[2])
        again = admin.post(f"/config/devices/{made.enrolled}/re-enrol").raise_for_status().json()
        made.keep_token("a token to come back with", again["token"])


def _people(made: Journey, site: Site) -> None:
    made.keep("the admin's password", site.password)
    made.keep("a wrong password", WRONG_PASSWORD)
    browser = site.log_in()
    for cookie in browser.cookies.jar:
        made.keep(f"the cookie {cookie.name}", str(cookie.value))
    assert browser.get("/").status_code == 200
    browser.close()
    right, site.password = site.password, WRONG_PASSWORD
    with pytest.raises(AssertionError):
        site.log_in()
    site.password = right


def _host(made: Journey) -> None:
    """The host's own secrets: each in its file, and nowhere else."""
    for path in sorted((made.home.path / "secrets").iterdir()):
        made.secrets.append(Secret(path.name, path.read_bytes().strip()))
    passphrase = made.home.secret("ca.key").read_bytes().strip()
    for path in sorted(made.home.pki.rglob("*.key")):
        made.keep_key(str(path.relative_to(made.home.pki)), path.read_bytes(), passphrase)
    for path in sorted(made.home.pki.rglob("key.pem")):
        made.keep_key(str(path.relative_to(made.home.pki)), path.read_bytes())


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _basic(token: str) -> str:
    return f"Basic {base64.b64encode(f'me:{token}'.encode()).decode()}"


def _places(journey: Journey) -> dict[str, bytes]:
    secret = (journey.home.path / "secrets", journey.home.pki)
    return everything_under(journey.home.path, but=secret) | {"what programs said": journey.said}


def test_no_database_log_or_state_file_holds_a_secret_of_the_journey(journey: Journey) -> None:
    places = _places(journey)
    assert {"config.db", "events.db", "dump of config.db", "log/config_server.log"} <= set(places)
    assert len(journey.secrets) > 15
    assert found_in(journey.secrets, places) == []


def test_the_journey_left_its_traces_there(journey: Journey) -> None:
    """Nothing was looked for in the wrong place: what is no secret is found."""
    places = _places(journey)
    open_facts = [Secret.text("the camera's id", journey.enrolled), Secret.text("a name", "Never enrolled")]
    found = found_in(open_facts, places)
    assert "the camera's id in dump of config.db" in found
    assert "a name in dump of config.db" in found
    assert b"enrolment refused" in journey.said


def test_authorities_keys_are_encrypted_and_only_their_owner_may_read_any_key(journey: Journey) -> None:
    assert [p.name for p in (journey.home.pki / "ca").rglob("*.key") if b"ENCRYPTED" not in p.read_bytes()] == []
    kept = [path for folder in ("pki", "secrets") for path in (journey.home.path / folder).rglob("*")]
    keys = [path for path in kept if path.is_file() and (path.parent.name == "secrets" or b"KEY" in path.read_bytes())]
    assert len(keys) > 8
    assert [str(path) for path in keys if stat.S_IMODE(path.stat().st_mode) != 0o600] == []


@pytest.mark.parametrize("form", [bytes, bytes.hex, base64.b64encode, base64.urlsafe_b64encode, bytes.lower])
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_the_search_finds_a_secret_in_every_form(tmp_path: Path, form: object, before: bytes) -> None:
    secret = Secret("token", b"ABCD-EFGH-JKMN-PQRS\xfb\xff\xfe")
    written = form(before + secret.value + b"z")  # type: ignore[operator]
    (tmp_path / "file").write_bytes(written if isinstance(written, bytes) else written.encode())
    assert found_in([secret], everything_under(tmp_path)) == ["token in file"]
    assert found_in([Secret("other", b"another secret")], everything_under(tmp_path)) == []
