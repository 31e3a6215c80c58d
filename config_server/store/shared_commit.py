"""Small changes of several threads in one transaction: waiting for the disk is most of what a small one costs."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from config_server.store.registry import Store, Transaction

Change = Callable[[Transaction], None]


@dataclass(eq=False)
class _Job:
    change: Change
    is_done: bool = False
    failure: Exception | None = None


@dataclass(frozen=True)
class SharedCommit:
    """Whoever has the turn writes for all who wait; each returns once its own change is committed.

    Only where one writes at a time: PostgreSQL shares commits by itself, and two transactions that hold rows of several
    devices each could wait for one another. A change that raises `refusal` is undone alone. After any other failure
    nothing of the whole transaction stays, and everybody in it hears of it: a full disk may have undone more than one.
    """

    store: Store
    refusal: type[Exception]
    _waiting: deque[_Job] = field(default_factory=deque)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def write(self, change: Change) -> None:
        """Commit a change, alone or with others; raises what it raised, or StoreUnavailable.

        It may run in the thread of another request, so it must not look at the current one.
        """
        if not self.store.has_one_writer:
            with self.store.writing() as tx:
                change(tx)
            return
        job = _Job(change)
        self._waiting.append(job)
        with self._turn:
            if not job.is_done:
                self._write_for_all()
        if job.failure is not None:
            raise job.failure

    def _write_for_all(self) -> None:
        jobs: list[_Job] = []
        try:
            with self.store.writing() as tx:
                # Taken now, and not before: more have come while this one waited for its turn at the database.
                for job in self._rest():
                    jobs.append(job)
                    self._apply(job, tx)
        except Exception as failure:  # noqa: BLE001  (whatever it is, every thread that waits must hear of it)
            jobs += self._rest()
            for job in jobs:
                job.failure = failure
        for job in jobs:
            job.is_done = True

    def _apply(self, job: _Job, tx: Transaction) -> None:
        try:
            with tx.step():
                job.change(tx)
        except self.refusal as refusal:
            job.failure = refusal

    def _rest(self) -> Iterator[_Job]:
        while self._waiting:
            yield self._waiting.popleft()
