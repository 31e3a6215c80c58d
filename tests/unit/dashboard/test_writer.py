"""Ingest's promise: nothing is acknowledged or receipted before it is committed."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dashboard.ingest.committer import Committer
from dashboard.ingest.condition import Condition
from dashboard.ingest.inbox import Inbox, LinkChange
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.projection import Projection
from dashboard.ingest.writer import Writer
from dashboard.store.database import RowRefused, StoreUnavailable
from dashboard.store.records import Records
from fleet import topics
from fleet.messages import Probe, Receipt, pack_backfill
from fleet.mqtt import Received
from tests.support.camera_words import CAMERA, MOMENT, OUTBOX, event, presence, received
from tests.support.waiting import wait_until


@dataclass
class FakeBroker:
    published: list[tuple[str, bytes]] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool:
        self.published.append((topic, payload))
        return True

    def acknowledge_all(self, messages: list[Received]) -> None:
        self.acknowledged += [message.mid for message in messages]

    def receipts(self) -> list[list[tuple[int, int]]]:
        own = topics.receipt(CAMERA)
        return [Receipt.decode(payload).committed for topic, payload in self.published if topic == own]


def seqs_of(records: Records) -> list[int]:
    payloads = [row["payload"] for row in records.events] + list(records.event_columns.get("payload", ()))
    return [json.loads(payload)["seq"] for payload in payloads]


@dataclass
class FakeStore:
    refuse: Callable[[Records], None] = lambda _: None
    written: list[Records] = field(default_factory=list)

    def write(self, records: Records) -> int:
        self.refuse(records)
        self.written.append(records)
        return records.event_count

    def events(self) -> list[int]:
        return [seq for records in self.written for seq in seqs_of(records)]

    def quarantined(self) -> list[str]:
        return [row["reason"] for records in self.written for row in records.quarantine]


@dataclass
class Clock:
    now: datetime = MOMENT

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bench:
    broker: FakeBroker = field(default_factory=FakeBroker)
    store: FakeStore = field(default_factory=FakeStore)
    clock: Clock = field(default_factory=Clock)
    condition: Condition = field(default_factory=lambda: Condition(started_at=MOMENT, broker_connected=True))
    stopping: threading.Event = field(default_factory=threading.Event)
    judges: bool = True

    def __post_init__(self) -> None:
        metrics, projection, inbox = Metrics(), Projection(odd=self.condition.odd, judges=self.judges), Inbox()
        self.committer = Committer(
            server_id="srv-ingest-1",
            broker=self.broker,
            store=self.store,
            projection=projection,
            condition=self.condition,
            metrics=metrics,
            clock=self.clock,
            stopping=self.stopping,
            on_free=inbox.wake,
        )
        self.writer = Writer(
            committer=self.committer,
            projection=projection,
            inbox=inbox,
            metrics=metrics,
            clock=self.clock,
            stopping=self.stopping,
        )
        inbox.put(LinkChange(is_up=True))

    def tell(self, *messages: Received) -> None:
        for message in messages:
            self.writer.inbox.put(message)

    def work(self) -> None:
        """Do both steps, one after the other."""
        self.writer.work_once(0)
        self.committer.work_once(0)


def events(*seqs: int) -> list[Received]:
    return [received(event(seq), mid=seq) for seq in seqs]


def backfill(*seqs: int) -> Received:
    payload = pack_backfill(OUTBOX, MOMENT, [("main", event(seq).encode()) for seq in seqs])
    return Received(topics.backfill(CAMERA), payload, 1, False, 70, 1)


def test_one_batch_is_one_commit_then_acknowledgements_then_one_receipt() -> None:
    bench = Bench()
    bench.tell(*events(1, 2, 3))
    bench.work()
    assert bench.store.events() == [1, 2, 3]
    assert bench.broker.acknowledged == [1, 2, 3]
    assert bench.broker.receipts() == [[(1, 3)]]


def test_while_the_database_is_away_nothing_is_acknowledged_and_health_says_so() -> None:
    bench = Bench()
    away = threading.Event()
    away.set()

    def refuse(records: Records) -> None:
        if away.is_set():
            raise StoreUnavailable("database or disk is full")

    bench.store.refuse = refuse
    bench.tell(*events(1, 2))
    worker = threading.Thread(target=bench.work, daemon=True)
    worker.start()
    wait_until(lambda: bench.condition.database_reason == "database or disk is full", 5, "the reason is known")
    assert bench.condition.status(MOMENT) == "down"
    assert (bench.broker.acknowledged, bench.broker.receipts()) == ([], [])
    away.clear()
    worker.join(10)
    assert bench.broker.acknowledged == [1, 2]
    assert bench.store.events() == [1, 2]
    assert bench.condition.database_ok


def test_a_writer_that_is_stopped_while_it_waits_acknowledges_nothing() -> None:
    bench = Bench()

    def refuse(records: Records) -> None:
        bench.stopping.set()
        raise StoreUnavailable("down")

    bench.store.refuse = refuse
    bench.tell(*events(1))
    bench.work()
    assert (bench.broker.acknowledged, bench.broker.receipts()) == ([], [])


def test_a_malformed_message_is_put_aside_and_the_rest_goes_on() -> None:
    bench = Bench()
    good, bad = events(1, 2)
    bench.tell(replace(bad, payload=b"nonsense"), good)
    bench.work()
    assert bench.store.events() == [1]
    assert len(bench.store.quarantined()) == 1
    assert bench.broker.acknowledged == [2, 1]
    assert bench.broker.receipts() == [[(1, 1)]]
    assert bench.condition.quarantined == 1


def test_a_row_that_the_database_never_takes_costs_only_its_own_message() -> None:
    bench = Bench()

    def refuse(records: Records) -> None:
        if 3 in seqs_of(records):
            raise RowRefused("integer out of range")

    bench.store.refuse = refuse
    bench.tell(*events(1, 2, 3, 4, 5))
    bench.work()
    assert bench.store.events() == [1, 2, 4, 5]
    assert bench.store.quarantined() == ["refused by the database: integer out of range"]
    assert sorted(bench.broker.acknowledged) == [1, 2, 3, 4, 5]
    # It is in quarantine with its bytes: its camera need not keep it, nor send it for ever.
    assert bench.broker.receipts() == [[(1, 5)]]


def test_a_poisoned_event_that_says_its_place_gets_a_receipt_once_it_is_in_quarantine() -> None:
    bench = Bench()
    good, bad = events(1, 2)
    bench.tell(good, replace(bad, payload=bad.payload.replace(b'"rev":1', b'"rev":0')))
    bench.work()
    assert (bench.store.events(), len(bench.store.quarantined())) == ([1], 1)
    assert bench.broker.receipts() == [[(1, 2)]]


def test_a_backfill_is_committed_whole_acknowledged_once_and_each_event_has_its_receipt() -> None:
    bench = Bench()
    bench.tell(*events(9), backfill(*range(1, 6)))
    bench.work()
    assert bench.store.events() == [9, 1, 2, 3, 4, 5]
    assert [mid for mid in bench.broker.acknowledged if mid] == [9, 70]
    assert bench.broker.receipts() == [[(1, 5), (9, 9)]]


def test_an_event_of_a_backfill_that_the_database_never_takes_costs_only_itself() -> None:
    bench = Bench()

    def refuse(records: Records) -> None:
        if 3 in seqs_of(records):
            raise RowRefused("integer out of range")

    bench.store.refuse = refuse
    bench.tell(backfill(*range(1, 6)))
    bench.work()
    assert bench.store.events() == [1, 2, 4, 5]
    assert len(bench.store.quarantined()) == 1
    assert bench.broker.receipts() == [[(1, 5)]]


def test_a_backfill_that_cannot_be_read_is_put_aside_whole() -> None:
    bench = Bench()
    bench.tell(replace(backfill(1), payload=b"nonsense"), *events(2))
    bench.work()
    assert (bench.store.events(), len(bench.store.quarantined())) == ([2], 1)
    assert bench.broker.acknowledged == [70, 2]


def test_a_repeat_gets_a_receipt_again() -> None:
    bench = Bench()
    repeated = event(1)
    bench.tell(received(repeated))
    bench.work()
    bench.clock.now += timedelta(seconds=1)
    bench.tell(received(repeated))
    bench.work()
    assert bench.broker.receipts() == [[(1, 1)], [(1, 1)]]


def test_receipts_of_a_busy_camera_come_once_a_second() -> None:
    bench = Bench()
    for number in range(1, 12):
        bench.tell(*events(number))
        bench.work()
        bench.clock.now += timedelta(seconds=0.2)
    bench.work()
    assert len(bench.broker.receipts()) == 3
    assert [low for ranges in bench.broker.receipts() for low, _ in ranges] == [1, 2, 7]


def test_a_probe_goes_out_every_five_seconds_and_its_way_back_is_the_lag() -> None:
    bench = Bench()
    for _ in range(12):
        bench.work()
        bench.clock.now += timedelta(seconds=1)
    probes = [item for item in bench.broker.published if item[0] == topics.probe("srv-ingest-1")]
    assert [Probe.decode(payload).n for _, payload in probes] == [1, 2, 3]
    bench.tell(Received(*probes[-1], 1, False, 1, 1))
    bench.work()
    assert bench.condition.lag(MOMENT + timedelta(seconds=12)) == timedelta(seconds=2)


def test_what_came_before_the_link_broke_is_not_heard_after_it() -> None:
    bench = Bench()
    bench.tell(received(presence()))
    bench.writer.inbox.put(LinkChange(is_up=False))
    bench.writer.inbox.put(LinkChange(is_up=True))
    bench.work()
    assert bench.writer.projection.count_by_standing()["unknown"] == 1


def test_what_comes_while_the_committer_is_busy_is_read_and_waits_as_one_batch() -> None:
    bench = Bench()
    bench.tell(*events(1))
    bench.writer.work_once(0)
    for seq in (2, 3):
        bench.tell(*events(seq))
        bench.writer.work_once(0)
    assert bench.store.events() == []
    bench.committer.work_once(0)
    assert (bench.store.events(), bench.broker.acknowledged) == ([1], [1])
    bench.writer.work_once(0)
    bench.committer.work_once(0)
    assert bench.store.events() == [1, 2, 3]
    assert len(bench.store.written) == 2


def test_a_committer_that_breaks_ends_ingest_and_acknowledges_nothing() -> None:
    bench = Bench()

    def refuse(records: Records) -> None:
        raise ArithmeticError("a defect")

    bench.store.refuse = refuse
    bench.tell(*events(1))
    bench.committer.start()
    bench.writer.run()
    bench.committer.stop()
    assert isinstance(bench.committer.failure, ArithmeticError)
    assert bench.broker.acknowledged == []


def test_what_comes_after_a_batch_that_was_given_up_is_not_stored_before_it() -> None:
    bench = Bench()

    def hand_on_the_next() -> None:
        bench.tell(*events(2))
        bench.writer.work_once(0)

    def refuse(records: Records) -> None:
        if seqs_of(records) == [1]:
            bench.stopping.set()
            raise StoreUnavailable("down")

    bench.store.refuse = refuse
    bench.committer.on_free = hand_on_the_next
    bench.tell(*events(1))
    bench.writer.work_once(0)
    bench.committer.start()
    bench.committer.stop()
    assert (bench.store.events(), bench.broker.acknowledged) == ([], [])


def test_a_stop_finishes_the_batch_at_hand() -> None:
    bench = Bench()
    bench.tell(*events(1, 2))
    bench.writer.work_once(0)
    bench.committer.start()
    bench.committer.stop()
    assert (bench.store.events(), bench.broker.acknowledged) == ([1, 2], [1, 2])


def test_silence_is_noticed_without_a_message() -> None:
    bench = Bench()
    bench.tell(received(presence()))
    bench.work()
    bench.clock.now += timedelta(seconds=46)
    bench.work()
    assert bench.store.written[-1].cameras[CAMERA]["reason"] == "silent"
