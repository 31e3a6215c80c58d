"""Mosquitto's reloads fail open and are sometimes forgotten: what would let somebody in is noticed or undone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_server.authorities import load_authorities
from config_server.courier.control import BrokerFault, NotRunning, Refusals
from config_server.courier.mosquitto_control import MosquittoControl, check_access_file, check_lists
from config_server.courier.trial_broker import TrialBroker
from config_server.revocation import SignedCrl, sign_issuing_crls
from fleet.access_file import render_access_file
from fleet.home import write_file
from tests.support.revocation import CutoffHost, cutoff_host

NOW = datetime.now(UTC)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[CutoffHost]:
    with cutoff_host(tmp_path / "home") as made:
        yield made


def signed(host: CutoffHost) -> tuple[SignedCrl, ...]:
    with host.store.writing() as tx:
        return tuple(sign_issuing_crls(tx, load_authorities(host.settings), NOW))


def test_good_files_are_taken_and_the_denial_is_in_force(host: CutoffHost) -> None:
    host.start_broker()
    control = MosquittoControl(host.settings)
    refusals = Refusals(frozenset({"cam-thief"}), signed(host))
    control.deny(refusals)
    control.revoke(refusals)
    control.reload()
    control.prove(["cam-thief"])
    assert host.settings.home.access_file.read_text() == render_access_file(["cam-thief"])


@pytest.mark.parametrize("bad", ["rules", "lists"])
def test_a_trial_broker_refuses_what_a_reload_would_let_pass(host: CutoffHost, bad: str, tmp_path: Path) -> None:
    rules, lists = tmp_path / "rules", tmp_path / "lists"
    rules.write_text("user x\nnonsense\n" if bad == "rules" else render_access_file())
    lists.write_bytes(b"garbage" if bad == "lists" else b"".join(crl.pem for crl in signed(host)))
    with pytest.raises(BrokerFault, match=r"nonsense|certificate revocation file"):
        TrialBroker(host.settings.home).accept(rules, lists)


def test_rules_that_start_and_lock_everybody_out_are_refused() -> None:
    for text in ("", "pattern write fleet/v1/%u/up/#\npattern read fleet/v1/%u/down/#\n"):
        with pytest.raises(BrokerFault, match="lacks"):
            check_access_file(text, [])
    with pytest.raises(BrokerFault, match="cam-thief"):
        check_access_file(render_access_file(), ["cam-thief"])


def test_lists_that_start_and_lock_everybody_out_are_refused(host: CutoffHost) -> None:
    crls = signed(host)
    refusals = Refusals(frozenset(), crls)
    check_lists(refusals.crl_pem, refusals, NOW)
    with pytest.raises(BrokerFault, match="would be over"):
        check_lists(refusals.crl_pem, refusals, NOW + timedelta(days=5))
    with pytest.raises(BrokerFault, match="not 1"):
        check_lists(refusals.crl_pem * 2, refusals, NOW)
    with pytest.raises(BrokerFault, match="cannot be read"):
        check_lists(b"", refusals, NOW)


def test_an_error_at_a_reload_restarts_the_broker_which_fails_closed(host: CutoffHost) -> None:
    host.start_broker()
    file = host.settings.home.credentials("broker").folder / "cameras.crl.pem"
    good = file.read_bytes()
    file.write_bytes(b"garbage")

    def supervise() -> None:
        host.wait_ended("broker")
        write_file(file, good)
        host.start_broker()

    supervisor = threading.Thread(target=supervise)
    supervisor.start()
    control = MosquittoControl(host.settings)
    with pytest.raises(BrokerFault, match="restarted, it could not load its files"):
        control.reload()
    supervisor.join(30)
    control.reload()


def test_reloads_that_are_asked_for_at_once_are_all_answered(host: CutoffHost) -> None:
    host.start_broker()
    control = MosquittoControl(host.settings)
    with ThreadPoolExecutor(4) as pool:
        for answer in [pool.submit(control.reload) for _ in range(8)]:
            answer.result(60)


def test_a_broker_that_lets_the_canary_in_proves_nothing(host: CutoffHost) -> None:
    issuing = load_authorities(host.settings).issuing
    file = host.settings.home.credentials("broker").folder / "cameras.crl.pem"
    write_file(file, issuing.sign_crl([], 99, NOW, timedelta(days=7)))
    host.start_broker()
    with pytest.raises(BrokerFault, match="it was let in"):
        MosquittoControl(host.settings).prove([])


def test_without_a_broker_that_is_said(host: CutoffHost) -> None:
    control = MosquittoControl(host.settings)
    with pytest.raises(NotRunning, match="when it starts"):
        control.reload()
    with pytest.raises(BrokerFault, match="proof is open"):
        control.prove([])
    with pytest.raises(BrokerFault, match="srv-kick-1"):
        control.kick(["cam-thief"])
