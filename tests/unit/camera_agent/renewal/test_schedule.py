"""When a certificate is renewed."""

import hashlib
from datetime import UTC, datetime, timedelta

from camera_agent.renewal.schedule import Schedule, is_nearly_over, is_over
from fleet.pki import CertificateFacts

BEGIN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIFE = timedelta(days=90)


def certificate(number: int = 0) -> CertificateFacts:
    fingerprint = hashlib.sha256(str(number).encode()).digest()
    return CertificateFacts("cam-front-gate", number, BEGIN, BEGIN + LIFE, fingerprint, b"", "")


def test_without_jitter_it_is_due_at_two_thirds_of_its_life() -> None:
    schedule = Schedule(2 / 3, 0.0)
    assert schedule.due_at(certificate()) == BEGIN + LIFE * (2 / 3)
    assert not schedule.is_due(certificate(), BEGIN + timedelta(days=59))
    assert schedule.is_due(certificate(), BEGIN + timedelta(days=60))


def test_a_fleet_that_was_enrolled_together_is_spread_and_a_restart_changes_nothing() -> None:
    schedule = Schedule(2 / 3, 0.05)
    due = [schedule.due_at(certificate(number)) for number in range(400)]
    assert due == [schedule.due_at(certificate(number)) for number in range(400)]
    assert min(due) >= BEGIN + LIFE * (2 / 3)
    assert max(due) <= BEGIN + LIFE * (2 / 3 + 0.05)
    spread = [sum(moment <= BEGIN + LIFE * (2 / 3 + 0.05 * part / 4) for moment in due) for part in (1, 2, 3)]
    assert all(abs(have - want) < 40 for have, want in zip(spread, (100, 200, 300), strict=True))


def test_jitter_never_leads_past_the_end() -> None:
    assert Schedule(1.0, 1.0).due_at(certificate(3)) <= BEGIN + LIFE


def test_nearly_over_leaves_room_for_clocks_that_differ() -> None:
    last_hours = BEGIN + LIFE - timedelta(hours=1)
    assert is_nearly_over(certificate(), last_hours)
    assert not is_over(certificate(), last_hours)
    assert is_over(certificate(), BEGIN + LIFE)
    assert not is_nearly_over(certificate(), BEGIN + LIFE * 0.9)
