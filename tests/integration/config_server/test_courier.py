"""The real courier with a real broker on the PKI that `ca init` makes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from config_server.actor import Actor
from config_server.records import Site
from config_server.registry import Change, NewDevice, add_site, register_device
from config_server.settings import ConfigSettings
from config_server.store.registry import Store
from config_server.tokens import EVERY_SCOPE
from deploy.mosquitto.config import write_config
from fleet import topics
from fleet.pki import read_crl
from tests.support.config_server import environment_of, prepare_home
from tests.support.ports import free_port
from tests.support.registry_ear import heard_by_ingest
from tests.support.waiting import wait_until

DEADLINE_S = 20.0


@dataclass
class Host:
    """A home with broker and courier that a test starts and kills."""

    settings: ConfigSettings
    given: dict[str, Any]
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_broker(self) -> subprocess.Popen[bytes]:
        config = write_config(self.settings)
        return self._start(["mosquitto", "-c", str(config)])

    def start_courier(self) -> subprocess.Popen[bytes]:
        return self._start([sys.executable, "-m", "config_server.courier"])

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.settings.courier_port}/healthz").json()
        return answer

    def wait_well(self) -> None:
        wait_until(self._is_well, DEADLINE_S, "the courier is well")

    def register(self, name: str, device_id: str, site: Site | None = None) -> None:
        store = Store(self.settings.config_database)
        change = Change(Actor("test", frozenset(EVERY_SCOPE)), None, datetime.now(UTC))
        with store.writing() as tx:
            if site:
                add_site(tx, site, change)
            register_device(tx, NewDevice(name, device_id, site.site_id if site else None), change)
        store.close()

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
            process.wait(DEADLINE_S)

    def _is_well(self) -> bool:
        try:
            return bool(self.health()["state"] == "ok")
        except httpx.TransportError:
            return False

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.defpath + ":/usr/sbin", **environment_of(self.settings, self.given)}
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        self._running.append(process)
        return process


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    ports = ("broker_port", "broker_servers_port", "courier_port")
    given = {port: free_port() for port in ports} | {"courier_round_s": 0.1}
    made = Host(prepare_home(tmp_path / "home", **given), given)
    try:
        yield made
    finally:
        made.stop()


def test_registry_facts_reach_ingest_and_survive_a_lost_broker_state(host: Host) -> None:
    topic = topics.registry("cam-front-gate")
    host.register("Poartă față", "cam-front-gate", Site("yard", "North yard", "Europe/Bucharest"))
    broker = host.start_broker()
    host.start_courier()
    with heard_by_ingest(host.settings) as heard:
        facts = wait_until(lambda: heard.get(topic), DEADLINE_S, "the facts arrive")
        assert (facts.name, facts.site_name, facts.time_zone) == ("Poartă față", "North yard", "Europe/Bucharest")
        assert facts.state == "pending"

        broker.kill()
        broker.wait()
        (host.settings.home.path / "broker" / "data" / "mosquitto.db").unlink(missing_ok=True)
        heard.clear()
        host.start_broker()
        wait_until(lambda: topic in heard, DEADLINE_S, "the facts are there again")


def test_a_killed_courier_goes_on_where_it_was(host: Host) -> None:
    host.start_broker()
    first = host.start_courier()
    host.wait_well()
    first.send_signal(signal.SIGKILL)
    first.wait()
    host.register("Back door", "cam-back-door")
    host.start_courier()
    with heard_by_ingest(host.settings) as heard:
        wait_until(lambda: topics.registry("cam-back-door") in heard, DEADLINE_S, "the new camera's facts")


def test_health_tells_the_broker_and_the_crls_apart(host: Host) -> None:
    host.start_courier()
    wait_until(lambda: _answers(host), DEADLINE_S, "the courier answers")
    health = host.health()
    assert health["state"] == "degraded"
    assert health["checks"]["broker"] == "not connected"
    assert health["checks"]["certificates"]["failure"] is None

    host.start_broker()
    host.wait_well()
    metrics = f"http://127.0.0.1:{host.settings.courier_port}/metrics"
    wait_until(lambda: "camfleet_broker_clients_connected 1.0" in httpx.get(metrics).text, DEADLINE_S, "$SYS")
    assert "camfleet_courier_broker_connected 1.0" in httpx.get(metrics).text


def test_a_round_renews_what_is_broken_signs_a_crl_and_reloads_the_broker(host: Host) -> None:
    home = host.settings.home
    crl = home.credentials("broker").folder / "cameras.crl.pem"
    _make_care_due(host.settings)
    before = read_crl(crl.read_bytes()).number
    host.start_broker()
    home.credentials("nginx").certificate.write_bytes(b"garbage")
    host.start_courier()
    wait_until(lambda: read_crl(crl.read_bytes()).number > before, DEADLINE_S, "a fresh CRL")
    log = home.log / "broker.log"
    wait_until(lambda: "Reloading config." in log.read_text(), DEADLINE_S, "the broker reloads")
    nginx = home.credentials("nginx").certificate
    wait_until(lambda: nginx.read_bytes().startswith(b"-----BEGIN CERTIFICATE"), DEADLINE_S, "nginx's new certificate")
    # Its own errors: a probe that hangs up is told as `OpenSSL Error`.
    assert ": Error" not in log.read_text()


def test_a_courier_on_a_taken_port_says_so_in_one_line(host: Host) -> None:
    host.start_courier()
    wait_until(lambda: _answers(host), DEADLINE_S, "the first courier answers")
    environment = {"PATH": os.defpath, **environment_of(host.settings, host.given)}
    command = [sys.executable, "-m", "config_server.courier"]
    second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S)
    assert second.returncode == 3
    assert "CAMFLEET_COURIER_PORT" in second.stderr


def _answers(host: Host) -> bool:
    try:
        return bool(host.health())
    except httpx.TransportError:
        return False


def _make_care_due(settings: ConfigSettings) -> None:
    """Let the database say that the last CRL was signed two hours ago."""
    store = Store(settings.config_database)
    with store.writing() as tx:
        for record in tx.crls.all():
            tx.crls.put(replace(record, next_update=record.next_update - timedelta(hours=2)))
    store.close()
