"""What each fact adds to the store, given what ingest knows."""

from datetime import datetime, timedelta

from dashboard.ingest.decode import Fact, decode
from dashboard.ingest.oddities import Oddity
from dashboard.ingest.projection import Outcome, Projection
from dashboard.store.payload import whole
from fleet.messages import Message
from tests.support.camera_words import (
    CAMERA,
    MOMENT,
    OUTBOX,
    birth,
    event,
    facts,
    health,
    presence,
    received,
    status,
)


def tell(projection: Projection, message: Message, *, now: datetime = MOMENT, retained: bool = False) -> Outcome:
    fact = decode(received(message, retained=retained), now)
    assert isinstance(fact, Fact)
    return projection.take(fact)


def connected() -> Projection:
    projection = Projection()
    projection.link_changed(True, MOMENT)
    return projection


def test_an_event_becomes_a_row_and_a_claim_to_a_receipt() -> None:
    outcome = tell(connected(), event(5))
    [row] = outcome.records.events
    said = whole(row)
    assert (said["device_id"], said["stream"], said["seq"], said["outbox"]) == (CAMERA, "main", 5, str(OUTBOX))
    assert [(item.device_id, str(item.outbox), item.seq) for item in outcome.committed] == [(CAMERA, str(OUTBOX), 5)]


def test_an_event_gets_the_site_where_its_camera_stands_now() -> None:
    projection = connected()
    assert tell(projection, event()).records.events[0]["site_id"] is None
    tell(projection, facts(site_id="hq"))
    assert tell(projection, event()).records.events[0]["site_id"] == "hq"
    tell(projection, facts(site_id="depot"))
    assert tell(projection, event()).records.events[0]["site_id"] == "depot"


def test_an_old_event_is_suspect_unless_health_explains_the_delay() -> None:
    projection = connected()
    later = MOMENT + timedelta(hours=1)
    assert tell(projection, event(), now=later).records.events[0]["clock_suspect"]
    tell(projection, health(outbox_depth=3, outbox_oldest_s=3600), now=later)
    assert not tell(projection, event(), now=later).records.events[0]["clock_suspect"]


def test_absurd_health_harms_nobody() -> None:
    projection = connected()
    tell(projection, health(outbox_oldest_s=1e15, clock_offset_s=-1e15))
    assert tell(projection, event()).records.events


def test_any_first_word_makes_a_camera_known_and_online() -> None:
    for message in (event(), health(), birth(), status(), presence()):
        outcome = tell(connected(), message)
        assert outcome.records.cameras[CAMERA]["presence"] == "online"


def test_a_second_event_changes_nothing_about_the_camera() -> None:
    projection = connected()
    tell(projection, event())
    assert tell(projection, event()).records.cameras == {}


def test_health_is_kept_for_the_camera_and_as_telemetry() -> None:
    outcome = tell(connected(), health())
    assert outcome.records.telemetry[0]["fps"] == 4.9
    assert outcome.records.cameras[CAMERA]["health"]["cpu_pct"] == 12.5


def test_birth_sets_the_rhythm_by_which_silence_is_judged() -> None:
    projection = connected()
    tell(projection, birth(interval_s=60))
    assert not projection.time_passed(MOMENT + timedelta(seconds=179))
    silent = projection.time_passed(MOMENT + timedelta(seconds=180))
    assert silent.cameras[CAMERA]["reason"] == "silent"


def test_a_stale_will_is_counted_and_adds_nothing() -> None:
    projection = connected()
    tell(projection, presence(session=8))
    outcome = tell(projection, presence("offline", session=7))
    assert not outcome.records
    assert projection.odd.count(Oddity.STALE_PRESENCE) == 1


def test_the_birth_of_an_older_session_is_not_believed() -> None:
    projection = connected()
    tell(projection, presence(session=8))
    assert "birth" not in tell(projection, birth(session=7)).records.cameras.get(CAMERA, {})


def test_a_cut_off_camera_is_revoked_until_the_registry_lets_it_in_again() -> None:
    projection = connected()
    tell(projection, presence())
    cut_off = tell(projection, facts(denied=True), now=MOMENT + timedelta(seconds=5)).records.cameras[CAMERA]
    assert (cut_off["presence"], cut_off["reason"], cut_off["state"]) == ("offline", "revoked", "accepted")
    assert "presence" not in tell(projection, health()).records.cameras[CAMERA]
    let_in = tell(projection, facts(denied=False), now=MOMENT + timedelta(seconds=9)).records.cameras[CAMERA]
    assert (let_in["presence"], let_in["reason"]) == ("offline", "silent")
    assert tell(projection, presence(session=8)).records.cameras[CAMERA]["presence"] == "online"


def test_a_restarted_ingest_knows_who_is_cut_off() -> None:
    row = dict.fromkeys(("certificate_not_after", "health", "health_interval_s", "last_seen_at", "site_id"))
    stored = {"presence": "offline", "reason": "revoked", "since": MOMENT, "session": 7, "state": "accepted"}
    projection = connected()
    projection.remember([row | stored | {"device_id": CAMERA}])
    assert tell(projection, health()).records.cameras[CAMERA].get("presence", "offline") == "offline"
    assert tell(projection, facts(denied=False)).records.cameras[CAMERA]["reason"] == "silent"


def test_a_restarted_ingest_remembers_sites_sessions_and_clocks() -> None:
    row = {
        "device_id": CAMERA,
        "presence": "online",
        "reason": None,
        "since": MOMENT,
        "session": 7,
        "last_seen_at": MOMENT,
        "health_interval_s": None,
        "certificate_not_after": None,
        "state": "accepted",
        "site_id": "hq",
        "health": {"outbox_oldest_s": 7200.0},
    }
    projection = Projection()
    projection.remember([row])
    unknown = projection.link_changed(True, MOMENT + timedelta(seconds=5))
    assert unknown.cameras[CAMERA]["presence"] == "unknown"
    back = tell(projection, health(session=7), now=MOMENT + timedelta(seconds=9))
    assert (back.records.cameras[CAMERA]["presence"], back.records.cameras[CAMERA]["since"]) == ("online", MOMENT)
    assert tell(projection, event()).records.events[0]["site_id"] == "hq"
    assert projection.count_by_standing() == {"pending": 0, "online": 1, "offline": 0, "unknown": 0}
