"""Logging in and out through the form."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from dashboard.app import create_app
from dashboard.people.attempts import TooManyAttempts
from dashboard.people.sessions import COOKIE, Sessions, Visitor
from dashboard.store.database import Database
from dashboard.store.people import LoginRecord, People
from tests.integration.dashboard.conftest import Web
from tests.support.dashboard import site_settings


def token_of(client: FlaskClient, **headers: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login", headers=headers).text)
    assert found
    return found[1]


def log_in(client: FlaskClient, password: str, **given: str) -> TestResponse:
    form = {"username": "admin", "password": password, "csrf_token": token_of(client)}
    return client.post("/login", data=form | given)


def test_the_right_password_opens_the_fleet_with_a_careful_cookie(web: Web) -> None:
    client = web.anybody()
    answer = log_in(client, web.password)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    [cookie] = [value for value in answer.headers.getlist("Set-Cookie") if value.startswith(COOKIE)]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert client.get("/").status_code == 200


def test_over_https_every_cookie_is_secure(web: Web) -> None:
    client = web.app.test_client()
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "Referer": "https://localhost/login"}
    form = {"username": "admin", "password": web.password, "csrf_token": ""}
    page = client.get("/login", headers=https, base_url="https://localhost")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    form["csrf_token"] = found[1]
    answer = client.post("/login", data=form, headers=https, base_url="https://localhost")
    assert answer.status_code == 302
    cookies = page.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie")
    assert len(cookies) >= 2
    assert all("Secure" in cookie for cookie in cookies)


def test_a_wrong_password_gets_the_form_again_and_is_recorded(web: Web) -> None:
    answer = log_in(web.anybody(), "wrong", next="/review")
    assert answer.status_code == 401
    assert "Wrong user name or password." in answer.text
    assert 'value="/review"' in answer.text
    [entry] = People(web.database).recorded()
    assert (entry.action, entry.user_name, entry.address) == ("log-in-refused", "admin", "192.0.2.7")
    assert entry.request_id


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/review?label=person", "/review?label=person"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
    ],
)
def test_a_login_leads_nowhere_but_into_this_site(web: Web, target: str, goes_to: str) -> None:
    assert log_in(web.anybody(), web.password, next=target).headers["Location"] == goes_to


def test_a_form_without_its_token_is_refused(web: Web) -> None:
    client = web.anybody()
    answer = client.post("/login", data={"username": "admin", "password": web.password})
    assert answer.status_code == 400
    assert web.admin().post("/logout").status_code == 400


def test_ten_wrong_passwords_in_a_minute_are_enough(web: Web) -> None:
    client = web.anybody()
    token = token_of(client)
    form = {"username": "nobody", "password": "wrong", "csrf_token": token}
    codes = [client.post("/login", data=form).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]


def test_wrong_passwords_count_for_all_workers_together_and_per_sender(web: Web) -> None:
    people, settings = People(web.database), site_settings(web.database.file.parent)  # type: ignore[union-attr]
    other_worker = create_app(settings, Database(settings.events_database), CollectorRegistry())
    for number in range(10):
        refused = LoginRecord(datetime.now(UTC), "log-in-refused", "admin", f"2001:db8::{number:x}")
        people.record(refused)
    for app in (web.app, other_worker):
        client = app.test_client()
        form = {"username": "admin", "password": web.password, "csrf_token": token_of(client)}
        client.environ_base["HTTP_X_FORWARDED_FOR"] = "2001:db8::ffff"
        answer = client.post("/login", data=form)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert log_in(web.anybody(), web.password).status_code == 302


def test_a_minute_later_one_may_try_again(web: Web) -> None:
    now = datetime.now(UTC)
    for _ in range(10):
        People(web.database).record(LoginRecord(now, "log-in-refused", "admin", "192.0.2.7"))
    sessions, visitor = Sessions(People(web.database)), Visitor("192.0.2.7", None)
    with pytest.raises(TooManyAttempts):
        sessions.log_in("admin", web.password, visitor, now + timedelta(seconds=59))
    assert sessions.log_in("admin", web.password, visitor, now + timedelta(seconds=61))


def test_right_passwords_are_not_counted(web: Web) -> None:
    codes = {log_in(web.anybody(), web.password).status_code for _ in range(11)}
    assert codes == {302}


def test_logging_out_ends_the_session_for_good(web: Web) -> None:
    client = web.anybody()
    log_in(client, web.password)
    stolen = client.get_cookie(COOKIE)
    assert stolen
    assert client.post("/logout", data={"csrf_token": token_of(client)}).headers["Location"] == "/login"
    thief = web.anybody()
    thief.set_cookie(COOKIE, stolen.value)
    assert thief.get("/api/v1/cameras").status_code == 401
