"""Hand events over to Kafka: the only module that knows confluent-kafka."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from dashboard.forwarder.kafka_options import Options
from dashboard.forwarder.planning import taken_in_front
from dashboard.forwarder.target import Delivery, Message, Trouble, Verdict

NAME = "kafka"
POLL_S = 0.2
# Without any report for so long it is said that Kafka is away; librdkafka goes on trying, with its own backoff.
QUIET_S = 2.0
# After a refusal the rest has so long to be reported, then it counts as not taken.
SETTLE_S = 10.0

# What librdkafka writes by itself repeats each attempt; what it tells us is logged once per change.
_silent = logging.getLogger("librdkafka")
_silent.setLevel(logging.CRITICAL + 1)


class OptionsRefused(Exception):
    """librdkafka does not take these options; the text names the one."""


@dataclass
class _Reports:
    """What became of the messages of one page."""

    taken: set[int] = field(default_factory=set)
    open: int = 0
    refusal: KafkaError | None = None
    last_at: float = field(default_factory=time.monotonic)

    def note(self, change_seq: int, error: KafkaError | None, _message: Any) -> None:
        self.open -= 1
        self.last_at = time.monotonic()
        if error is None:
            self.taken.add(change_seq)
        else:
            self.refuse(error)

    def refuse(self, error: KafkaError) -> None:
        """Keep the first reason; that the producer has ended says nothing once there is a better one."""
        if self.refusal is None or self.refusal.code() in _ENDED:
            self.refusal = error


@dataclass
class KafkaTarget:
    """Writes with an idempotent producer that stops at the first message it cannot deliver, so none overtakes another.

    Kafka that is away is waited for inside `deliver`: what is sent stays with one producer, in one order. A refusal
    or a fatal error ends the producer; the next page goes through a new one.
    """

    options: Options
    topic: str
    notice: Callable[[Trouble], None]
    stopping: threading.Event
    _producer: Producer | None = None
    _last_error: str | None = None
    _fatal: KafkaError | None = None

    def __post_init__(self) -> None:
        """Raise OptionsRefused for options that no producer can be made with; nothing is connected yet."""
        self._producer = self._new_producer()

    @property
    def name(self) -> str:
        """Return the name of its cursor."""
        return NAME

    @property
    def address(self) -> str:
        """Return where it is and which topic is written."""
        return f"{self.options['bootstrap.servers']} {self.topic}"

    def deliver(self, messages: Sequence[Message]) -> Delivery:
        """Write messages and return how many from the front Kafka has confirmed."""
        if self._producer is None:
            self._producer = self._new_producer()
        # What librdkafka has to tell heaps up until somebody listens.
        self._poll(self._producer, 0.0)
        reports = _Reports()
        self._send(self._producer, messages, reports)
        self._await(self._producer, reports)
        taken = taken_in_front([message.change_seq for message in messages], reports.taken)
        error = reports.refusal
        if error is None or error.code() in _ENDED:
            error = self._fatal or error
        if error is None:
            return Delivery(taken)
        self.close()
        return Delivery(taken, trouble_of(error))

    def close(self) -> None:
        """Drop what is not confirmed; the cursor knows."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            self._poll(producer, 0.0)
            self._fatal = None

    def _send(self, producer: Producer, messages: Sequence[Message], reports: _Reports) -> None:
        for message in messages:
            try:
                note = partial(reports.note, message.change_seq)
                producer.produce(self.topic, value=message.body, key=message.device_id, on_delivery=note)
            except KafkaException as error:
                # What comes after it must not go first. Why the producer has ended is told to whoever listens.
                reports.refuse(error.args[0])
                self._poll(producer, POLL_S)
            except BufferError:
                reports.refuse(KafkaError(KafkaError._QUEUE_FULL))
            else:
                reports.open += 1
            if reports.refusal is not None or self._fatal is not None:
                return

    def _await(self, producer: Producer, reports: _Reports) -> None:
        """Wait for every report: for as long as it takes, or SETTLE_S after something was refused."""
        settled_at: float | None = None
        while reports.open > 0 and not self.stopping.is_set():
            self._poll(producer, POLL_S)
            now = time.monotonic()
            if reports.refusal is not None or self._fatal is not None:
                settled_at = settled_at or now + SETTLE_S
                if now >= settled_at:
                    return
            elif now - reports.last_at > QUIET_S:
                self.notice(Trouble(Verdict.AWAY, self._last_error or "does not confirm what it was sent"))

    def _poll(self, producer: Producer, timeout_s: float) -> None:
        try:
            producer.poll(timeout_s)
        except KafkaException as error:
            self._fatal = error.args[0]

    def _new_producer(self) -> Producer:
        self._last_error = self._fatal = None
        try:
            return Producer({**self.options, "error_cb": self._note_error, "logger": _silent})
        except KafkaException as error:
            raise OptionsRefused(error.args[0].str()) from error

    def _note_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._last_error = _said(error)


def trouble_of(error: KafkaError) -> Trouble:
    """Return what an error of a message or of the producer asks for: what the cluster itself says was refused."""
    is_refusal = error.code() > 0 or error.code() in _NEVER_BY_ITSELF
    return Trouble(Verdict.REFUSED if is_refusal else Verdict.AWAY, _said(error))


# What becomes of messages whose producer ended for another reason.
_ENDED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._FATAL}
_NEVER_BY_ITSELF = {KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION, KafkaError._GAPLESS_GUARANTEE}


def _said(error: KafkaError) -> str:
    # "127.0.0.1:9092/bootstrap: Connect to … failed: Connection refused (after 0ms in state CONNECT, 3 …)": the
    # numbers in brackets change at each attempt, and a change is news.
    return error.str().partition(" (after ")[0][:180]
