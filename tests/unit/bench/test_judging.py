"""The simulator's judgement: what was decided against what is stored, delays, and what a person is told."""

from dataclasses import replace
from uuid import UUID

import pytest

from bench.simfleet.account import describe
from bench.simfleet.audit import Findings, judge
from bench.simfleet.faults import FAULTS, UnknownFault, read_faults
from bench.simfleet.fleet import CannotHold, Run, allow_sockets
from bench.simfleet.host import Load
from bench.simfleet.loop import Loop
from bench.simfleet.tally import Decided, Tally

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
LEDGER = {ONE: Decided("cam-a-00001", 2, 5, "end"), TWO: Decided("cam-b-00001", 1, 1, "new")}
CLEAN = Findings(0, 0, 0, 0)


def run_of(tally: Tally, loads: dict[str, Load] | None = None, late_s: float = 0.0) -> Run:
    return Run(2, 100.0, 110.0, 7, late_s, tally, loads or {})


def delivered(count: int = 30, delay_s: float = 0.2) -> Tally:
    tally = Tally(decided=count, sent=count, receipts=count)
    for number in range(count):
        tally.note_confirmed(100.0 + number, 100.0 + number + delay_s)
    return tally


def test_a_database_with_all_that_was_decided_is_clean() -> None:
    assert judge(list(LEDGER.items()), LEDGER) == CLEAN


def test_an_event_that_is_not_stored_is_missing() -> None:
    findings = judge([(ONE, LEDGER[ONE])], LEDGER)
    assert (findings.missing, findings.lost) == (1, 1)


@pytest.mark.parametrize("wrong", [{"rev": 1}, {"seq": 4}, {"change": "update"}, {"device_id": "cam-b-00001"}])
def test_an_event_that_is_not_stored_as_last_decided_is_stale(wrong: dict[str, object]) -> None:
    rows = [(ONE, replace(LEDGER[ONE], **wrong)), (TWO, LEDGER[TWO])]  # type: ignore[arg-type]
    assert judge(rows, LEDGER) == Findings(0, 1, 0, 0)


def test_an_event_under_two_cameras_is_there_twice_and_one_that_nobody_decided_is_strange() -> None:
    rows = [*LEDGER.items(), (ONE, LEDGER[ONE]), (THREE, LEDGER[TWO])]
    assert judge(rows, LEDGER) == Findings(0, 0, 1, 1)


def test_percentiles_are_of_the_messages_decided_in_a_span() -> None:
    tally = Tally()
    for number in range(100):
        tally.note_confirmed(float(number), number + (0.1 if number < 50 else 0.5))
    assert tally.delays_ms(0.95, 0.0, 50.0) == pytest.approx(100, abs=0.1)
    assert tally.delays_ms(0.95) == pytest.approx(500, abs=0.1)
    assert tally.delays_ms(0.5, 1000.0) == 0.0
    assert tally.growth_ms() == pytest.approx(400, abs=0.1)


def test_a_fleet_that_said_nothing_has_no_delay_that_grows() -> None:
    assert Tally().growth_ms() == 0.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", {}), ("drop", {"drop": 1}), ("drop=5, flood", {"drop": 5, "flood": 1}), ("skew=0", {"skew": 0})],
)
def test_faults_are_read_with_how_many_cameras_have_them(text: str, wanted: dict[str, int]) -> None:
    assert read_faults(text) == wanted


@pytest.mark.parametrize("text", ["fire", "drop=many", "drop=-1", "=3"])
def test_an_unknown_fault_is_refused_and_the_known_ones_named(text: str) -> None:
    with pytest.raises(UnknownFault, match=", ".join(FAULTS)):
        read_faults(text)


def test_the_account_of_a_good_run_says_so_and_what_the_host_took() -> None:
    loads = {"broker": Load(0.1, 20), "ingest-1": Load(0.25, 80), "simulator": Load(0.4, 90)}
    said = describe(run_of(delivered(), loads), CLEAN, 2)
    assert "Nothing was lost: every message has its receipt." in said
    assert "The servers took 0.35 of this machine's 2 cores." in said
    assert "The busiest was ingest-1" in said
    # 3 messages a second at a quarter of a core: half a core is reached at twice as many.
    assert "at about 6 messages/s" in said


def test_a_host_that_was_nearly_idle_gives_no_limit() -> None:
    said = describe(run_of(delivered(), {"broker": Load(0.01, 20), "ingest-1": Load(0.1, 80)}), CLEAN, 2)
    assert "too little to say" in said
    assert "The busiest" not in said


def test_the_account_names_what_has_no_receipt_and_what_should_be_stored_and_is_not() -> None:
    waiting = delivered()
    waiting.decided += 3
    assert "Some messages had no receipt" in describe(run_of(waiting), CLEAN, 2)
    assert "this is a defect" in describe(run_of(delivered()), Findings(1, 0, 0, 0), 2)


def test_the_account_says_when_the_simulator_itself_was_late_and_when_nothing_could_be_watched() -> None:
    said = describe(run_of(delivered(), late_s=2.0), None, 2)
    assert "up to 2.0 s late" in said
    assert "not on this machine" in said


def test_what_is_due_is_done_in_its_order_and_lateness_is_seen() -> None:
    loop, done = Loop(), []
    loop.after(0.02, lambda: done.append("second"))
    loop.after(0.01, lambda: done.append("first"))
    loop.run_until(lambda: len(done) == 2)
    loop.close()
    assert done == ["first", "second"]
    assert loop.worst_late_s >= 0.0


def test_more_sockets_than_the_system_allows_are_refused_with_what_to_do() -> None:
    allow_sockets(1)
    with pytest.raises(CannotHold, match="ulimit"):
        allow_sockets(2**40)
