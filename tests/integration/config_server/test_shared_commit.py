"""Enrolments that wait together share one commit: each hears of its own end, and none of one that did not happen."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from config_server.enrolment import EnrolmentRefused
from config_server.records import AuditEntry, DeviceRecord
from config_server.store.database import StoreUnavailable
from config_server.store.registry import Store, Transaction
from config_server.store.shared_commit import SharedCommit
from tests.integration.config_server.conftest import Api
from tests.support.waiting import wait_until

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SOON_S = 10.0


class SlowStore(Store):
    """A store whose first writer waits at the door until it is let through."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_open = threading.Event()
        self.commits = 0

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        assert self.is_open.wait(SOON_S)
        with super().writing() as tx:
            yield tx
        self.commits += 1


class FullDisk(SlowStore):
    """A store that takes nothing."""

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        assert self.is_open.wait(SOON_S)
        raise StoreUnavailable("disk full")
        yield


@dataclass
class Crowd:
    """Threads that wait for one commit."""

    shared: SharedCommit
    store: SlowStore
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))

    def ends_of(self, *changes: Callable[[Transaction], None]) -> list[BaseException | None]:
        """Let every change wait, then let them through; what each raised."""
        futures: list[Future[None]] = [self.pool.submit(self.shared.write, change) for change in changes]
        wait_until(lambda: len(self.shared._waiting) == len(changes), SOON_S, "every change waits")
        self.store.is_open.set()
        return [future.exception(SOON_S) for future in futures]


@contextmanager
def crowd_at(store: SlowStore) -> Iterator[Crowd]:
    crowd = Crowd(SharedCommit(store, EnrolmentRefused), store)
    with crowd.pool:
        yield crowd
    store.close()


def adding(device_id: str, refusal: Exception | None = None) -> Callable[[Transaction], None]:
    """A change that adds a device with its audit entry, and then may fail."""

    def change(tx: Transaction) -> None:
        tx.devices.add(DeviceRecord(device_id, device_id, None, None, "pending", NOW))
        tx.audit.add(AuditEntry(NOW, "test", "device.registered", device_id))
        if refusal is not None:
            raise refusal

    return change


def ids_in(api: Api) -> set[str]:
    with api.store.reading() as tx:
        return {one for one in ("cam-aaaaa", "cam-bbbbb", "cam-ccccc") if tx.devices.get(one)}


def test_changes_that_wait_together_are_committed_together(api: Api) -> None:
    with crowd_at(SlowStore(api.settings.config_database)) as crowd:
        assert crowd.ends_of(adding("cam-aaaaa"), adding("cam-bbbbb"), adding("cam-ccccc")) == [None] * 3
        assert crowd.store.commits == 1
    assert ids_in(api) == {"cam-aaaaa", "cam-bbbbb", "cam-ccccc"}
    assert api.audit_of("cam-bbbbb") == ["device.registered"]


def test_a_refused_change_is_undone_alone(api: Api) -> None:
    refused = adding("cam-bbbbb", EnrolmentRefused("used a moment ago"))
    with crowd_at(SlowStore(api.settings.config_database)) as crowd:
        ends = crowd.ends_of(adding("cam-aaaaa"), refused, adding("cam-ccccc"))
    assert [type(end) for end in ends] == [type(None), EnrolmentRefused, type(None)]
    assert ids_in(api) == {"cam-aaaaa", "cam-ccccc"}
    assert api.audit_of("cam-bbbbb") == []


def test_after_any_other_failure_nothing_stays_and_everybody_hears_of_it(api: Api) -> None:
    with crowd_at(SlowStore(api.settings.config_database)) as crowd:
        ends = crowd.ends_of(adding("cam-aaaaa"), adding("cam-bbbbb", StoreUnavailable("disk full")))
    assert [type(end) for end in ends] == [StoreUnavailable] * 2
    assert ids_in(api) == set()


def test_a_database_that_takes_nothing_is_told_to_each(api: Api) -> None:
    store = FullDisk(api.settings.config_database)
    with crowd_at(store) as crowd:
        ends = crowd.ends_of(adding("cam-aaaaa"), adding("cam-bbbbb"))
    assert [type(end) for end in ends] == [StoreUnavailable] * 2


def test_the_next_change_is_not_held_up_by_a_failed_one(api: Api) -> None:
    shared = SharedCommit(api.store, EnrolmentRefused)
    with pytest.raises(KeyError):
        shared.write(adding("cam-aaaaa", KeyError("a mistake of ours")))
    shared.write(adding("cam-bbbbb"))
    assert ids_in(api) == {"cam-bbbbb"}
