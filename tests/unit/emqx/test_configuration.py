"""emqx/*.conf by a real HOCON parser: every key is one that EMQX 5.8 takes, with a value that it takes."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pyhocon import ConfigFactory, ConfigTree

from tests.support.markdown import ROOT

FOLDER = ROOT / "emqx"
BASE = (FOLDER / "emqx.conf").read_text()
VARIANTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("cluster-*.conf"))}
FILES = {"emqx.conf": BASE, **{name: BASE + text for name, text in VARIANTS.items()}}
each_file = pytest.mark.parametrize("name", FILES)

Check = Callable[[Any], bool]


def one_of(*values: str) -> Check:
    return lambda value: value in values


def matching(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def whole(least: int, most: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def duration(value: Any) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def flag(value: Any) -> bool:
    return isinstance(value, bool)


size, rate, path = matching(r"\d+(KB|MB)"), matching(r"\d+(KB|MB)?/s"), matching(r"(/[a-z0-9.-]+)+")
address, node_name = matching(r"(\d+\.){3}\d+:\d+"), matching(r"[a-z]+@[a-z0-9.-]+")
LISTENER = r"listeners\.ssl\.(default|servers)"
SEEN, MANUAL = "seen", "manual"

# Key path → what EMQX takes there. SEEN: on a running 5.8.9 of the community edition (shared notes of this project);
# MANUAL: by the manual of 5.8 alone, because the group was seen there but not each key of it.
ACCEPTED: dict[str, tuple[Check, str]] = {
    r"node\.name": (node_name, SEEN),
    r"node\.data_dir": (path, MANUAL),
    r"cluster\.name": (matching(r"[a-z]+"), MANUAL),
    r"cluster\.discovery_strategy": (one_of("manual", "static", "singleton", "dns", "etcd", "k8s"), SEEN),
    r"cluster\.static\.seeds": (list_of(node_name), SEEN),
    r"cluster\.dns\.record_type": (one_of("a", "srv"), MANUAL),
    r"cluster\.dns\.name": (matching(r"[a-z0-9.-]+"), MANUAL),
    r"cluster\.autoheal": (flag, MANUAL),
    r"cluster\.autoclean": (duration, MANUAL),
    r"mqtt\.peer_cert_as_(username|clientid)": (one_of("cn", "dn", "crt", "pem", "md5", "disabled"), SEEN),
    r"mqtt\.max_packet_size": (size, MANUAL),
    r"mqtt\.max_topic_levels": (whole(1, 65535), MANUAL),
    r"mqtt\.max_inflight": (whole(1, 65535), MANUAL),
    r"mqtt\.max_mqueue_len": (whole(0, 2**31), SEEN),
    r"mqtt\.(mqueue_store_qos0|shared_subscription)": (flag, MANUAL),
    r"mqtt\.session_expiry_interval": (duration, SEEN),
    r"mqtt\.server_keepalive": (lambda value: value == "disabled" or whole(1, 65535)(value), MANUAL),
    r"mqtt\.retry_interval": (lambda value: value == "infinity" or duration(value), MANUAL),
    r"listeners\.(tcp|ws|wss)\.default\.enable": (flag, MANUAL),
    rf"{LISTENER}\.bind": (address, SEEN),
    rf"{LISTENER}\.(max_connections|acceptors)": (whole(1, 1_000_000), SEEN),
    rf"{LISTENER}\.(max_conn_rate|messages_rate|bytes_rate)": (rate, SEEN),
    rf"{LISTENER}\.enable_authn": (lambda value: flag(value) or value == "quick_deny_anonymous", SEEN),
    rf"{LISTENER}\.ssl_options\.versions": (list_of(one_of("tlsv1.3", "tlsv1.2")), SEEN),
    rf"{LISTENER}\.ssl_options\.(cacertfile|certfile|keyfile)": (path, SEEN),
    rf"{LISTENER}\.ssl_options\.verify": (one_of("verify_none", "verify_peer"), SEEN),
    rf"{LISTENER}\.ssl_options\.(fail_if_no_peer_cert|enable_crl_check|honor_cipher_order)": (flag, SEEN),
    rf"{LISTENER}\.ssl_options\.depth": (whole(0, 255), SEEN),
    rf"{LISTENER}\.ssl_options\.handshake_timeout": (duration, SEEN),
    r"crl_cache\.(refresh_interval|http_timeout)": (duration, SEEN),
    r"crl_cache\.capacity": (whole(1, 10_000), SEEN),
    r"authentication\[\d+\]\.mechanism": (one_of("password_based", "jwt", "scram"), MANUAL),
    r"authentication\[\d+\]\.backend": (one_of("built_in_database", "http"), MANUAL),
    r"authentication\[\d+\]\.enable": (flag, MANUAL),
    r"authentication\[\d+\]\.user_id_type": (one_of("username", "clientid"), MANUAL),
    r"authorization\.no_match": (one_of("allow", "deny"), SEEN),
    r"authorization\.deny_action": (one_of("ignore", "disconnect"), SEEN),
    r"authorization\.cache\.enable": (flag, MANUAL),
    r"authorization\.sources\[1\]\.type": (one_of("file"), SEEN),
    r"authorization\.sources\[0\]\.type": (one_of("file", "built_in_database"), MANUAL),
    r"authorization\.sources\[\d+\]\.enable": (flag, SEEN),
    r"authorization\.sources\[\d+\]\.path": (path, SEEN),
    r"flapping_detect\.enable": (flag, MANUAL),
    r"flapping_detect\.(window_time|ban_time)": (duration, MANUAL),
    r"flapping_detect\.max_count": (whole(1, 10_000), MANUAL),
    r"retainer\.enable": (flag, MANUAL),
    r"retainer\.max_payload_size": (size, MANUAL),
    r"prometheus\.enable_basic_auth": (flag, SEEN),
    r"api_key\.bootstrap_file": (path, SEEN),
    r"dashboard\.listeners\.http\.bind": (address, MANUAL),
    r"log\.console\.enable": (flag, MANUAL),
    r"log\.console\.level": (one_of("debug", "info", "notice", "warning", "error"), MANUAL),
}
# What would open the house if it were left out, because EMQX's default is the other one.
MUST_SAY: dict[str, Any] = {
    "mqtt.peer_cert_as_username": "cn",
    "mqtt.peer_cert_as_clientid": "cn",
    "mqtt.session_expiry_interval": timedelta(hours=24),
    "listeners.tcp.default.enable": False,
    "listeners.ws.default.enable": False,
    "listeners.wss.default.enable": False,
    **{
        f"listeners.ssl.{listener}.{key}": value
        for listener in ("default", "servers")
        for key, value in {
            "enable_authn": False,
            "ssl_options.verify": "verify_peer",
            "ssl_options.fail_if_no_peer_cert": True,
        }.items()
    },
    "listeners.ssl.default.ssl_options.enable_crl_check": True,
    "authorization.no_match": "deny",
    # Denials by the courier come before what the file allows.
    "authorization.sources[0].type": "built_in_database",
    "authorization.sources[1].type": "file",
    "flapping_detect.enable": True,
    "prometheus.enable_basic_auth": True,
    "api_key.bootstrap_file": "/etc/camfleet/emqx/api-keys",
}
SECRET = re.compile(r"cookie|default_password|secret|password$")


def leaves(tree: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key path with its value; the entries of a list of objects are numbered."""
    if isinstance(tree, ConfigTree):
        for key, value in tree.items():
            yield from leaves(value, f"{at}.{key}" if at else str(key))
    elif isinstance(tree, list) and any(isinstance(item, ConfigTree) for item in tree):
        for number, item in enumerate(tree):
            yield from leaves(item, f"{at}[{number}]")
    else:
        yield at, tree


def settings_of(name: str) -> dict[str, Any]:
    return dict(leaves(ConfigFactory.parse_string(FILES[name])))


def problem_of(key: str, value: Any) -> str | None:
    rules = [check for pattern, (check, _) in ACCEPTED.items() if re.fullmatch(pattern, key)]
    if len(rules) != 1:
        return f"{key}: {'unknown to' if not rules else 'twice in'} the table"
    return None if rules[0](value) else f"{key}: EMQX does not take {value!r}"


@each_file
def test_every_key_and_value_is_one_that_emqx_takes(name: str) -> None:
    assert [problem for key, value in settings_of(name).items() if (problem := problem_of(key, value))] == []


@each_file
def test_nothing_that_is_open_by_default_is_left_open(name: str) -> None:
    settings = settings_of(name)
    assert {key: settings.get(key) for key in MUST_SAY} == MUST_SAY


@each_file
def test_no_secret_stands_in_a_file_that_everybody_can_read(name: str) -> None:
    assert [key for key in settings_of(name) if SECRET.search(key)] == []
    assert not re.search(r"-----BEGIN|camfleet-(courier|metrics):", FILES[name])


@each_file
def test_a_listener_without_certificates_would_end_in_a_refusal(name: str) -> None:
    """An empty chain admits anyone (seen); ours ends with a database in which nobody is."""
    chain = ConfigFactory.parse_string(FILES[name])["authentication"]
    assert [(step["backend"], step["enable"]) for step in chain] == [("built_in_database", True)]
    assert not any("bootstrap" in key for key in chain[-1])


def test_there_is_a_cluster_of_named_machines_and_one_for_kubernetes() -> None:
    found = {name: settings_of(name) for name in VARIANTS}
    assert found["cluster-static.conf"]["cluster.discovery_strategy"] == "static"
    assert len(found["cluster-static.conf"]["cluster.static.seeds"]) == 3
    assert found["cluster-k8s-dns.conf"]["cluster.discovery_strategy"] == "dns"
    assert found["cluster-k8s-dns.conf"]["cluster.dns.record_type"] == "srv"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_cluster_changes_nothing_but_where_nodes_find_one_another(variant: str) -> None:
    single, cluster = settings_of("emqx.conf"), settings_of(variant)
    changed = {key for key in single | cluster if single.get(key) != cluster.get(key)}
    assert {key for key in changed if not key.startswith("cluster.")} <= {"dashboard.listeners.http.bind"}


def test_every_entry_of_the_table_is_used() -> None:
    keys = {key for name in FILES for key in settings_of(name)}
    unused = [pattern for pattern in ACCEPTED if not any(re.fullmatch(pattern, key) for key in keys)]
    assert unused == []


@pytest.mark.parametrize(
    "line",
    [
        "listeners.ssl.default.ssl_options.verify = verify_all",
        "listeners.ssl.default.ssl_options.crlfile = \"/x.pem\"",
        "mqtt.session_expiry_interval = soon",
        "authorization.no_match = refuse",
        "authorization.sources = [{ type = files, enable = true, path = \"/x\" }]",
        "cluster.discovery_strategy = gossip",
        "listeners.ssl.default.max_conn_rate = plenty",
    ],
)  # fmt: skip
def test_a_mistake_is_noticed(line: str) -> None:
    changed = dict(leaves(ConfigFactory.parse_string(f"{BASE}\n{line}\n")))
    assert any(problem_of(key, value) for key, value in changed.items())
