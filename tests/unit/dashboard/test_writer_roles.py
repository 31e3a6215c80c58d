"""What the writer does with what a limit refuses, and what it leaves to the first of several processes."""

from dashboard.ingest.limits import DeviceLimits
from dashboard.ingest.oddities import Oddity
from fleet import topics
from fleet.mqtt import Received
from tests.support.camera_words import CAMERA, facts, health, presence, received, status
from tests.unit.dashboard.test_writer import Bench, events, seqs_of


def test_what_is_refused_is_acknowledged_not_stored_and_gets_no_receipt_until_it_comes_again() -> None:
    bench = Bench()
    bench.writer.limiter = limits = DeviceLimits(rate=1e-9, burst=3)
    bench.tell(*events(1, 2, 3, 4, 5))
    bench.work()
    assert sorted(bench.broker.acknowledged) == [1, 2, 3, 4, 5]
    assert bench.store.events() == [1, 2, 3]
    assert bench.broker.receipts() == [[(1, 3)]]
    assert limits.describe(0)["worst"] == {"device_id": CAMERA, "messages": 2}
    bench.writer.limiter = DeviceLimits(rate=1e-9, burst=3)
    bench.tell(*events(4, 5))
    bench.work()
    assert bench.store.events() == [1, 2, 3, 4, 5]


def test_a_further_process_writes_events_and_nothing_that_the_first_judges() -> None:
    bench = Bench(judges=False)
    said = [facts(site_id="plant"), presence(), health(), status()]
    bench.tell(*(received(message, mid=n) for n, message in enumerate(said, start=10)), *events(1, 2))
    bench.work()
    [written] = bench.store.written
    assert seqs_of(written) == [1, 2]
    assert (written.cameras, written.streams, written.telemetry) == ({}, [], [])
    assert bench.writer.projection.cameras[CAMERA].site_id == "plant"


def test_a_further_process_leaves_a_bad_health_to_the_first_and_keeps_a_bad_event() -> None:
    bench = Bench(judges=False)
    bad = [Received(topic, b"nonsense", 1, False, n, 1) for n, topic in enumerate(_TOPICS, start=1)]
    bench.tell(*bad)
    bench.work()
    assert sorted(bench.broker.acknowledged) == [1, 2, 3]
    assert len(bench.store.quarantined()) == 1
    assert bench.condition.odd.count(Oddity.MALFORMED) == 1


_TOPICS = (topics.health(CAMERA), topics.registry(CAMERA), topics.event(CAMERA, "main"))
