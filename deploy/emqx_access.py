"""Write the rules of `fleet.access` as EMQX's ACL file: `python -m deploy.emqx_access > emqx/acl.conf`."""

import sys

from fleet.access import CAMERA_RULES, SERVER_RULES, Access, AccessRule

ACTIONS = {Access.READ: "subscribe", Access.WRITE: "publish"}
HEADER = """\
%% Made from fleet.access by deploy/emqx_access.py: who may read and write which topics.
%% Rules are tried from above; the first that fits decides, and the last one denies."""


def render_access_file() -> str:
    """Return acl.conf. A camera's rules are for camera names only, so no server gets a tree of its own."""
    servers = [_server_line(name, rule) for name, rules in SERVER_RULES.items() for rule in rules]
    cameras = [_line('{username, {re, "^cam-[a-z0-9-]+$"}}', rule) for rule in CAMERA_RULES]
    return "\n".join([HEADER, "", *servers, "", *cameras, "", "{deny, all}."]) + "\n"


def _server_line(name: str, rule: AccessRule) -> str:
    return _line(f'{{username, "{name}"}}', rule)


def _line(who: str, rule: AccessRule) -> str:
    topic = rule.topic_filter.replace("%u", "${username}")
    return f'{{allow, {who}, {ACTIONS[rule.access]}, ["{topic}"]}}.'


if __name__ == "__main__":
    sys.stdout.write(render_access_file())
