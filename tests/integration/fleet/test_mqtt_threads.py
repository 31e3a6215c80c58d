"""Many threads may publish on one session while its answers come in."""

import threading
from pathlib import Path

from fleet import topics
from fleet.mqtt import Session, SessionOptions
from tests.support.broker import running_broker
from tests.support.waiting import wait_until

CAMERA = "cam-00001"
THREADS, EACH = 4, 300


def test_threads_that_publish_and_answers_that_arrive_never_wait_for_each_other(tmp_path: Path) -> None:
    with running_broker(tmp_path / "home") as broker:
        lost: list[str] = []
        session = Session(
            broker.cameras, broker.credentials(CAMERA), SessionOptions(CAMERA), on_disconnected=lost.append
        )
        session.start()
        assert session.wait_connected(10)
        answers: list[bool] = []

        def publish() -> None:
            for _ in range(EACH):
                assert session.publish(topics.event(CAMERA, "main"), b"x", qos=1, acknowledged=answers.append)

        threads = [threading.Thread(target=publish, daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == THREADS * EACH, 20, "every publish is answered exactly once")
        assert all(answers)
        assert session.pending == 0
        assert lost == [], "two threads wrote into one TLS record"
        session.stop()
