"""Write the rules of `fleet.access` as Mosquitto's ACL file."""

from collections.abc import Iterable, Iterator

from fleet.access import CAMERA_RULES, SERVER_RULES, AccessRule
from fleet.identifiers import is_device_id
from fleet.topics import PREFIX

HEADER = "# Made from fleet.access at every start: who may read and write which topics. What is not here is denied."


def render_access_file(denied: Iterable[str] = ()) -> str:
    """Return the ACL file; `denied` are devices that are cut off, whose blocks stand before the patterns."""
    lines = [HEADER]
    for server_id, rules in SERVER_RULES.items():
        lines += ["", f"user {server_id}", *_server_lines(server_id, rules)]
    for device_id in sorted(denied):
        lines += ["", *_denied_lines(device_id)]
    lines += ["", *(f"pattern {rule.access} {rule.topic_filter}" for rule in CAMERA_RULES)]
    return "\n".join(lines) + "\n"


def _server_lines(server_id: str, rules: tuple[AccessRule, ...]) -> Iterator[str]:
    own_tree = f"{PREFIX}/{server_id}/"
    if not rules:
        yield "topic deny #"
    elif not any(rule.topic_filter.startswith(own_tree) for rule in rules):
        # The cameras' patterns below hold for every user name: without this a server had a camera's topics.
        yield f"topic deny {own_tree}#"
    for rule in rules:
        yield f"topic {rule.access} {rule.topic_filter}"


def _denied_lines(device_id: str) -> list[str]:
    if not is_device_id(device_id):
        raise ValueError(f"{device_id!r} is not a device id")
    return [f"user {device_id}", "topic deny #"]
