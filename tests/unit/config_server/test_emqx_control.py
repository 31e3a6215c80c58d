"""Cutting off at EMQX, against a small server that answers its REST API as EMQX.md says a real one does."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from config_server.courier.control import BrokerFault, CameBack, Refusals
from config_server.courier.controls import control_of
from config_server.courier.emqx_control import RULES, EmqxControl
from config_server.settings import ConfigSettings
from fleet.settings import SettingsError, load

API_KEY = Path(os.environ.get("CAMFLEET_TEST_EMQX", "/nowhere")) / "api-key"
OTHER_BAN = {"as": "clientid", "who": "cam-banned-by-a-person", "by": "dashboard"}


@dataclass
class FakeEmqx:
    """One node: connected clients, bans, rules; `broken` answers everything with 500."""

    clients: set[str] = field(default_factory=set)
    bans: list[dict[str, Any]] = field(default_factory=lambda: [dict(OTHER_BAN)])
    rules: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False
    has_database: bool = True

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        self.asked.append(f"{method} {url}")
        path = urlsplit(url).path
        if self.broken:
            return 500, {"code": "INTERNAL_ERROR"}
        if path.startswith("/api/v5/clients/"):
            return self._client(method, path.rsplit("/", 1)[1])
        if path.startswith("/api/v5/banned"):
            return self._ban(method, url, body)
        if path.startswith(RULES) and self.has_database:
            return self._rule(method, path, body)
        return 404, {"code": "NOT_FOUND"}

    def banned(self) -> set[str]:
        return {ban["who"] for ban in self.bans}

    def _client(self, method: str, client: str) -> tuple[int, Any]:
        if client not in self.clients:
            return 404, {"code": "CLIENTID_NOT_FOUND"}
        if method == "DELETE":
            self.clients.discard(client)
            return 204, None
        return 200, {"clientid": client, "connected": True}

    def _ban(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            if body["who"] in self.banned():
                return 400, {"code": "ALREADY_EXISTS"}
            self.bans.append(body)
            return 200, body
        if method == "DELETE":
            who = url.rsplit("/", 1)[1]
            self.bans = [ban for ban in self.bans if ban["who"] != who]
            return 204, None
        asked = parse_qs(urlsplit(url).query)
        page, limit = int(asked["page"][0]), int(asked["limit"][0])
        return 200, {"data": self.bans[(page - 1) * limit : page * limit], "meta": {"count": len(self.bans)}}

    def _rule(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        who = path.removeprefix(RULES).strip("/")
        if method == "POST":
            self.rules |= {rule["clientid"]: rule["rules"] for rule in body}
            return 204, None
        if who not in self.rules:
            return 404, {"code": "NOT_FOUND"}
        if method == "DELETE":
            del self.rules[who]
        else:
            self.rules[who] = body["rules"]
        return 204, None


@dataclass(frozen=True)
class Rig:
    fake: FakeEmqx
    control: EmqxControl


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    fake = FakeEmqx()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers["Authorization"] == "Basic a2V5OnNlY3JldA=="
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            status, body = fake.answer(self.command, self.path, sent) if allowed else (401, {"code": "BAD_API_KEY"})
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  (names that http.server asks for)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    control = control_at(f"http://127.0.0.1:{server.server_port}", "key:secret\n", tmp_path)
    yield Rig(fake, control)
    control.client.close()
    server.shutdown()
    server.server_close()


def control_at(url: str, key: str, folder: Path) -> EmqxControl:
    (folder / "key").write_text(key)
    given = {"broker_kind": "emqx", "emqx_api_url": url, "emqx_api_key_file": folder / "key"}
    control = control_of(load(ConfigSettings, CAMFLEET_HOME=folder, **given))
    assert isinstance(control, EmqxControl)
    return control


def refusing(*denied: str) -> Refusals:
    return Refusals(frozenset(denied), ())


def cut_off(control: EmqxControl, *denied: str) -> None:
    control.deny(refusing(*denied))
    control.revoke(refusing(*denied))
    control.reload()
    hold = control.kick(denied)
    control.prove(denied)
    hold.keep()
    hold.release()


def test_a_camera_is_banned_denied_and_thrown_out(rig: Rig) -> None:
    rig.fake.clients |= {"cam-thief", "cam-neighbour"}
    cut_off(rig.control, "cam-thief")
    assert rig.fake.clients == {"cam-neighbour"}
    assert "cam-thief" in rig.fake.banned()
    assert rig.fake.rules == {"cam-thief": [{"topic": "#", "permission": "deny", "action": "all"}]}


def test_every_step_may_be_taken_again_after_a_crash(rig: Rig) -> None:
    cut_off(rig.control, "cam-thief")
    cut_off(rig.control, "cam-thief")
    assert sorted(rig.fake.banned()) == ["cam-banned-by-a-person", "cam-thief"]


def test_who_is_no_longer_denied_goes_free_and_other_peoples_bans_stay(rig: Rig) -> None:
    cut_off(rig.control, "cam-thief", "cam-second")
    rig.control.deny(refusing("cam-second"))
    assert rig.fake.banned() == {"cam-banned-by-a-person", "cam-second"}
    assert set(rig.fake.rules) == {"cam-second"}


def test_a_node_without_the_database_of_rules_still_bans_and_kicks(rig: Rig) -> None:
    rig.fake.has_database = False
    rig.fake.clients.add("cam-thief")
    cut_off(rig.control, "cam-thief")
    assert "cam-thief" in rig.fake.banned()
    assert rig.fake.clients == set()


def test_a_camera_that_is_back_is_noticed(rig: Rig) -> None:
    rig.control.deny(refusing("cam-thief"))
    hold = rig.control.kick(["cam-thief"])
    rig.fake.clients.add("cam-thief")
    with pytest.raises(CameBack, match="cam-thief"):
        hold.keep()


def test_a_ban_that_is_not_there_is_no_proof(rig: Rig) -> None:
    with pytest.raises(BrokerFault, match="ban of cam-thief"):
        rig.control.prove(["cam-thief"])


def test_a_node_that_fails_refuses_or_is_away_is_named(rig: Rig, tmp_path: Path) -> None:
    rig.fake.broken = True
    with pytest.raises(BrokerFault, match="EMQX answered 500 to GET /api/v5/banned"):
        rig.control.deny(refusing("cam-thief"))
    with pytest.raises(BrokerFault, match="EMQX answered 401"):
        control_at(str(rig.control.client.base_url), "wrong:key", tmp_path).deny(refusing())
    with pytest.raises(BrokerFault, match="does not answer"):
        control_at("http://127.0.0.1:1", "key:secret", tmp_path).deny(refusing())


def test_a_thousand_bans_are_read_page_by_page(rig: Rig) -> None:
    denied = [f"cam-stolen-{number:04}" for number in range(1005)]
    rig.fake.bans += [{"as": "clientid", "who": who, "by": "camfleet-courier"} for who in denied]
    rig.control.prove(denied[:1] + denied[-1:])


def test_a_missing_key_is_a_setting_to_name(tmp_path: Path) -> None:
    for more in ({}, {"emqx_api_key_file": tmp_path / "nowhere"}):
        with pytest.raises(SettingsError, match="CAMFLEET_EMQX_API_KEY_FILE"):
            control_of(load(ConfigSettings, CAMFLEET_HOME=tmp_path, broker_kind="emqx", **more))


@pytest.mark.skipif(not API_KEY.exists(), reason="CAMFLEET_TEST_EMQX names no EMQX with a file api-key (key:secret)")
def test_a_real_emqx_takes_the_same_calls(tmp_path: Path) -> None:
    control = control_at("http://127.0.0.1:18083", API_KEY.read_text(), tmp_path)
    cut_off(control, "cam-test-of-cutting-off")
    control.deny(refusing())
    with pytest.raises(BrokerFault, match="does not list the ban"):
        control.prove(["cam-test-of-cutting-off"])
