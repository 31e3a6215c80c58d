"""API, health, headers and problems of the dashboard."""

from flask.testing import FlaskClient

from dashboard.store.intake import Intake
from tests.contract.dashboard.test_intake import records_of
from tests.integration.dashboard.conftest import Web
from tests.support.camera_words import CAMERA, event, facts, health, presence


def some_history(web: Web) -> FlaskClient:
    for seq in range(1, 8):
        Intake(web.database).write(records_of(facts(), presence(), health(seq=seq), event(seq)))
    return web.admin()


def test_cameras_come_with_the_cursor_for_the_feed(web: Web) -> None:
    body = some_history(web).get("/api/v1/cameras").json
    assert [camera["name"] for camera in body["items"]] == ["Front door"]
    assert body["cursor"] >= 7


def test_one_camera_has_its_newest_measurement(web: Web) -> None:
    body = some_history(web).get(f"/api/v1/cameras/{CAMERA}").json
    assert (body["presence"], body["telemetry"]["cpu_pct"]) == ("online", 12.5)


def test_an_unknown_camera_is_a_problem_with_a_request_id(web: Web) -> None:
    answer = web.admin().get("/api/v1/cameras/cam-nobody", headers={"X-Request-Id": "abcdef-123456"})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == "abcdef-123456"


def test_telemetry_is_listed_for_a_span(web: Web) -> None:
    client = some_history(web)
    span = "after=2026-11-21T07:00:00Z&before=2026-11-21T09:00:00Z"
    items = client.get(f"/api/v1/cameras/{CAMERA}/telemetry?{span}").json["items"]
    assert set(items[0]) == {"ts", "cpu_pct", "rss_bytes", "fps", "outbox_depth", "disk_free_bytes"}
    assert client.get(f"/api/v1/cameras/{CAMERA}/telemetry?before=2020-01-01T00:00:00Z").json == {"items": []}


def test_events_page_by_cursor_to_the_end(web: Web) -> None:
    client = some_history(web)
    found: list[tuple[str, str]] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"/api/v1/events?limit=3&cursor={cursor}").json
        found += [(item["happened_at"], item["event_id"]) for item in page["items"]]
        cursor = page["cursor"]
    assert len(set(found)) == 7
    assert found == sorted(found, reverse=True)


def test_a_bad_query_says_what_is_wrong_with_it(web: Web) -> None:
    answer = web.admin().get("/api/v1/events?after=yesterday")
    assert (answer.status_code, "after" in answer.json["detail"]) == (400, True)


def test_every_answer_carries_the_strict_headers(web: Web) -> None:
    for path in ("/login", "/api/v1/cameras", "/nowhere", "/static/tokens.css"):
        headers = web.anybody().get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "report-uri /csp-report" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-Id"]


def test_a_lost_person_gets_a_page_and_a_lost_script_a_problem(web: Web) -> None:
    page = web.anybody().get("/nowhere", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert web.anybody().get("/nowhere", headers={"Accept": "application/json"}).mimetype == "application/problem+json"


def test_reports_of_browsers_are_counted_whatever_they_hold(web: Web) -> None:
    from dashboard.reports import csp_reports

    before = csp_reports._value.get()
    for body in (b'{"csp-report": {"violated-directive": "img-src", "blocked-uri": "x"}}', b"\xff", b"[]", b""):
        answer = web.anybody().post("/csp-report", data=body, content_type="application/csp-report")
        assert answer.status_code == 204
    assert csp_reports._value.get() == before + 4
    assert web.anybody().post("/csp-report", data=b"x" * 100_000).status_code == 413


def test_health_tells_strangers_one_word_and_this_host_why(web: Web) -> None:
    stranger = web.anybody().get("/health")
    assert (stranger.status_code, stranger.json) == (503, {"status": "down"})
    for trusted in (web.app.test_client(), web.admin()):
        checks = trusted.get("/health").json["checks"]
        assert checks["ingest"]["status"] == "down"
        assert checks["courier"]["status"] == "degraded"
        assert checks["database"]["status"] == "ok"
        assert checks["disk"]["free_bytes"] > 0


def test_a_database_that_is_gone_is_a_problem_not_a_crash(web: Web) -> None:
    client = web.admin()
    assert web.database.file
    web.database.close()
    web.database.file.rename(web.database.file.with_suffix(".away"))
    assert client.get("/api/v1/cameras").status_code == 503
    assert web.app.test_client().get("/healthz").status_code == 503
    assert web.anybody().get("/health").json == {"status": "down"}
