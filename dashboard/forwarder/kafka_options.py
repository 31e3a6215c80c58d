"""What a person may tell librdkafka, and what delivery depends on and nobody may change. Pure but for one file."""

from pathlib import Path

from dashboard.forwarder.private_files import private_lines
from fleet.settings import SettingsError

SETTING = "CAMFLEET_KAFKA_OPTIONS_FILE"
# How to reach a cluster and prove who we are. Neither plug-ins nor engines: they would be code out of a settings file.
PREFIXES = ("sasl.", "security.", "ssl.", "socket.", "compression.", "broker.address.", "reconnect.")
NAMES = {"client.id", "client.rack", "enable.ssl.certificate.verification", "linger.ms", "message.max.bytes"}
NEVER = {"ssl.engine.location", "ssl.providers"}

Options = dict[str, str | int | bool]

# In order and complete: a message that fails stops those after it, none times out by itself, and one confirmation
# means that every replica in sync has it.
DELIVERY: Options = {
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    "acks": "all",
    "message.timeout.ms": 0,
    # The same partition for a key as other clients of the same topic take.
    "partitioner": "murmur2_random",
}
DEFAULTS: Options = {"client.id": "camfleet-forwarder", "linger.ms": 5, "compression.type": "lz4"}


def kafka_options(servers: str, path: Path | None) -> Options:
    """Return every option of the producer; raises SettingsError."""
    given: Options = {**_read(path)} if path is not None else {}
    return {**DEFAULTS, **given, **DELIVERY, "bootstrap.servers": servers}


def _read(path: Path) -> dict[str, str]:
    options: dict[str, str] = {}
    problems: list[str] = []
    for number, line in private_lines(path, SETTING):
        name, separator, value = (part.strip() for part in line.partition("="))
        if not separator or not value:
            problems.append(f"{SETTING}: {path} line {number}: give `name=value`")
        elif name in NEVER or not (name in NAMES or name.startswith(PREFIXES)):
            problems.append(f"{SETTING}: {path} line {number}: this option cannot be set here (see docs/forwarding.md)")
        else:
            options[name] = value
    if problems:
        raise SettingsError(problems)
    return options
