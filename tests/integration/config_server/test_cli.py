"""The `camfleet` commands of config_server, run as a person runs them."""

import json
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.pki import make_csr, new_key, public_key_of, read_certificate
from tests.support.config_server import ConfigServer, environment_of, running_config_server
from tests.support.ports import free_port

CAMFLEET = Path(sys.executable).with_name("camfleet")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigServer]:
    with running_config_server(tmp_path_factory.mktemp("cli") / "home") as running:
        yield running


def run(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(CAMFLEET), *map(str, arguments)]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def on(server: ConfigServer, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(environment_of(server.settings, {}), *arguments)


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *words: str | Path) -> None:
    assert done.returncode != 0
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("camfleet: ")
    for word in words:
        assert str(word) in lines[0]


def test_provision_prints_the_one_command_for_the_camera(server: ConfigServer) -> None:
    done = on(server, "provision", "Poartă față")
    assert done.returncode == 0, done.stderr
    assert "camfleet-agent enroll --server https://localhost:8443 --token " in done.stdout


def test_provision_speaks_json_to_programs(server: ConfigServer) -> None:
    done = on(server, "provision", "Machine", "--device-id", "cam-machine-1", "--json")
    created = json.loads(done.stdout)
    assert created["device"]["device_id"] == "cam-machine-1"
    assert created["enrolment"]["token"]


def test_a_bundle_is_a_private_folder_with_all_that_an_agent_needs(server: ConfigServer, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    done = on(server, "provision", "Bench 1", "--device-id", "cam-bench-1", "--bundle", folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.iterdir()} == {"key.pem", "certificate.pem", "ca.pem", "agent.toml"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    facts = read_certificate((folder / "certificate.pem").read_bytes())
    assert facts.public_key == public_key_of((folder / "key.pem").read_bytes())
    assert facts.common_name == "cam-bench-1"


def test_a_bundle_never_goes_into_a_folder_that_exists(server: ConfigServer, tmp_path: Path) -> None:
    done = on(server, "provision", "Bench 2", "--bundle", tmp_path)
    assert_one_clear_line(done, tmp_path, "exists already")
    assert "Bench 2" not in on(server, "devices", "list").stdout


def test_a_refused_bundle_leaves_no_empty_folder(server: ConfigServer, tmp_path: Path) -> None:
    on(server, "provision", "Twice")
    done = on(server, "provision", "Twice", "--bundle", tmp_path / "bundle")
    assert_one_clear_line(done, "another camera is called 'Twice' (cam-twice-")
    assert not (tmp_path / "bundle").exists()


def test_devices_are_listed_and_shown(server: ConfigServer) -> None:
    on(server, "provision", "Listed", "--device-id", "cam-listed-1")
    assert "cam-listed-1  pending  no site  no certificate  Listed" in on(server, "devices", "list").stdout
    assert on(server, "devices", "list", "--state", "rejected").stdout == ""
    shown = json.loads(on(server, "devices", "show", "cam-listed-1").stdout)
    assert shown["name"] == "Listed"
    found = json.loads(on(server, "devices", "list", "--json").stdout)
    assert "cam-listed-1" in {device["device_id"] for device in found}


@pytest.mark.parametrize("device_id", ["cam-nobody", "../sites", "a b"])
def test_a_device_that_does_not_exist_is_one_clear_line(server: ConfigServer, device_id: str) -> None:
    done = on(server, "devices", "show", device_id)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_token_names_its_file(server: ConfigServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("cfa_wrong\n")
    assert_one_clear_line(on(server, "devices", "list", "--token-file", tmp_path / "token"), tmp_path / "token")


def test_a_missing_token_file_is_named(server: ConfigServer, tmp_path: Path) -> None:
    done = on(server, "devices", "list", "--token-file", tmp_path / "none")
    assert_one_clear_line(done, tmp_path / "none", "--token-file")


@pytest.mark.parametrize(
    "address", [f"http://127.0.0.1:{free_port()}", "http://[", "nonsense"], ids=["nobody", "half", "nonsense"]
)
def test_no_server_is_one_clear_line(server: ConfigServer, address: str) -> None:
    assert_one_clear_line(on(server, "devices", "list", "--server", address), "--server")


def test_an_unknown_site_and_an_unknown_flag_are_refused(server: ConfigServer) -> None:
    assert_one_clear_line(on(server, "provision", "Somewhere", "--site", "atlantis"), "atlantis")
    assert on(server, "provision", "Somewhere", "--colour", "red").returncode == 2


def test_ca_show_names_the_fingerprint_of_the_root(server: ConfigServer) -> None:
    root = read_certificate((server.home.authorities / "root.pem").read_bytes())
    done = on(server, "ca", "show")
    assert root.fingerprint.hex() in done.stdout
    assert done.stdout.count("CRL ") == 3


def test_ca_commands_before_migrate_name_the_command(tmp_path: Path) -> None:
    environment = {"CAMFLEET_HOME": str(tmp_path / "home")}
    for command in ("init", "renew", "show"):
        assert_one_clear_line(run(environment, "ca", command), "camfleet migrate")
    assert run(environment, "migrate").returncode == 0
    assert_one_clear_line(run(environment, "ca", "renew"), "camfleet ca init")


def test_ca_init_then_renew_say_what_they_did(tmp_path: Path) -> None:
    environment = {"CAMFLEET_HOME": str(tmp_path / "home")}
    run(environment, "migrate")
    assert "made the CA root" in run(environment, "ca", "init").stdout
    assert run(environment, "ca", "init").stdout == "nothing to make: everything is there\n"
    renewed = run(environment, "ca", "renew").stdout
    assert renewed.count("signed a CRL of") == 3
    (tmp_path / "home" / "pki" / "nginx" / "certificate.pem").unlink()
    assert "renewed the certificate of nginx: it has none" in run(environment, "ca", "renew").stdout


def test_a_home_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = run({"CAMFLEET_HOME": str(tmp_path / "file" / "home")}, "migrate")
    assert_one_clear_line(done, "Not a directory")


def test_a_lost_token_is_replaced_by_one_command(server: ConfigServer) -> None:
    on(server, "provision", "Lost", "--device-id", "cam-lost-1")
    assert "camfleet-agent enroll" in on(server, "devices", "token", "cam-lost-1").stdout
    assert json.loads(on(server, "devices", "token", "cam-lost-1", "--json").stdout)["token"]
    assert_one_clear_line(on(server, "devices", "token", "cam-nobody"), "cam-nobody")


def test_a_batch_of_names_gives_tokens_as_csv(server: ConfigServer, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("name\nBatch one\nBatch two\n")
    done = on(server, "provision", "--batch", tmp_path / "names.csv")
    assert done.returncode == 0, done.stderr
    head, first, _second = done.stdout.splitlines()
    assert head == "device_id,name,token"
    assert first.split(",")[1] == "Batch one"
    assert_one_clear_line(on(server, "provision", "--batch", tmp_path / "names.csv"), "line 1", "'Batch one'")


def test_a_thousand_ready_bundles_are_made_within_30_s(server: ConfigServer, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("".join(f"Bulk {number}\n" for number in range(1000)))
    began = time.monotonic()
    done = on(server, "provision", "--batch", tmp_path / "names.csv", "--bundle", tmp_path / "bundles")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 30
    folders = list((tmp_path / "bundles").iterdir())
    assert len(folders) == 1000
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    one = folders[0]
    facts = read_certificate((one / "certificate.pem").read_bytes())
    assert (facts.common_name, facts.public_key) == (one.name, public_key_of((one / "key.pem").read_bytes()))
    assert stat.S_IMODE((one / "key.pem").stat().st_mode) == 0o600


def test_a_batch_that_is_wrong_makes_nothing(server: ConfigServer, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("Fine\nNot fine,atlantis\n")
    done = on(server, "provision", "--batch", tmp_path / "names.csv", "--bundle", tmp_path / "bundles")
    assert_one_clear_line(done, "line 2", "atlantis")
    assert not (tmp_path / "bundles").exists()
    assert_one_clear_line(on(server, "provision", "--batch", tmp_path / "none.csv"), "none.csv")
    assert_one_clear_line(on(server, "provision"), "--batch")


def test_a_device_goes_through_its_life_by_commands(server: ConfigServer) -> None:
    on(server, "provision", "Mover", "--device-id", "cam-mover-1")
    assert on(server, "devices", "accept", "cam-mover-1").stdout == "cam-mover-1 is accepted.\n"
    assert "being cut off" in on(server, "devices", "revoke", "cam-mover-1").stdout
    assert "cam-mover-1  accepted, revoked  no site" in on(server, "devices", "list", "--denied").stdout
    assert "cam-mover-1: recorded, going on" in on(server, "devices", "cutoff", "cam-mover-1").stdout
    assert_one_clear_line(on(server, "devices", "re-enrol", "cam-mover-1"), "still being cut off")
    assert_one_clear_line(on(server, "devices", "reject", "cam-mover-1"), "is accepted and cannot be rejected")
    shown = json.loads(on(server, "devices", "decommission", "cam-mover-1", "--json").stdout)
    assert (shown["state"], shown["denied"]) == ("decommissioned", True)
    told = on(server, "devices", "audit", "--device", "cam-mover-1").stdout
    assert "token:admin  device.decommissioned  cam-mover-1  from 127.0.0.1" in told


def test_a_camera_is_let_in_by_its_code(server: ConfigServer) -> None:
    assert on(server, "devices", "waiting").stdout == "no camera waits to be let in\n"
    request = {"csr_pem": make_csr(new_key(), "x").decode(), "name_wish": "By code"}
    code = server.client().post("/config/sightings", json=request).json()["code"]
    assert "By code" in on(server, "devices", "waiting").stdout
    done = on(server, "devices", "let-in", code, "By code", "--device-id", "cam-by-code")
    assert "cam-by-code is accepted" in done.stdout
    assert_one_clear_line(on(server, "devices", "turn-away", code), "decided")


def test_tokens_are_made_listed_and_revoked(server: ConfigServer, tmp_path: Path) -> None:
    token = on(server, "tokens", "make", "reader", "--scope", "devices:read", "--days", "1").stdout
    (tmp_path / "token").write_text(token)
    assert on(server, "devices", "list", "--token-file", tmp_path / "token").returncode == 0
    assert_one_clear_line(on(server, "provision", "No", "--token-file", tmp_path / "token"), "devices:provision")
    (line,) = [line for line in on(server, "tokens", "list").stdout.splitlines() if "  reader  " in line]
    assert "is revoked" in on(server, "tokens", "revoke", line.split()[0]).stdout
    assert on(server, "devices", "list", "--token-file", tmp_path / "token").returncode == 1


def test_certificates_are_listed_by_their_end(server: ConfigServer, tmp_path: Path) -> None:
    on(server, "provision", "Listed too", "--device-id", "cam-listed-2", "--bundle", tmp_path / "bundle")
    (line,) = on(server, "certificates", "--device", "cam-listed-2").stdout.splitlines()
    assert line.startswith("cam-listed-2  ")
    assert "  bundle  until " in line
    assert on(server, "certificates", "--due-before", "2020-01-01T00:00:00Z").stdout == ""
    assert_one_clear_line(on(server, "certificates", "--due-before", "soon"), "due_before")
