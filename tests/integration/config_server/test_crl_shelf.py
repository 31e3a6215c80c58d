"""Revocation lists are served from memory, and never an older one than the database has."""

from datetime import UTC, datetime

import pytest

from config_server.authorities import load_authorities
from config_server.revocation import sign_crls
from config_server.store.certificates import Crls
from tests.integration.config_server.conftest import Api


def path_of(api: Api) -> str:
    return f"/crl/{load_authorities(api.settings).issuing.ski}.crl"


def sign_anew(api: Api) -> None:
    with api.store.writing() as tx:
        sign_crls(tx, load_authorities(api.settings), datetime.now(UTC))


def test_a_list_is_read_from_the_database_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    first = api.client.get(path_of(api))
    monkeypatch.setattr(Crls, "get", None)
    again = api.client.get(path_of(api))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.data == first.data
    assert again.headers["ETag"] == first.headers["ETag"]


def test_who_has_it_already_gets_nothing_until_a_new_one_is_signed(api: Api) -> None:
    tag = {"If-None-Match": api.client.get(path_of(api)).headers["ETag"]}
    unchanged = api.client.get(path_of(api), headers=tag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    sign_anew(api)
    fresh = api.client.get(path_of(api), headers=tag)
    assert fresh.status_code == 200
    assert fresh.headers["ETag"] != tag["If-None-Match"]


def test_a_list_of_nobody_is_not_found(api: Api) -> None:
    assert api.client.get(f"/crl/{'0' * 40}.crl").status_code == 404
