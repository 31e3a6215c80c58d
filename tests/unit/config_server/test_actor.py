"""Who dashboard says is asking."""

import base64
import json
from typing import Any

import pytest

from config_server.actor import Actor, BadActor, actor_of_header
from config_server.tokens import EVERY_SCOPE, READING


def header(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_an_admin_may_do_everything_everywhere() -> None:
    actor = actor_of_header(header({"user_id": 7, "role": "admin", "site_ids": None, "request_id": "r"}))
    assert actor == Actor("user:7", frozenset(EVERY_SCOPE), None, "r")
    assert actor.may_see(None)
    assert actor.may_see("anywhere")


def test_a_viewer_reads_and_only_on_the_sites_given() -> None:
    actor = actor_of_header(header({"user_id": "u-1", "role": "viewer", "site_ids": ["yard"]}))
    assert actor.scopes == frozenset(READING)
    assert actor.may_see("yard")
    assert not actor.may_see("harbour")
    assert not actor.may_see(None)


def test_somebody_without_sites_sees_nothing() -> None:
    assert not actor_of_header(header({"user_id": 1, "role": "admin", "site_ids": []})).may_see("yard")


def test_an_unknown_role_has_no_rights() -> None:
    assert actor_of_header(header({"user_id": 1, "role": "emperor"})).scopes == frozenset()


@pytest.mark.parametrize(
    "text",
    ["", "!", "aGVsbG8", header([]), header({"role": "admin"}), header({"user_id": 1, "role": "a", "x": 1}), "ä"],
)
def test_a_header_that_dashboard_does_not_write_is_refused(text: str) -> None:
    with pytest.raises(BadActor):
        actor_of_header(text)
