"""The agent's settings: file, environment over it, defaults under it, every problem at once."""

from pathlib import Path

import pytest

from camera_agent.home import AgentHome
from camera_agent.settings import find_home, origins, read_settings
from fleet.settings import SettingsError

GOOD = """
device_id = "cam-front-1"
broker_host = "broker.example"
[streams.main]
source = "usb:0"
"""


@pytest.fixture
def home(tmp_path: Path) -> AgentHome:
    (tmp_path / "agent.toml").write_text(GOOD)
    return AgentHome(tmp_path)


def problems(home: AgentHome, text: str) -> list[str]:
    home.settings.write_text(text)
    with pytest.raises(SettingsError) as refused:
        read_settings(home)
    return list(refused.value.problems)


def test_what_is_not_written_has_its_default(home: AgentHome) -> None:
    settings = read_settings(home)
    assert (settings.broker_port, settings.health_interval_s) == (8883, 15)
    main = settings.streams["main"]
    assert (main.source, main.fps, main.threshold, main.loop, main.crop) == ("usb:0", 5, 0.4, True, None)


def test_the_environment_wins_over_the_file(home: AgentHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_BROKER_HOST", "other.example")
    assert read_settings(home).broker_host == "other.example"


def test_each_setting_says_where_it_came_from(home: AgentHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMFLEET_AGENT_BROKER_PORT", "9999")
    assert origins(home) == {
        "device_id": "agent.toml",
        "broker_host": "agent.toml",
        "broker_port": "CAMFLEET_AGENT_BROKER_PORT",
        "server": "default",
        "reconnect_spread_s": "default",
        "health_interval_s": "default",
        "renew_after_share": "default",
        "renew_jitter_share": "default",
        "outbox_limit_bytes": "default",
        "backfill_rate": "default",
        "ledger": "default",
        "log_level": "default",
        "streams": "agent.toml",
    }


def test_all_problems_are_named_at_once(home: AgentHome) -> None:
    text = """
    device_id = "front door"
    broker_port = 99999
    brokr_host = "x"
    [streams.main]
    source = "usb:0"
    fps = 0
    speed = 3
    [streams."Front Door"]
    source = "usb:0"
    """
    said = "\n".join(problems(home, text))
    for part in ("BROKER_PORT", "BROKER_HOST", "'brokr_host'", "[streams.main] fps", "[streams.main] speed"):
        assert part in said
    assert "[streams.Front Door]: a stream's name" in said


@pytest.mark.parametrize("name", ["front", "cam-", "srv-ingest-1", "cam-UPPER", "cam-a/b"])
def test_a_device_id_that_is_none_is_refused(home: AgentHome, name: str) -> None:
    [said] = problems(home, GOOD.replace("cam-front-1", name))
    assert "DEVICE_ID" in said


@pytest.mark.parametrize("crop", ["[0, 0, 2, 1]", "[0.5, 0, 0.6, 1]", "[0, 0, 0, 1]", "[0, 0, 1]", '"all"'])
def test_a_crop_outside_the_frame_is_refused(home: AgentHome, crop: str) -> None:
    assert any("[streams.main] crop" in said for said in problems(home, f"{GOOD}crop = {crop}\n"))


def test_a_good_crop_and_labels_are_taken(home: AgentHome) -> None:
    home.settings.write_text(f'{GOOD}crop = [0.1, 0, 0.9, 0.5]\nlabels = ["person"]\n')
    main = read_settings(home).streams["main"]
    assert (main.crop, main.labels) == ((0.1, 0, 0.9, 0.5), ("person",))


def test_no_stream_is_said_with_an_example(home: AgentHome) -> None:
    said = problems(home, GOOD.split("[streams")[0])
    assert any("[streams.main]" in line and "source" in line for line in said)


def test_streams_that_are_no_sections_are_refused(home: AgentHome) -> None:
    assert any("[streams]" in line for line in problems(home, GOOD.split("[streams")[0] + "streams = 3\n"))


def test_a_file_that_is_no_toml_is_named(home: AgentHome) -> None:
    [said] = problems(home, "device_id = = 3")
    assert "agent.toml" in said


def test_a_missing_file_names_the_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="camfleet-agent enroll"):
        read_settings(AgentHome(tmp_path))


def test_the_home_is_the_flag_then_the_environment_then_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home(None).path == tmp_path / "camera"
    monkeypatch.setenv("CAMFLEET_AGENT_HOME", "/somewhere")
    assert find_home(None).path == Path("/somewhere")
    assert find_home(Path("else")).path == tmp_path / "else"
