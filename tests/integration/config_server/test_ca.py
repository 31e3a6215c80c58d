"""`ca init` and `ca renew`: what is made, what is renewed, and what an interruption leaves."""

import re
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_server.authorities import AuthorityMissing, load_authorities
from config_server.ca import Round, care, initialise
from config_server.secrets_files import read_secret
from config_server.settings import ConfigSettings
from config_server.store.registry import Store
from config_server.tokens import hash_of
from fleet.pki import new_key, read_certificate, read_crl
from fleet.settings import load
from tests.support.config_server import prepare_home

NOW = datetime.now(UTC)
HOLDERS = ("broker", "nginx", "srv-ingest-1", "srv-courier-1", "srv-kick-1")


@dataclass
class Host:
    """An initialised home without any program running."""

    settings: ConfigSettings
    store: Store

    def care(self, now: datetime = NOW) -> Round:
        return care(self.settings, self.store, load_authorities(self.settings), now)

    def certificate(self, holder: str) -> bytes:
        return self.settings.home.credentials(holder).certificate.read_bytes()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    settings = prepare_home(tmp_path / "home")
    made = Host(settings, Store(settings.config_database))
    yield made
    made.store.close()


def test_everything_in_a_home_is_for_its_owner_only(host: Host) -> None:
    for path in [host.settings.home.path, *host.settings.home.path.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_second_init_makes_nothing(host: Host) -> None:
    files = {path: path.read_bytes() for path in host.settings.home.pki.rglob("*.key")}
    assert initialise(host.settings, host.store, NOW) == []
    assert files == {path: path.read_bytes() for path in files}


def test_an_interrupted_init_is_finished_by_the_next(host: Host) -> None:
    home = host.settings.home
    (home.authorities / "issuing.pem").unlink()
    home.credentials("nginx").key.unlink()
    home.secret("admin.token").unlink()
    lines = initialise(host.settings, host.store, NOW)
    assert "made the CA issuing" in lines
    assert any("nginx" in line for line in lines)
    assert "made admin.token" in lines
    assert initialise(host.settings, host.store, NOW) == []


def test_a_new_admin_token_ends_the_old_one(host: Host) -> None:
    path = host.settings.home.secret("admin.token")
    old = read_secret(path)
    path.unlink()
    initialise(host.settings, host.store, NOW)
    with host.store.reading() as tx:
        before, after = tx.api_tokens.get(hash_of(old)), tx.api_tokens.get(hash_of(read_secret(path)))
    assert before
    assert before.revoked_at
    assert after
    assert after.revoked_at is None


def test_nothing_is_renewed_before_two_thirds_of_its_life(host: Host) -> None:
    assert host.care(NOW + timedelta(days=59)).renewed == []


def test_everything_is_renewed_after_two_thirds_of_its_life(host: Host) -> None:
    before = {holder: host.certificate(holder) for holder in HOLDERS}
    done = host.care(NOW + timedelta(days=61))
    assert done.holders == frozenset(HOLDERS)
    assert all(host.certificate(holder) != before[holder] for holder in HOLDERS)
    assert host.care(NOW + timedelta(days=61)).renewed == []


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_pair_that_does_not_match_is_made_anew(host: Host, holder: str) -> None:
    host.settings.home.credentials(holder).key.write_bytes(new_key())
    assert [item.holder for item in host.care().renewed] == [holder]
    assert host.care().renewed == []


def test_each_configured_ingest_process_has_a_certificate_and_no_other(host: Host) -> None:
    pki = host.settings.home.pki

    def processes(number: int) -> set[str]:
        wanted = load(ConfigSettings, CAMFLEET_HOME=host.settings.home.path, ingest_processes=number)
        assert initialise(wanted, host.store, NOW)
        assert initialise(wanted, host.store, NOW) == []
        return {folder.name for folder in pki.glob("srv-ingest-*")}

    assert processes(3) == {"srv-ingest-1", "srv-ingest-2", "srv-ingest-3"}
    serial = read_certificate(host.certificate("srv-ingest-3")).serial
    assert processes(2) == {"srv-ingest-1", "srv-ingest-2"}
    assert read_crl((pki / "broker" / "servers.crl.pem").read_bytes()).serials == {serial}
    assert processes(3) == {"srv-ingest-1", "srv-ingest-2", "srv-ingest-3"}
    again = read_certificate(host.certificate("srv-ingest-3")).serial
    assert again != serial
    # A command in a shell that does not know the number leaves what runs alone.
    assert host.care().renewed == []
    assert read_certificate(host.certificate("srv-ingest-3")).serial == again


def test_the_name_of_the_group_of_ingest_cannot_be_guessed_and_stays(host: Host) -> None:
    path = host.settings.home.secret("ingest.group")
    name = path.read_text()
    assert re.fullmatch(r"[a-z2-7]{24}", name)
    initialise(host.settings, host.store, NOW)
    assert path.read_text() == name


def test_a_host_with_another_name_gets_certificates_for_it(host: Host) -> None:
    renamed = load(ConfigSettings, CAMFLEET_HOME=host.settings.home.path, public_host="cams.example")
    done = care(renamed, host.store, load_authorities(renamed), NOW)
    assert done.holders == {"broker", "nginx"}
    assert "cams.example" in read_certificate(host.certificate("broker")).hosts


def test_every_round_signs_fresh_lists_with_rising_numbers(host: Host) -> None:
    path = host.settings.home.credentials("broker").folder / "cameras.crl.pem"
    first = read_crl(path.read_bytes())
    assert {crl.authority for crl in host.care().crls} == {"root", "issuing", "servers-root"}
    second = read_crl(path.read_bytes())
    assert second.number == first.number + 1
    assert second.next_update - NOW == pytest.approx(timedelta(days=7), abs=timedelta(seconds=2))


def test_a_revoked_certificate_is_on_the_next_list_until_it_expires(host: Host) -> None:
    serial = read_certificate(host.certificate("srv-ingest-1")).serial
    with sqlite3.connect(host.settings.home.config_database) as connection:
        statement = "UPDATE certificates SET revoked_at = ? WHERE subject = 'srv-ingest-1'"
        connection.execute(statement, [NOW.strftime("%Y-%m-%d %H:%M:%S.%f")])
    path = host.settings.home.credentials("broker").folder / "servers.crl.pem"
    host.care()
    assert read_crl(path.read_bytes()).serials == {serial}
    host.care(NOW + timedelta(days=91))
    assert serial not in read_crl(path.read_bytes()).serials


def test_the_root_key_may_be_kept_elsewhere(host: Host) -> None:
    (host.settings.home.authorities / "root.key").unlink()
    assert {crl.authority for crl in host.care().crls} == {"issuing", "servers-root"}


@pytest.mark.parametrize("name", ["issuing.key", "issuing.pem", "servers-root.key", "root.pem"])
def test_a_missing_ca_file_is_named(host: Host, name: str) -> None:
    (host.settings.home.authorities / name).unlink()
    with pytest.raises(AuthorityMissing, match=name):
        load_authorities(host.settings)


def test_a_wrong_passphrase_is_told_without_the_passphrase(host: Host) -> None:
    host.settings.home.secret("ca.key").write_text("something else")
    with pytest.raises(AuthorityMissing, match="not usable") as refused:
        load_authorities(host.settings)
    assert "something else" not in str(refused.value)


def test_every_certificate_of_this_host_is_recorded_and_audited(host: Host) -> None:
    with host.store.reading() as tx:
        for holder in HOLDERS:
            facts = read_certificate(host.certificate(holder))
            assert f"{facts.serial:x}" in {record.serial for record in tx.certificates.of_subject(facts.common_name)}
