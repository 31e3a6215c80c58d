"""config_server's own settings."""

from datetime import timedelta
from pathlib import Path

import pytest

from config_server.host_credentials import host_names
from config_server.settings import ConfigSettings
from fleet.settings import SettingsError, load


def test_the_defaults_stand_for_one_host(tmp_path: Path) -> None:
    settings = load(ConfigSettings, CAMFLEET_HOME=tmp_path)
    assert settings.enrolment_token_life == timedelta(days=1)
    assert settings.public_host == "localhost"


@pytest.mark.parametrize("host", ["cams.example", "192.0.2.7", "2001:db8::1", "xn--mnchen-3ya.example"])
def test_host_names_and_addresses_are_taken(tmp_path: Path, host: str) -> None:
    assert load(ConfigSettings, CAMFLEET_HOME=tmp_path, public_host=host).public_host == host


@pytest.mark.parametrize("host", ["münchen.example", "a b", "https://x", "a/b", "x" * 254])
def test_a_host_that_no_certificate_can_name_is_refused_by_its_variable(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="CAMFLEET_PUBLIC_HOST"):
        load(ConfigSettings, CAMFLEET_HOME=tmp_path, public_host=host)


def test_a_host_is_known_by_its_public_name_and_on_itself() -> None:
    names = host_names("cams.example")
    assert names[0] == "cams.example"
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rate", ["sixty", "60", "", "60 per fortnight", "-1 per minute"])
@pytest.mark.parametrize("name", ["enrolment_rate", "open_rate"])
def test_a_rate_that_cannot_be_read_is_refused_by_its_variable(tmp_path: Path, name: str, rate: str) -> None:
    with pytest.raises(SettingsError, match=f"CAMFLEET_{name.upper()}"):
        load(ConfigSettings, CAMFLEET_HOME=tmp_path, **{name: rate})


def test_several_rates_can_be_given_together(tmp_path: Path) -> None:
    both = "60 per minute; 500 per hour"
    assert load(ConfigSettings, CAMFLEET_HOME=tmp_path, open_rate=both).open_rate == both
