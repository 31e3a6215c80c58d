"""The real server under Gunicorn, over real HTTP."""

import json
import subprocess
from pathlib import Path

import httpx

from config_server.store.migrate import migrate
from fleet.pki import make_csr, new_key, proof_is_right, read_certificate, read_token
from fleet.settings import ServerSettings, load
from tests.support.config_server import GUNICORN, running_config_server

NONCE = bytes(range(32))


def test_a_camera_is_provisioned_and_enrolled_through_gunicorn(tmp_path: Path) -> None:
    with running_config_server(tmp_path / "home", public_host="cams.example") as server:
        ticket = server.provision("Front gate", device_id="cam-front-gate")["enrolment"]
        token = read_token(ticket["token"])

        asked = {"token_id": token.public_id, "nonce": NONCE.hex()}
        proof = httpx.post(f"{server.url}/config/enrol/proof", json=asked).raise_for_status().json()
        root = read_certificate(proof["root_pem"].encode())
        assert proof_is_right(bytes.fromhex(proof["proof"]), token, NONCE, root.fingerprint)

        request = {"token": ticket["token"], "csr_pem": make_csr(new_key(), "cam-someone-else").decode()}
        answer = httpx.post(f"{server.url}/config/enrol", json=request).raise_for_status().json()
        assert answer["device_id"] == "cam-front-gate"
        assert read_certificate(answer["certificate_pem"].encode()).common_name == "cam-front-gate"
        assert (answer["broker_host"], answer["broker_port"]) == ("cams.example", 8883)
        assert answer["public_url"] == "https://cams.example:8443"

        again = httpx.post(f"{server.url}/config/enrol", json=request)
        assert again.status_code == 403
        assert "already used" in server.log()


def test_metrics_count_over_both_workers_and_stay_on_this_host(tmp_path: Path) -> None:
    with running_config_server(tmp_path / "home") as server:
        for _ in range(8):
            httpx.get(f"{server.url}/ca/root.pem").raise_for_status()
        text = httpx.get(f"{server.url}/metrics").text
        line = next(line for line in text.splitlines() if "seconds_count{" in line and "trust.root" in line)
        assert line.endswith(" 8.0")
        from_outside = httpx.get(f"{server.url}/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
        assert from_outside.status_code == 404


def test_every_log_line_has_the_houses_format(tmp_path: Path) -> None:
    with running_config_server(tmp_path / "home") as server:
        httpx.get(f"{server.url}/ca/root.pem").raise_for_status()
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert {line["program"] for line in lines} == {"config_server"}
    assert "/ca/root.pem" in {line.get("path") for line in lines}


def test_a_server_without_a_database_or_ca_ends_with_the_command_to_run(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "CAMFLEET_HOME": str(tmp_path), "CAMFLEET_CONFIG_PORT": "1"}
    for command in ("camfleet migrate", "camfleet ca init"):
        done = subprocess.run(GUNICORN, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 3
        assert command in done.stderr
        assert "Traceback" not in done.stderr
        migrate(load(ServerSettings, CAMFLEET_HOME=tmp_path))


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "CAMFLEET_HOME": str(tmp_path), "CAMFLEET_CONFIG_PORT": "http"}
    done = subprocess.run(GUNICORN, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "CAMFLEET_CONFIG_PORT" in done.stderr
