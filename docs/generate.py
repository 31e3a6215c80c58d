"""Write the parts of docs/ that come from code: `python docs/generate.py [--check]`."""

import argparse
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from importlib.metadata import metadata
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fleet import messages
from fleet.access import CAMERA_RULES, SERVER_RULES, AccessRule
from fleet.messages.message import Message, Part
from fleet.topics import CHANNELS, PREFIX, Channel, ChannelRule, Direction

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PROGRAMS = ("fleet", "config_server", "dashboard", "camera_agent")
WRITERS = {Direction.UP: "camera", Direction.DOWN: "servers", Direction.REGISTRY: "courier"}

GENERATED = (DOCS / "topics.md", DOCS / "settings.md", ROOT / "THIRD_PARTY.md")
# What a package's metadata says in words of its own, or not at all; read in its licence file instead.
LICENCES = {
    "blinker": "MIT",
    "certifi": "MPL-2.0",
    "confluent-kafka": "Apache-2.0",
    "flatbuffers": "Apache-2.0",
    "flask-wtf": "BSD-3-Clause",
    "itsdangerous": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "onnxruntime": "MIT",
    "opencv-python-headless": "Apache-2.0",
    "ordered-set": "MIT",
    "protobuf": "BSD-3-Clause",
    "segno": "BSD-3-Clause",
    "shellingham": "ISC",
    "wtforms": "BSD-3-Clause",
}

Meaning = tuple[type[Message] | None, str]
MEANINGS: dict[tuple[Channel, Direction], Meaning] = {
    (Channel.PRESENCE, Direction.UP): (messages.Presence, "online, stopping; the will says offline"),
    (Channel.BIRTH, Direction.UP): (messages.Birth, "what the camera is: software, models, streams"),
    (Channel.HEALTH, Direction.UP): (messages.Health, "regular telemetry: CPU, memory, disk, frames, outbox"),
    (Channel.STREAM_STATUS, Direction.UP): (messages.StreamStatus, "state of one stream, with a reason"),
    (Channel.EVENT, Direction.UP): (messages.Event, "life of one tracked thing, its whole state each time"),
    (Channel.COUNT, Direction.UP): (None, "counters of a line or zone (not spoken yet)"),
    (Channel.BACKFILL, Direction.UP): (messages.Backfill, "late events in batches after an outage"),
    (Channel.TWIN, Direction.UP): (None, "applied settings, a result for each (not spoken yet)"),
    (Channel.RESPONSE, Direction.UP): (None, "answer to a command (not spoken yet)"),
    (Channel.CSR, Direction.UP): (messages.Csr, "renewal: ask for a nonce, request, confirm"),
    (Channel.UPLOAD, Direction.UP): (None, "may I send this picture? (not spoken yet)"),
    (Channel.PROBE, Direction.UP): (messages.Probe, "ingest's message to itself; its device id is `srv-ingest-<n>`"),
    (Channel.RECEIPT, Direction.DOWN): (messages.Receipt, "what is committed, so the camera may forget it"),
    (Channel.TWIN, Direction.DOWN): (None, "desired settings (not spoken yet)"),
    (Channel.COMMAND, Direction.DOWN): (None, "one-off request with expiry (not spoken yet)"),
    (Channel.CERTIFICATE, Direction.DOWN): (messages.CertificateAnswer, "renewal: nonce, certificate, active, or no"),
    (Channel.UPLOAD, Direction.DOWN): (None, "a short-lived address, or no (not spoken yet)"),
    (Channel.REGISTRY, Direction.REGISTRY): (
        messages.RegistryFacts,
        "name, site, state, cut off or not; for servers only",
    ),
}


def main() -> int:
    """Write every generated part, or with --check say which is not what the code gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is out of date")
    is_check = parser.parse_args().check
    stale = stale_files()
    for path, text in stale.items():
        if not is_check:
            path.write_text(text)
        sys.stdout.write(f"{'out of date' if is_check else 'wrote'}: {path.relative_to(ROOT)}\n")
    if stale and is_check:
        sys.stdout.write("run: python docs/generate.py\n")
    return 1 if stale and is_check else 0


def stale_files() -> dict[Path, str]:
    """Return the files whose generated parts are not what the code gives, with the text they should have."""
    wanted = {path: fill(path.read_text(), PARTS) for path in GENERATED}
    return {path: text for path, text in wanted.items() if path.read_text() != text}


def fill(text: str, parts: dict[str, Callable[[], str]]) -> str:
    """Return `text` with what stands between each pair of markers made anew; KeyError names an unknown part."""
    pattern = r"(<!-- generated: ([a-z]+) -->\n).*?(<!-- end of generated -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{parts[found[2]]()}{found[3]}", text, flags=re.DOTALL)


def channels() -> str:
    """Return the table of channels."""
    head = ["topic", "written by", "QoS", "retained", "message", "meaning"]
    return table(head, (_channel_row(rule) for rule in CHANNELS))


def access() -> str:
    """Return who may read and write what at the broker; servers that differ in their own name only share a row."""
    rows = {"a camera (`%u` is its device id)": _allowed(CAMERA_RULES)}
    alike: dict[str, list[str]] = {}
    for name, rules in SERVER_RULES.items():
        alike.setdefault(_allowed(rules).replace(name, "<itself>"), []).append(name)
    for allowed, names in alike.items():
        who = f"`{names[0]}`" if len(names) == 1 else f"`{names[0]}` to `{names[-1]}`"
        rows[who] = allowed.replace("<itself>", names[0]) if len(names) == 1 else allowed
    return table(["who", "may"], ([who, allowed] for who, allowed in rows.items()))


def message_fields() -> str:
    """Return one section for each message and for each part that messages are made of."""
    exported = [getattr(messages, name) for name in messages.__all__]
    models = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, Part) and kind is not Message]
    whole = sorted((kind for kind in models if issubclass(kind, Message)), key=lambda kind: kind.__name__)
    parts = sorted((kind for kind in models if kind not in whole), key=lambda kind: kind.__name__)
    return "\n".join(_model_section(kind) for kind in [*whole, *parts])


def reasons() -> str:
    """Return the closed list of reasons."""
    return ", ".join(f"`{reason}`" for reason in messages.Reason) + "\n"


def settings() -> str:
    """Return one table for each settings class of each program, without what it inherits."""
    return "\n".join(_settings_section(kind) for kind in settings_classes())


def settings_classes() -> Iterator[type[BaseModel]]:
    """Yield every model with fields of its own in a module called settings, program by program."""
    for program in PROGRAMS:
        for path in sorted((ROOT / program).rglob("settings.py")):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for kind in vars(module).values():
                is_own = inspect.isclass(kind) and issubclass(kind, BaseModel) and kind.__module__ == module.__name__
                if is_own and own_fields(kind):
                    yield kind


def own_fields(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields that a model adds to what it inherits."""
    inherited = {name for parent in kind.__mro__[1:] for name in getattr(parent, "model_fields", {})}
    return {name: field for name, field in kind.model_fields.items() if name not in inherited}


def variable_of(kind: type[BaseModel], name: str) -> str:
    """Return the environment variable of a setting, or its key where it can only stand in a file."""
    prefix = str(kind.model_config.get("env_prefix", ""))
    alias = kind.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{prefix}{name.upper()}" if prefix else name


def vendored() -> str:
    """Return what the dashboard's pages carry with them, from the manifest beside it."""
    manifest = json.loads((ROOT / "dashboard/static/vendor/manifest.json").read_text())
    rows = ([one["name"], one["version"], one["licence"], one["source"], one["use"]] for one in manifest["packages"])
    return table(["name", "version", "licence", "origin", "use"], rows)


def packages() -> str:
    """Return the Python packages that a host installs, as pinned, with the licence that each states."""
    return table(["package", "version", "licence"], ([*pin, licence_of(pin[0])] for pin in pins()))


def pins() -> list[tuple[str, str]]:
    """Return name and version of each package in requirements.txt."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return [(name, version) for name, _, version in (line.partition("==") for line in lines if line)]


def licence_of(package: str) -> str:
    """Return the SPDX expression of an installed package's licence; KeyError when it states none."""
    if package in LICENCES:
        return LICENCES[package]
    said = metadata(package)
    return said["License-Expression"] if "License-Expression" in said else said["License"]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _channel_row(rule: ChannelRule) -> list[str]:
    kind, meaning = MEANINGS[rule.channel, rule.direction]
    topic = "/".join(part for part in (PREFIX, "<device>", str(rule.direction), _named(rule.pattern)) if part)
    message = f"[{kind.__name__}](#{kind.__name__.lower()})" if kind else ""
    return [f"`{topic}`", WRITERS[rule.direction], str(rule.qos), "yes" if rule.retained else "no", message, meaning]


def _named(pattern: str) -> str:
    """Give the wildcards of a pattern the names of what stands there."""
    named = pattern.replace("stream/+", "stream/<stream>").replace("count/+", "count/<line-or-zone>")
    return named.replace("+", "<id>")


def _allowed(rules: tuple[AccessRule, ...]) -> str:
    return "<br>".join(f"{rule.access} `{rule.topic_filter}`" for rule in rules) or "nothing"


def _model_section(kind: type[BaseModel]) -> str:
    rows = ([f"`{name}`", type_text(field.annotation), default_text(field)] for name, field in _said(kind))
    return f"### {kind.__name__}\n{inspect.getdoc(kind)}\n\n{table(['field', 'type', 'default'], rows)}"


def _said(kind: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    common = Message.model_fields if issubclass(kind, Message) else {}
    return ((name, field) for name, field in kind.model_fields.items() if name not in common)


def _settings_section(kind: type[BaseModel]) -> str:
    about = (inspect.getdoc(kind) or "").partition("\n")[0]
    rows = (
        [f"`{variable_of(kind, name)}`", default_text(field), field.description or ""]
        for name, field in own_fields(kind).items()
    )
    heading = f"## {kind.__module__.partition('.')[0]}: {kind.__name__}"
    return f"{heading}\n{about}\n\n{table(['name', 'default', 'meaning'], rows)}"


def default_text(field: FieldInfo) -> str:
    """Return a default for people; what has none must be given."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined or value in ("", (), [], {}):
        return "empty"
    value = list(value) if isinstance(value, tuple) else value
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def type_text(kind: Any) -> str:
    """Return a type annotation in words: what the JSON holds, not what Python makes of it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_text(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(type_text(part) for part in inner if part is not type(None))
    if origin in (list, tuple):
        return _sequence_text(origin, inner)
    if origin is dict:
        return f"object: name → {type_text(inner[1])}"
    return _plain_text(kind)


def _sequence_text(origin: type, inner: tuple[Any, ...]) -> str:
    if origin is tuple:
        return f"[{', '.join(type_text(part) for part in inner)}]"
    return f"list of {type_text(inner[0])}"


def _plain_text(kind: Any) -> str:
    if inspect.isclass(kind) and issubclass(kind, Enum):
        if kind is messages.Reason:
            return "[reason](#reasons)"
        return ", ".join(f"`{member.value}`" for member in kind)
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    names = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "datetime": "time"}
    name = str(getattr(kind, "__name__", kind))
    return names.get(name, "time" if "Datetime" in name else name)


PARTS: dict[str, Callable[[], str]] = {
    "channels": channels,
    "access": access,
    "messages": message_fields,
    "reasons": reasons,
    "settings": settings,
    "vendored": vendored,
    "packages": packages,
}

if __name__ == "__main__":
    sys.exit(main())
