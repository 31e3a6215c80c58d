"""Routes by which an admin manages people; a password is in the answer that makes it and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, current_app, g, request

from dashboard.api.bodies import Json, read_body
from dashboard.guards import SESSIONS, Guard, guarded, require_user
from dashboard.people import accounts
from dashboard.people.sessions import Sessions
from dashboard.presentation import wire_time
from dashboard.store.people import NameTaken, People, User
from fleet.problem import Problem

MOST_SITES = 500

people_api = Blueprint("people_api", __name__, url_prefix="/api/v1/people")


@people_api.get("")
@guarded(Guard.ADMIN)
def list_people() -> Json:
    """Every user with role and sites."""
    me = require_user()
    everybody = _people().all()
    found = [_shown(user) | {"created_at": wire_time(since), "is_me": user.id == me.id} for user, since in everybody]
    return {"items": found, "roles": list(accounts.ROLES)}


@people_api.post("")
@guarded(Guard.ADMIN)
def add_user() -> tuple[Json, int]:
    """A new user with a password that is shown this once."""
    body = read_body()
    with _refusals_named():
        user, password = accounts.add_user(_people(), _text(body, "name"), _rights(body), _deed())
    return {"user": _shown(user), "password": password}, 201


@people_api.patch("/<user_id>")
@guarded(Guard.ADMIN)
def change_user(user_id: str) -> Json:
    """Another role, other sites."""
    body = read_body()
    with _refusals_named():
        return _shown(accounts.change_rights(_people(), user_id, _rights(body), _deed()))


@people_api.post("/<user_id>/password")
@guarded(Guard.ADMIN)
def renew_password(user_id: str) -> Json:
    """A new password, shown this once; every session of the user ends."""
    with _refusals_named():
        user, password = accounts.renew_password(_people(), user_id, _deed())
    return {"user": _shown(user), "password": password}


@people_api.delete("/<user_id>")
@guarded(Guard.ADMIN)
def remove_user(user_id: str) -> tuple[Json, int]:
    """Take a user out; every session of theirs ends."""
    with _refusals_named():
        accounts.remove_user(_people(), user_id, _deed())
    return {}, 200


@contextmanager
def _refusals_named() -> Iterator[None]:
    try:
        yield
    except accounts.BadRights as error:
        raise Problem(422, "Not a user", f"{error}.") from None
    except NameTaken as error:
        raise Problem(409, "Name taken", f"There is a user {error} already: choose another name.") from None
    except accounts.NoSuchUser:
        raise Problem(404, "No such user", "Somebody may have removed this user: load the page again.") from None
    except accounts.LastAdmin:
        raise Problem(409, "The last admin", "Make somebody else admin first, or nobody could manage people.") from None


def _people() -> People:
    sessions: Sessions = current_app.extensions[SESSIONS]
    return sessions.people


def _deed() -> accounts.Deed:
    return accounts.Deed(require_user().name, datetime.now(UTC), request.remote_addr, g.request_id)


def _rights(body: Json) -> accounts.Rights:
    return accounts.Rights(_text(body, "role"), _sites(body.get("site_ids")))


def _sites(given: Any) -> frozenset[str] | None:
    if given is None:
        return None
    if not (isinstance(given, list) and len(given) <= MOST_SITES and all(_is_site_id(one) for one in given)):
        raise accounts.BadRights("site_ids must be a list of site ids, or null for every site")
    return frozenset(given)


def _is_site_id(given: Any) -> bool:
    return isinstance(given, str) and 0 < len(given) <= 64 and given.isprintable()


def _text(body: Json, name: str) -> str:
    given = body.get(name)
    if not isinstance(given, str):
        raise accounts.BadRights(f"{name} must be a text")
    return given


def _shown(user: User) -> Json:
    sites = None if user.site_ids is None else sorted(user.site_ids)
    return {"id": user.id, "name": user.name, "role": user.role, "site_ids": sites}
