"""Settings name every problem at once; files are replaced whole and stay private."""

import stat
from pathlib import Path

import pytest

from fleet.home import Home, make_private_folder, write_file
from fleet.identifiers import device_id_from_name, is_device_id, is_server_id, is_stream_name
from fleet.problem import Problem
from fleet.settings import ServerSettings, SettingsError, load


def test_defaults_keep_everything_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAMFLEET_HOME", raising=False)
    settings = load(ServerSettings)
    assert settings.listen == "127.0.0.1"
    assert settings.url == "https://localhost:8443"
    assert settings.home.path.is_absolute()


def test_the_environment_is_read_with_one_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAMFLEET_HOME", str(tmp_path))
    monkeypatch.setenv("CAMFLEET_BROKER_PORT", "18883")
    monkeypatch.setenv("CAMFLEET_PUBLIC_URL", "https://fleet.example.org/")
    settings = load(ServerSettings)
    assert (settings.home.path, settings.broker_port) == (tmp_path, 18883)
    assert settings.url == "https://fleet.example.org"
    assert settings.events_database == f"sqlite:///{tmp_path}/events.db"


def test_every_bad_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMFLEET_BROKER_PORT", "seventy")
    monkeypatch.setenv("CAMFLEET_HTTPS_PORT", "0")
    monkeypatch.setenv("CAMFLEET_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as caught:
        load(ServerSettings)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "CAMFLEET_BROKER_PORT",
        "CAMFLEET_HTTPS_PORT",
        "CAMFLEET_LOG_LEVEL",
    ]


def test_a_written_file_is_private_and_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "key.pem"
    write_file(target, b"one")
    write_file(target, b"two")
    assert target.read_bytes() == b"two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    assert [item.name for item in target.parent.iterdir()] == ["key.pem"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    folder = make_private_folder(tmp_path / "target.d")
    (folder / "inner").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_file(folder, b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["target.d"]


def test_a_home_keeps_everything_inside_itself(tmp_path: Path) -> None:
    home = Home(tmp_path)
    files = home.credentials("srv-ingest-1")
    for path in (home.config_database, home.events_database, home.secret("ca.key"), files.key, home.log, home.run):
        assert path.is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["Gate north", "Ünïcode Tör 3", "摄像头", "", "x" * 500, "../../etc/passwd", "a" * 3])
def test_any_name_for_people_gives_a_device_id(name: str) -> None:
    first, second = device_id_from_name(name), device_id_from_name(name)
    assert is_device_id(first)
    assert first != second


def test_ids_of_devices_servers_and_streams_do_not_mix() -> None:
    assert is_server_id("srv-ingest-1")
    assert not is_server_id("cam-front-01")
    assert not is_device_id("srv-ingest-1")
    assert is_stream_name("main")
    assert not is_stream_name("a/b")


def test_a_problem_says_what_clients_need() -> None:
    problem = Problem(409, "Name taken", "choose another")
    assert problem.to_dict("r-1") == {
        "type": "about:blank",
        "title": "Name taken",
        "status": 409,
        "detail": "choose another",
        "request_id": "r-1",
    }
