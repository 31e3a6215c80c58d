"""What /healthz of ingest says."""

from datetime import timedelta

from dashboard.ingest.condition import Condition
from tests.support.camera_words import MOMENT


def healthy() -> Condition:
    condition = Condition(started_at=MOMENT)
    condition.broker(connected=True)
    condition.database(ok=True)
    return condition


def test_it_is_ok_at_once_when_broker_and_database_are_there() -> None:
    assert healthy().status(MOMENT) == "ok"


def test_without_broker_or_database_it_is_down_and_says_why() -> None:
    for name in ("broker", "database"):
        condition = healthy()
        if name == "broker":
            condition.broker(connected=False, reason="nobody listens there")
        else:
            condition.database(ok=False, reason="disk full")
        described = condition.describe(MOMENT)
        assert described["status"] == "down"
        assert described[name]["reason"]


def test_probes_that_do_not_come_back_make_it_degraded() -> None:
    condition = healthy()
    assert condition.status(MOMENT + timedelta(seconds=16)) == "degraded"
    condition.last_probe_sent_at = MOMENT + timedelta(seconds=14)
    assert condition.status(MOMENT + timedelta(seconds=16)) == "ok"
    assert condition.status(MOMENT + timedelta(seconds=40)) == "degraded"


def test_only_a_change_is_news() -> None:
    condition = healthy()
    assert not condition.database(ok=True)
    assert condition.database(ok=False, reason="full")
    assert not condition.database(ok=False, reason="full")
