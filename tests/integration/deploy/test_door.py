"""The door as nginx runs it: what it lets through, what it removes, what it keeps to itself."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.door.config import nginx_argv, render_config, write_config
from fleet.settings import ServerSettings, load
from tests.integration.deploy.echo import echo_server
from tests.support.authorities import Authorities
from tests.support.ports import free_port
from tests.support.waiting import wait_until

PORTS = ("https_port", "http_port", "crl_port", "dashboard_port", "config_port", "feed_port")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    ports = {name: free_port() for name in PORTS}
    return load(ServerSettings, CAMFLEET_HOME=tmp_path_factory.mktemp("door") / "home", **ports)


@pytest.fixture(scope="module")
def door(settings: ServerSettings) -> Iterator[ServerSettings]:
    Authorities().write_host(settings.home.credentials("nginx").folder)
    upstreams = {"dashboard": settings.dashboard_port, "config": settings.config_port, "feed": settings.feed_port}
    with ExitStack() as stack:
        for name, port in upstreams.items():
            stack.enter_context(echo_server(name, port))
        stack.enter_context(running_nginx(settings))
        yield settings


@contextmanager
def running_nginx(settings: ServerSettings) -> Iterator[None]:
    process = subprocess.Popen(nginx_argv(write_config(settings)), stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_up(settings), 10, "nginx answers")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _is_up(settings: ServerSettings) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{settings.http_port}/nginx-healthz").status_code == 204
    except httpx.HTTPError:
        return False


@pytest.fixture(params=["https", "http"])
def client(door: ServerSettings, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=str(door.home.credentials("nginx").ca))
    port = door.https_port if request.param == "https" else door.http_port
    with httpx.Client(base_url=f"{request.param}://localhost:{port}", verify=trust) as made:
        yield made


def seen_by(answer: httpx.Response) -> dict[str, Any]:
    """Return what the program behind the door saw, with header names in lower case."""
    told: dict[str, Any] = answer.json()
    told["headers"] = {name.lower(): value for name, value in told["headers"].items()}
    return told


def test_nginx_accepts_the_configuration(door: ServerSettings) -> None:
    command, *rest = nginx_argv(door.home.path / "nginx" / "nginx.conf")
    done = subprocess.run([command, "-t", *rest], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


@pytest.mark.parametrize(
    ("path", "program"),
    [
        ("/", "dashboard"),
        ("/login", "dashboard"),
        ("/api/v1/cameras", "dashboard"),
        ("/feedback", "dashboard"),
        ("/config/devices?limit=3", "config"),
        ("/crl/aa.crl", "config"),
        ("/ca/root.pem", "config"),
    ],
)
def test_each_path_leads_to_its_program_unchanged(client: httpx.Client, path: str, program: str) -> None:
    told = seen_by(client.get(path))
    assert (told["program"], told["path"]) == (program, path)


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/metrics/", "/.//metrics", "/%6detrics", "/x/../healthz"])
def test_what_is_for_loopback_only_is_not_there(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_what_a_client_claims_about_itself_is_replaced(client: httpx.Client) -> None:
    claims = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6",
        "X-Request-Id": "mine",
    }
    headers = seen_by(client.get("/", headers=claims))["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == client.base_url.scheme
    assert headers["x-forwarded-host"] == f"localhost:{client.base_url.port}"
    assert "x-forwarded-prefix" not in headers
    assert "forwarded" not in headers
    assert headers["x-request-id"] != "mine"


@pytest.mark.parametrize("name", ["Camfleet-Actor", "camfleet-actor", "Camfleet_Actor"])
def test_nobody_outside_speaks_for_a_person(client: httpx.Client, name: str) -> None:
    headers = seen_by(client.get("/config/devices", headers={name: "eyJ1c2VyX2lkIjoxfQ"}))["headers"]
    assert not [each for each in headers if each.replace("_", "-") == "camfleet-actor"]


@pytest.mark.parametrize("value", ["Bearer cfs_secret", "bearer cfs_x", "BEARER   cfs_x", "Bearer\tcfs_x"])
def test_the_service_token_is_worth_nothing_outside(client: httpx.Client, value: str) -> None:
    assert client.get("/config/devices", headers={"Authorization": value}).status_code == 403


def test_an_api_token_passes(client: httpx.Client) -> None:
    told = seen_by(client.get("/config/devices", headers={"Authorization": "Bearer cfa_x"}))
    assert told["headers"]["authorization"] == "Bearer cfa_x"


def test_the_request_id_is_told_to_both_sides(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.headers["x-request-id"] == seen_by(answer)["headers"]["x-request-id"]


def test_headers_that_protect_browsers(client: httpx.Client) -> None:
    headers = client.get("/").headers
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("referrer-policy") == ["same-origin"]
    assert ("strict-transport-security" in headers) is (client.base_url.scheme == "https")
    assert headers["server"] == "nginx"


def test_a_body_that_fits_passes_and_a_larger_one_is_refused(client: httpx.Client) -> None:
    assert seen_by(client.post("/config/devices", content=b"x" * 250_000))["body"] == 250_000
    assert problem_of(client.post("/config/devices", content=b"x" * 300_000)) == 413


def test_what_the_door_refuses_is_said_as_a_problem(client: httpx.Client) -> None:
    assert problem_of(client.get("/" + "a" * 5_000)) == 414
    assert problem_of(client.get("/config/devices", headers={"X-Long": "a" * 5_000})) == 431
    assert problem_of(client.get("/cameras/%00")) == 400
    assert problem_of(client.get("/healthz")) == 404
    assert problem_of(client.get("/config/devices", headers={"Authorization": "Bearer cfs_x"})) == 403


def test_an_address_of_four_thousand_letters_still_passes(client: httpx.Client) -> None:
    assert seen_by(client.get("/review?label=" + "a" * 4_000))["program"] == "dashboard"


def test_a_program_that_is_down_is_said_with_what_to_do(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path / "home", **{name: free_port() for name in PORTS})
    Authorities().write_host(settings.home.credentials("nginx").folder)
    with running_nginx(settings):
        answer = httpx.get(f"http://127.0.0.1:{settings.http_port}/config/devices")
    assert problem_of(answer) == 502
    assert "managed_start.sh status" in answer.json()["detail"]


def problem_of(answer: httpx.Response) -> int:
    """Return the status of a problem that carries all its members."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["detail"]
    assert told["request_id"] == answer.headers.get("x-request-id", told["request_id"])
    assert told["status"] == answer.status_code
    return answer.status_code


def test_a_large_answer_needs_no_file_of_the_workers(client: httpx.Client) -> None:
    assert len(client.get("/large").content) > 500_000


def test_the_feed_is_passed_on_line_by_line(client: httpx.Client) -> None:
    with client.stream("GET", "/feed?since=1", timeout=5) as answer:
        assert next(answer.iter_lines()) == "data: first"


@pytest.mark.parametrize("path", ["/crl/aa.crl", "/ca/root.pem"])
def test_the_open_port_gives_revocation_lists_and_roots(door: ServerSettings, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{door.crl_port}{path}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/login", "/config/devices", "/crl/../login", "/feed", "/nginx-healthz"])
def test_the_open_port_gives_nothing_else(door: ServerSettings, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{door.crl_port}{path}").status_code == 404


def test_the_open_port_takes_nothing(door: ServerSettings) -> None:
    assert httpx.post(f"http://127.0.0.1:{door.crl_port}/crl/aa.crl", content=b"x").status_code == 403


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(door: ServerSettings) -> None:
    old = ssl.create_default_context(cafile=str(door.home.credentials("nginx").ca))
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"https://localhost:{door.https_port}/", verify=old)


def test_workers_give_up_root(tmp_path: Path) -> None:
    settings = load(ServerSettings, CAMFLEET_HOME=tmp_path)
    assert "\nuser www-data;\n" in render_config(settings, as_root=True)
    assert "\nuser " not in render_config(settings, as_root=False)
