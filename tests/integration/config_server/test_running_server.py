"""The real server under Gunicorn, over real HTTP."""

from pathlib import Path

import httpx

from fleet.pki import make_csr, new_key, proof_is_right, read_certificate, read_token
from tests.support.config_server import running_config_server

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
