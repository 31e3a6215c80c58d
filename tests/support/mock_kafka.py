"""A Kafka cluster of one broker inside this process: librdkafka's own mock, reached over TCP like a real one."""

import ctypes
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import confluent_kafka
from confluent_kafka import Consumer, TopicPartition

from tests.support.waiting import wait_until

TOPIC = "camfleet.events"
PARTITIONS = 3
# Requests and errors by their numbers in Kafka's protocol.
PRODUCE, INIT_PRODUCER_ID = 0, 22
MESSAGE_TOO_LARGE, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED = 10, 29, 31
ANSWER_S = 60.0
_PRODUCER, _BROKER = 0, 1


@cache
def _library() -> ctypes.CDLL:
    site = Path(confluent_kafka.__file__).parents[1]
    library = ctypes.CDLL(str(next(site.glob("confluent_kafka.libs/librdkafka*"))))
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_conf_set", number, [pointer, text, text, text, ctypes.c_size_t]),
        ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
        ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
        ("rd_kafka_mock_broker_set_down", number, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_up", number, [pointer, ctypes.c_int32]),
        (
            "rd_kafka_mock_push_request_errors_array",
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(number)],
        ),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@dataclass
class MockKafka:
    """The cluster: it forgets everything at its end, and keeps what it has while it is `down`."""

    _cluster: Any
    servers: str
    _read: list[dict[str, Any]] = field(default_factory=list)
    _reader: Consumer | None = None

    def go_down(self) -> None:
        """Take no connections any more."""
        _library().rd_kafka_mock_broker_set_down(self._cluster, _BROKER)

    def come_up(self) -> None:
        """Take connections again."""
        _library().rd_kafka_mock_broker_set_up(self._cluster, _BROKER)

    def refuse(self, code: int, times: int, request: int = PRODUCE) -> None:
        """Answer the next so many requests of a kind with an error."""
        codes = (ctypes.c_int * times)(*[code] * times)
        _library().rd_kafka_mock_push_request_errors_array(self._cluster, request, times, codes)

    def events(self) -> list[dict[str, Any]]:
        """Return every message so far, in the order of its partition, with `key` and `partition`."""
        if self._reader is None:
            self._reader = Consumer({"bootstrap.servers": self.servers, "group.id": "test", "log_level": 0})
            self._reader.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
        wait_until(self._has_read_all, ANSWER_S, "every message is read")
        return list(self._read)

    def _has_read_all(self) -> bool:
        """Read what is there; it ends where the cluster says, however slowly it answers."""
        assert self._reader is not None
        places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        there = sum(self._reader.get_watermark_offsets(place, ANSWER_S)[1] for place in places)
        missing = there - len(self._read)
        for message in self._reader.consume(missing, 0.3) if missing else []:
            assert message.error() is None, message.error()
            told = {"key": (message.key() or b"").decode(), "partition": message.partition()}
            self._read.append(json.loads(message.value() or b"") | told)
        return len(self._read) == there

    def close(self) -> None:
        """Let go of the reader."""
        if self._reader is not None:
            self._reader.close()


@contextmanager
def running_kafka() -> Iterator[MockKafka]:
    """Give a cluster whose topic has three partitions."""
    library, why = _library(), ctypes.create_string_buffer(512)
    configuration = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(configuration, b"log_level", b"0", why, len(why))
    holder = library.rd_kafka_new(_PRODUCER, configuration, why, len(why))
    assert holder, why.value
    cluster = library.rd_kafka_mock_cluster_new(holder, 1)
    assert library.rd_kafka_mock_topic_create(cluster, TOPIC.encode(), PARTITIONS, 1) == 0
    kafka = MockKafka(cluster, library.rd_kafka_mock_cluster_bootstraps(cluster).decode())
    try:
        yield kafka
    finally:
        kafka.close()
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(holder)
