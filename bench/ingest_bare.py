"""The peer: a subscriber of the pinned paho release, unmodified, that only counts: `python -m bench.ingest_bare PLAN`.

`loop_forever`, automatic acknowledgement, the same certificate, session and backlog as ingest has.
"""

import json
import ssl
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION_S = 86_400
RECEIVE_MAXIMUM = 1_000


@dataclass(frozen=True)
class Plan:
    """Who listens where, and to how many events."""

    client_id: str
    port: int
    folder: str
    topic_filter: str
    events: int

    def as_text(self) -> str:
        """Return the program's argument."""
        return json.dumps(asdict(self))


class Counter:
    """Counts events and ends the loop at the last."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seen = 0
        self.connected_at = 0.0
        self.ended_at = 0.0

    def on_connect(self, client: paho.Client, *_: Any) -> None:
        """Begin the clock and subscribe, as ingest does."""
        self.connected_at = time.time()
        client.subscribe(self.plan.topic_filter, 1)

    def on_message(self, client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        """Count an event; ingest's own probes, which lie among them, are none."""
        if message.topic.endswith("/event"):
            self.seen += 1
            if self.seen == self.plan.events:
                self.ended_at = time.time()
                client.disconnect()


def main() -> int:
    """Count to the end; prints when it began and ended."""
    plan = Plan(**json.loads(sys.argv[1]))
    counter = Counter(plan)
    client = paho.Client(CallbackAPIVersion.VERSION2, plan.client_id, protocol=MQTTProtocolVersion.MQTTv5)
    context = ssl.create_default_context(cafile=f"{plan.folder}/ca.pem")
    context.load_cert_chain(f"{plan.folder}/certificate.pem", f"{plan.folder}/key.pem")
    client.tls_set_context(context)
    client.on_connect, client.on_message = counter.on_connect, counter.on_message
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval, properties.ReceiveMaximum = SESSION_S, RECEIVE_MAXIMUM
    client.connect("localhost", plan.port, clean_start=False, properties=properties)
    client.loop_forever()
    cpu = time.process_time()
    print(json.dumps({"connected_at": counter.connected_at, "ended_at": counter.ended_at, "cpu_s": cpu}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
