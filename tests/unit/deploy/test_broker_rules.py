"""Both brokers' files say what fleet.access says, and nothing that opens the house by default."""

import re
from pathlib import Path

import pytest

from deploy import emqx_access
from deploy.mosquitto.config import render_config
from deploy.templates import ROOT, TemplateMismatch, fill
from fleet.access import CAMERA_RULES, SERVER_RULES
from fleet.access_file import render_access_file
from fleet.settings import ServerSettings, load


def blocks(text: str) -> dict[str, list[str]]:
    """Return the lines of each `user` block of a Mosquitto ACL file; patterns under ''."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        if line.startswith("user "):
            name = line.removeprefix("user ")
            found[name] = []
        elif line.startswith("pattern "):
            found[""].append(line)
        elif line and not line.startswith("#"):
            found[name].append(line)
    return found


def test_a_camera_has_exactly_two_lines() -> None:
    assert blocks(render_access_file())[""] == ["pattern write fleet/v1/%u/up/#", "pattern read fleet/v1/%u/down/#"]


@pytest.mark.parametrize("server", list(SERVER_RULES))
def test_a_server_has_its_rights_and_no_tree_of_a_camera(server: str) -> None:
    lines = blocks(render_access_file())[server]
    allowed = [line for line in lines if not line.startswith("topic deny")]
    assert allowed == [f"topic {rule.access} {rule.topic_filter}" for rule in SERVER_RULES[server]]


def test_denied_cameras_stand_before_the_patterns() -> None:
    text = render_access_file(["cam-00002", "cam-00001"])
    assert blocks(text)["cam-00001"] == ["topic deny #"]
    assert text.index("user cam-00001") < text.index("user cam-00002") < text.index("pattern")


@pytest.mark.parametrize("name", ["cam-00001\npattern write #", "srv-ingest-1", "cam-+", ""])
def test_only_device_ids_can_be_denied(name: str) -> None:
    with pytest.raises(ValueError, match="is not a device id"):
        render_access_file([name])


def test_the_committed_emqx_rules_are_those_of_fleet_access() -> None:
    assert (ROOT / "emqx" / "acl.conf").read_text() == emqx_access.render_access_file()


def test_emqx_rules_allow_what_mosquitto_allows_and_deny_the_rest() -> None:
    rules = [line for line in emqx_access.render_access_file().splitlines() if line.startswith("{")]
    form = re.compile(r'\{allow, \{username, .+\}, (subscribe|publish), \["([^"]+)"\]\}\.')
    allowed = {(found[1], found[2]) for line in rules if (found := form.fullmatch(line))}
    all_rules = [*CAMERA_RULES, *(rule for rules in SERVER_RULES.values() for rule in rules)]
    wanted = {
        ("subscribe" if rule.access == "read" else "publish", rule.topic_filter.replace("%u", "${username}"))
        for rule in all_rules
    }
    assert allowed == wanted
    assert rules[-1] == "{deny, all}."


@pytest.mark.parametrize(
    "line",
    [
        "verify = verify_peer",
        "fail_if_no_peer_cert = true",
        "no_match = deny",
        "peer_cert_as_username = cn",
        "peer_cert_as_clientid = cn",
        "listeners.tcp.default.enable = false",
        "enable_crl_check = true",
    ],
)
def test_emqx_leaves_no_dangerous_default(line: str) -> None:
    lines = [each.strip() for each in (ROOT / "emqx" / "emqx.conf").read_text().splitlines()]
    assert line in lines


def test_emqx_braces_and_quotes_close() -> None:
    text = re.sub(r"##.*", "", (ROOT / "emqx" / "emqx.conf").read_text())
    assert text.count("{") == text.count("}")
    assert text.count("[") == text.count("]")
    assert text.count('"') % 2 == 0


@pytest.mark.parametrize("as_root", [True, False])
def test_the_broker_stays_with_whoever_owns_the_state_folder(tmp_path: Path, as_root: bool) -> None:
    config = render_config(load(ServerSettings, CAMFLEET_HOME=tmp_path), as_root=as_root)
    assert ("\nuser root\n" in config) is as_root


def test_the_broker_has_two_listeners_and_both_ask_for_certificates_and_crls(tmp_path: Path) -> None:
    config = render_config(load(ServerSettings, CAMFLEET_HOME=tmp_path), as_root=False)
    listeners = re.split(r"^listener ", config, flags=re.MULTILINE)[1:]
    assert [text.split("\n")[0] for text in listeners] == ["8883 127.0.0.1", "8884 127.0.0.1"]
    for text in listeners:
        assert "require_certificate true" in text
        assert "use_identity_as_username true" in text
        assert "crlfile " in text
    assert "use_username_as_clientid" in listeners[0]
    assert "use_username_as_clientid" not in listeners[1]


@pytest.mark.parametrize("values", [{}, {"A": 1, "B": 2}])
def test_a_template_wants_exactly_its_own_values(values: dict[str, object]) -> None:
    with pytest.raises(TemplateMismatch):
        fill("x @A@ y", values)


def test_a_template_is_filled() -> None:
    assert fill("x @A@ $host", {"A": 1}) == "x 1 $host"
