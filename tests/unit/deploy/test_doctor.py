"""The doctor: each trouble is named with its fix, and a well host has none."""

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.supervisor.doctor import Finding, Grade, examine, told
from deploy.supervisor.identity import identify
from deploy.supervisor.programs import site_of
from deploy.supervisor.records import Record, State
from fleet.home import write_file
from fleet.pki import host_profile
from fleet.settings import ServerSettings, load
from tests.support.authorities import Authorities
from tests.support.ports import free_port

PORTS = ("broker", "broker_servers", "https", "http", "crl", "dashboard", "config", "feed", "ingest", "courier")


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = load(ServerSettings, CAMFLEET_HOME=home, **{f"{name}_port": free_port() for name in PORTS})
    Authorities().write_broker(made.home.credentials("broker").folder)
    return made


def faults(settings: ServerSettings) -> list[Finding]:
    return [finding for finding in examine(settings, site_of(settings)) if finding.is_fault]


def the_fault(settings: ServerSettings) -> Finding:
    found = faults(settings)
    assert len(found) == 1, told(found)
    assert found[0].fix
    return found[0]


def test_a_well_host_has_no_fault(settings: ServerSettings) -> None:
    assert faults(settings) == []


def test_a_busy_port_is_named_with_its_holder(settings: ServerSettings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", settings.https_port))
        holder.listen()
        assert f"127.0.0.1:{settings.https_port} is held by" in the_fault(settings).text


def test_an_expired_certificate_is_a_fault(settings: ServerSettings) -> None:
    authorities = Authorities()
    ended = replace(host_profile("host-broker", ["localhost"]), life=timedelta(minutes=-5))
    authorities.write_credentials(settings.home.credentials("broker").folder, authorities.issuing, ended)
    assert "expired" in the_fault(settings).text


def test_a_certificate_that_is_due_is_a_note(settings: ServerSettings) -> None:
    authorities = Authorities()
    due = replace(host_profile("host-broker", ["localhost"]), life=timedelta(minutes=5))
    authorities.write_credentials(settings.home.credentials("broker").folder, authorities.issuing, due)
    assert faults(settings) == []
    notes = [each.text for each in examine(settings, site_of(settings)) if each.grade is Grade.NOTE]
    assert any("due for renewal" in text for text in notes)


def test_an_unreadable_certificate_is_a_fault(settings: ServerSettings) -> None:
    write_file(settings.home.credentials("broker").certificate, b"rubbish")
    assert "certificate.pem" in the_fault(settings).text


def test_a_crl_that_is_over_is_a_fault(settings: ServerSettings) -> None:
    issuing, now = Authorities().issuing, datetime.now(UTC)
    over = issuing.sign_crl([], 1, now - timedelta(days=2), timedelta(days=1))
    write_file(settings.home.credentials("broker").folder / "cameras.crl.pem", over)
    assert "refuses everybody" in the_fault(settings).text


def test_a_crl_with_less_than_three_days_left_is_an_alert(settings: ServerSettings) -> None:
    issuing, now = Authorities().issuing, datetime.now(UTC)
    lists = [issuing.sign_crl([], days, now, timedelta(days=days)) for days in (7, 2)]
    write_file(settings.home.credentials("broker").folder / "cameras.crl.pem", b"".join(lists))
    assert "signed a new one" in the_fault(settings).text


def test_an_issuing_ca_near_its_end_is_noted_with_the_command(settings: ServerSettings) -> None:
    begun = datetime.now(UTC) - timedelta(days=365 * 5 - 100)
    ending = Authorities().root.new_issuing("Camfleet old issuing", begun)
    write_file(settings.home.authorities / "issuing.pem", ending.certificate_pem)
    assert faults(settings) == []
    assert "camfleet ca rotate-issuing" in told(examine(settings, site_of(settings)))


def test_an_unreadable_crl_is_a_fault(settings: ServerSettings) -> None:
    write_file(settings.home.credentials("broker").folder / "cameras.crl.pem", b"")
    assert "cameras.crl.pem" in the_fault(settings).text


def test_a_state_folder_that_others_may_enter_is_a_fault(settings: ServerSettings) -> None:
    settings.home.path.chmod(0o755)
    assert "chmod 700" in the_fault(settings).fix


def test_programs_without_a_supervisor_are_a_fault(settings: ServerSettings) -> None:
    record = Record("broker", 0, identity=identify(os.getpid()), state=State.HEALTHY)
    site_of(settings).records.save(record)
    assert "without a supervisor" in the_fault(settings).text


def test_frequent_restarts_are_a_note(settings: ServerSettings) -> None:
    site_of(settings).records.save(Record("ingest", 1, restarts=5))
    text = told(examine(settings, site_of(settings)))
    assert "ingest was restarted 5 times → ./managed_start.sh logs ingest" in text
