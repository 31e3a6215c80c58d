"""Who is served by which settings, and what is said where one cannot be."""

import sys
import threading
from pathlib import Path

import pytest

from dashboard.forwarder.wiring import Wiring
from deploy.supervisor.programs import server_programs
from fleet.home import write_file
from fleet.settings import ServerSettings, SettingsError, load
from tests.unit.dashboard.forwarder.test_follower import FakeStore

LINE = b"https://hooks.example.org/a sixteen-letters-or-more\nhttps://hooks.example.org/b sixteen-letters-or-more\n"


def names(**given: object) -> list[str]:
    wiring = Wiring(load(ServerSettings, **given), FakeStore(0), threading.Event())
    return [follower.target.name for follower in wiring.followers()]


def test_each_configured_target_has_a_follower_with_a_name_of_its_own(tmp_path: Path) -> None:
    write_file(tmp_path / "webhooks", LINE)
    found = names(kafka_servers="127.0.0.1:9", webhook_urls_file=tmp_path / "webhooks")
    assert (found[0], len(set(found))) == ("kafka", 3)


def test_without_confluent_kafka_the_setting_gives_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.delitem(sys.modules, "dashboard.forwarder.kafka", raising=False)
    with pytest.raises(SettingsError) as refused:
        names(kafka_servers="127.0.0.1:9")
    assert refused.value.problems == (
        "CAMFLEET_KAFKA_SERVERS: confluent-kafka is not installed: pip install 'camfleet[kafka]'",
    )


def test_a_ca_file_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "webhooks", LINE)
    write_file(tmp_path / "ca", b"nothing")
    for file in ("ca", "missing"):
        monkeypatch.setenv("CAMFLEET_WEBHOOK_CA_FILE", str(tmp_path / file))
        with pytest.raises(SettingsError, match="CAMFLEET_WEBHOOK_CA_FILE"):
            names(webhook_urls_file=tmp_path / "webhooks")


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, False), ({"kafka_servers": "one:9092"}, True), ({"webhook_urls_file": Path("webhooks")}, True)],
)
def test_the_supervisor_starts_the_forwarder_only_when_a_target_is_configured(
    given: dict[str, object], expected: bool
) -> None:
    programs = server_programs(load(ServerSettings, **given))
    assert ("forwarder" in {program.name for program in programs}) == expected
