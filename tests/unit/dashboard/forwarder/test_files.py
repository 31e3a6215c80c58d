"""The two files that hold secrets: webhooks with theirs, and options for Kafka."""

from pathlib import Path

import pytest

from dashboard.forwarder.kafka_options import DELIVERY, kafka_options
from dashboard.forwarder.webhook_list import MOST_WEBHOOKS, Webhook, read_webhooks
from fleet.home import write_file
from fleet.settings import SettingsError

GOOD = "https://hooks.example.org:8443/T0/s3cr3t?x=1 sixteen-letters-or-more"


def webhooks(path: Path, text: str, *, allow_plain: bool = False) -> list[Webhook]:
    write_file(path / "webhooks", text.encode())
    return read_webhooks(path / "webhooks", allow_plain=allow_plain)


def problems(path: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        webhooks(path, text)
    return refused.value.problems


def test_each_line_is_a_webhook_whose_name_tells_nothing_of_its_url(tmp_path: Path) -> None:
    [found] = webhooks(tmp_path, f"# ours\n\n  {GOOD}  \n")
    assert (str(found.url), found.secret) == tuple(GOOD.split())
    assert found.address == "https://hooks.example.org:8443"
    assert found.name.startswith("webhook:")
    assert len(found.name) == 20
    assert not any(secret in repr(found) + found.name for secret in ("s3cr3t", "sixteen"))
    assert webhooks(tmp_path, GOOD.replace("sixteen", "another"))[0].name == found.name
    assert webhooks(tmp_path, GOOD.replace("x=1", "x=2"))[0].name != found.name


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("https://hooks.example.org/s3cr3t", "a space, and a secret"),
        ("https://hooks.example.org/s3cr3t one two", "a space, and a secret"),
        ("https://hooks.example.org/s3cr3t tooshort", "at least 16"),
        ("http://hooks.example.org/s3cr3t sixteen-letters-or-more", "use https"),
        ("ftp://hooks.example.org/s3cr3t sixteen-letters-or-more", "begins with https://"),
        ("s3cr3t sixteen-letters-or-more", "begins with https://"),
        ("https:///s3cr3t sixteen-letters-or-more", "begins with https://"),
        ("https://hooks.example.org:s3cr3t sixteen-letters-or-more", "no URL"),
        ("https://hooks.example.org:99999/s3cr3t sixteen-letters-or-more", "no host has such a port"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_not_repeated(tmp_path: Path, line: str, why: str) -> None:
    [problem] = problems(tmp_path, f"{GOOD}\n{line}\n")
    assert problem.startswith("CAMFLEET_WEBHOOK_URLS_FILE: ")
    assert "line 2" in problem
    assert why in problem
    assert "s3cr3t" not in problem


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, f"nonsense\n{GOOD}\n{GOOD}\n")) == 2
    assert "names no webhook" in problems(tmp_path, "# nobody\n")[0]
    many = "\n".join(GOOD.replace("x=1", f"x={n}") for n in range(MOST_WEBHOOKS + 1))
    assert f"at most {MOST_WEBHOOKS}" in problems(tmp_path, many)[0]


def test_a_file_that_others_can_read_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    write_file(tmp_path / "webhooks", GOOD.encode(), mode=0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_webhooks(tmp_path / "webhooks", allow_plain=False)
    with pytest.raises(SettingsError, match="No such file"):
        read_webhooks(tmp_path / "missing", allow_plain=False)
    write_file(tmp_path / "webhooks", b"\xff\xfe")
    with pytest.raises(SettingsError, match="not text"):
        read_webhooks(tmp_path / "webhooks", allow_plain=False)


def test_plain_http_is_read_where_private_receivers_are_allowed(tmp_path: Path) -> None:
    assert webhooks(tmp_path, GOOD.replace("https", "http"), allow_plain=True)[0].url.scheme == "http"


def test_options_say_how_to_reach_kafka_and_never_how_safely_to_deliver(tmp_path: Path) -> None:
    file = tmp_path / "kafka"
    write_file(file, b"# ours\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\nlinger.ms=50\n")
    options = kafka_options("one:9092", file)
    assert (options["security.protocol"], options["sasl.password"], options["linger.ms"]) == ("SASL_SSL", "a=b", "50")
    assert options.items() >= DELIVERY.items()
    assert kafka_options("one:9092", None)["bootstrap.servers"] == "one:9092"


@pytest.mark.parametrize("name", ["acks", "enable.idempotence", "plugin.library.paths", "ssl.engine.location", "debug"])
def test_an_option_that_delivery_depends_on_is_refused_by_its_line(tmp_path: Path, name: str) -> None:
    write_file(tmp_path / "kafka", f"ssl.ca.location=/x\n{name}=s3cr3t\nsasl.password\n".encode())
    with pytest.raises(SettingsError) as refused:
        kafka_options("one:9092", tmp_path / "kafka")
    [cannot, no_value] = refused.value.problems
    assert "line 2: this option cannot be set here" in cannot
    assert "line 3: give `name=value`" in no_value
    assert "s3cr3t" not in str(refused.value)
