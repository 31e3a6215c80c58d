"""Presence by session number and heartbeat."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.ingest.presence import (
    CameraPresence,
    Link,
    Standing,
    on_alive,
    on_link_up,
    on_presence,
    on_registry,
    on_retained_presence,
    on_time,
)
from fleet.messages import PresenceState, Reason

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
INTERVAL = timedelta(seconds=15)
UP = Link(up_since=START - timedelta(hours=1))


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def online(session: int = 7) -> CameraPresence:
    return on_presence(CameraPresence(), session, PresenceState.ONLINE, START)


def test_a_registered_camera_that_never_spoke_is_pending() -> None:
    camera = on_registry(CameraPresence(), "accepted", False, START)
    assert (camera.standing, camera.reason) == (Standing.PENDING, Reason.NEVER_SEEN)
    assert on_time(camera, UP, after(1e6)) == camera


def test_a_camera_that_says_so_is_online_since_then() -> None:
    camera = online()
    assert (camera.standing, camera.reason, camera.since) == (Standing.ONLINE, None, START)
    later = on_alive(camera, 7, after(15))
    assert later.since == START
    assert later.last_seen_at == after(15)


def test_the_will_of_the_newest_session_means_offline() -> None:
    camera = on_presence(online(), 7, PresenceState.OFFLINE, after(20))
    assert (camera.standing, camera.reason, camera.since) == (Standing.OFFLINE, Reason.CONNECTION_LOST, after(20))


def test_the_will_of_an_older_session_changes_nothing() -> None:
    camera = online(session=8)
    assert camera.is_stale(7)
    assert on_presence(camera, 7, PresenceState.OFFLINE, after(1)) == camera


def test_the_will_of_a_session_whose_start_was_missed_counts() -> None:
    camera = on_presence(online(session=7), 8, PresenceState.OFFLINE, after(1))
    assert (camera.standing, camera.session) == (Standing.OFFLINE, 8)


def test_a_camera_that_says_goodbye_was_stopped_and_late_messages_do_not_revive_it() -> None:
    camera = on_presence(online(), 7, PresenceState.STOPPING, after(5))
    assert camera.reason is Reason.STOPPED
    assert on_alive(camera, 7, after(6)).standing is Standing.OFFLINE
    assert on_alive(camera, None, after(6)).standing is Standing.OFFLINE
    assert on_alive(camera, 8, after(7)).standing is Standing.ONLINE


def test_an_old_event_does_not_revive_a_lost_camera_but_its_heartbeat_does() -> None:
    lost = on_presence(online(), 7, PresenceState.OFFLINE, after(20))
    assert on_alive(lost, None, after(21)).standing is Standing.OFFLINE
    back = on_alive(lost, 7, after(22))
    assert (back.standing, back.since) == (Standing.ONLINE, after(22))


def test_three_silent_intervals_mean_offline_and_a_heartbeat_ends_it() -> None:
    camera = online()
    assert on_time(camera, UP, after(44)).standing is Standing.ONLINE
    silent = on_time(camera, UP, after(45))
    assert (silent.standing, silent.reason) == (Standing.OFFLINE, Reason.SILENT)
    assert on_alive(silent, None, after(60)).standing is Standing.ONLINE


def test_silence_is_not_counted_while_ingest_itself_was_away() -> None:
    link = Link(up_since=after(100))
    assert on_time(online(), link, after(120)).standing is Standing.ONLINE
    assert on_time(online(), link, after(145)).standing is Standing.OFFLINE


def test_after_a_restart_a_camera_is_unknown_until_it_is_heard_and_keeps_its_since() -> None:
    unknown = on_link_up(online(), after(60))
    assert (unknown.standing, unknown.reason) == (Standing.UNKNOWN, Reason.SERVER_RESTARTED)
    back = on_alive(unknown, 7, after(65))
    assert (back.standing, back.since) == (Standing.ONLINE, START)
    restarted = on_alive(unknown, 8, after(65))
    assert (restarted.standing, restarted.since) == (Standing.ONLINE, after(65))


def test_an_unknown_camera_becomes_offline_after_one_interval_and_no_sooner() -> None:
    unknown = on_link_up(online(), after(600))
    link = Link(up_since=after(600))
    assert on_time(unknown, link, after(615)).standing is Standing.UNKNOWN
    assert on_time(unknown, link, after(618)).reason is Reason.SILENT


def test_an_unknown_camera_is_not_offline_before_three_intervals_of_silence() -> None:
    unknown = on_link_up(online(), after(2))
    link = Link(up_since=after(2))
    assert on_time(unknown, link, after(30)).standing is Standing.UNKNOWN
    assert on_time(unknown, link, after(45)).standing is Standing.OFFLINE


def test_when_the_broker_stays_away_nobody_is_said_to_be_online() -> None:
    link = Link(down_since=START)
    assert on_time(online(), link, after(14)).standing is Standing.ONLINE
    assert on_time(online(), link, after(15)).standing is Standing.UNKNOWN


def test_offline_cameras_stay_offline_over_a_restart() -> None:
    lost = on_presence(online(), 7, PresenceState.OFFLINE, after(20))
    assert on_link_up(lost, after(60)) == lost


@pytest.mark.parametrize("state", [PresenceState.OFFLINE, PresenceState.STOPPING])
def test_a_repeated_end_is_still_an_end(state: PresenceState) -> None:
    unknown = on_link_up(online(), after(60))
    assert on_retained_presence(unknown, 7, state, after(60)).standing is Standing.OFFLINE


def test_a_repeated_online_is_no_proof_of_life() -> None:
    fresh = on_retained_presence(CameraPresence(), 7, PresenceState.ONLINE, START)
    assert (fresh.standing, fresh.session) == (Standing.UNKNOWN, 7)
    lost = on_presence(online(), 7, PresenceState.OFFLINE, after(20))
    assert on_retained_presence(lost, 7, PresenceState.ONLINE, after(60)).standing is Standing.UNKNOWN
    silent = on_time(online(), UP, after(45))
    assert on_retained_presence(silent, 7, PresenceState.ONLINE, after(60)) == silent


def test_a_rejected_device_is_offline_whatever_it_says_until_it_is_accepted_again() -> None:
    revoked = on_registry(online(), "decommissioned", False, after(1))
    assert (revoked.standing, revoked.reason) == (Standing.OFFLINE, Reason.REVOKED)
    assert on_alive(revoked, 7, after(2)).standing is Standing.OFFLINE
    assert on_presence(revoked, 8, PresenceState.ONLINE, after(2)).standing is Standing.OFFLINE
    accepted = on_registry(revoked, "accepted", False, after(3))
    assert on_alive(accepted, 8, after(4)).standing is Standing.ONLINE


def test_a_cut_off_camera_is_revoked_since_then_whatever_is_heard_of_it() -> None:
    revoked = on_registry(online(), "accepted", True, after(1))
    assert (revoked.standing, revoked.reason, revoked.since) == (Standing.OFFLINE, Reason.REVOKED, after(1))
    assert on_registry(revoked, "accepted", True, after(9)) == revoked
    for heard in (
        on_alive(revoked, 7, after(2)),
        on_presence(revoked, 7, PresenceState.OFFLINE, after(2)),
        on_retained_presence(revoked, 8, PresenceState.ONLINE, after(2)),
        on_link_up(revoked, after(2)),
        on_time(revoked, UP, after(1e6)),
    ):
        assert (heard.standing, heard.reason, heard.since) == (Standing.OFFLINE, Reason.REVOKED, after(1))


def test_a_camera_enrolled_anew_loses_the_mark_and_is_offline_until_it_is_heard() -> None:
    revoked = on_registry(online(), "accepted", True, after(1))
    let_in = on_registry(revoked, "accepted", False, after(60))
    assert (let_in.standing, let_in.reason) == (Standing.OFFLINE, Reason.SILENT)
    assert on_presence(let_in, 8, PresenceState.ONLINE, after(61)).standing is Standing.ONLINE
    never_seen = on_registry(on_registry(CameraPresence(), "accepted", True, START), "accepted", False, after(1))
    assert (never_seen.standing, never_seen.reason) == (Standing.PENDING, Reason.NEVER_SEEN)


def test_a_camera_that_is_back_before_the_registry_says_so_is_online_at_that_word() -> None:
    revoked = on_registry(online(), "accepted", True, after(1))
    early = on_presence(revoked, 8, PresenceState.ONLINE, after(59))
    assert early.reason is Reason.REVOKED
    let_in = on_registry(early, "accepted", False, after(60))
    assert (let_in.standing, let_in.session, let_in.since) == (Standing.ONLINE, 8, after(60))
    gone = on_presence(early, 8, PresenceState.OFFLINE, after(59.5))
    assert on_registry(gone, "accepted", False, after(60)).standing is Standing.OFFLINE


def test_a_camera_lost_with_an_expired_certificate_says_so() -> None:
    camera = replace(online(), certificate_not_after=after(10))
    assert on_presence(camera, 7, PresenceState.OFFLINE, after(20)).reason is Reason.CERTIFICATE_EXPIRED
    assert on_time(camera, UP, after(45)).reason is Reason.CERTIFICATE_EXPIRED
