"""Read the broker's `$SYS` topics and offer its key figures as metrics."""

from prometheus_client import CollectorRegistry, Gauge

from fleet.mqtt import Received

FILTER = "$SYS/#"
ROOT = "$SYS/broker/"

# Topic below $SYS/broker → metric and what it says. Counters of the broker restart at 0 with it.
FIGURES = {
    "clients/connected": ("clients_connected", "clients connected now"),
    "clients/disconnected": ("clients_offline", "sessions kept for clients that are away"),
    "clients/total": ("clients_total", "clients connected or with a session kept"),
    "clients/expired": ("clients_expired", "sessions that expired"),
    "publish/messages/dropped": ("messages_dropped", "messages dropped at full queues"),
    "messages/received": ("messages_received", "MQTT packets received"),
    "messages/sent": ("messages_sent", "MQTT packets sent"),
    "publish/messages/received": ("publishes_received", "PUBLISH packets received"),
    "publish/messages/sent": ("publishes_sent", "PUBLISH packets sent"),
    "bytes/received": ("bytes_received", "bytes received"),
    "bytes/sent": ("bytes_sent", "bytes sent"),
    "store/messages/count": ("stored_messages", "messages in the store"),
    "store/messages/bytes": ("stored_bytes", "bytes of messages in the store"),
    "retained messages/count": ("retained_messages", "retained messages"),
    "subscriptions/count": ("subscriptions", "subscriptions"),
    "heap/current": ("heap_bytes", "heap in use"),
    "uptime": ("uptime_seconds", "seconds since the broker started"),
}


class BrokerFigures:
    """Keeps the newest value of every figure that the broker has told."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            ROOT + topic: Gauge(f"camfleet_broker_{name}", text, registry=registry)
            for topic, (name, text) in FIGURES.items()
        }

    def take(self, received: Received) -> None:
        """Read one message; topics and texts that are no figure of ours are passed over."""
        gauge = self._gauges.get(received.topic)
        number = figure_in(received.payload)
        if gauge is not None and number is not None:
            gauge.set(number)


def figure_in(payload: bytes) -> float | None:
    """The number that a `$SYS` payload begins with ("12", "3.5", "17 seconds"), or None."""
    first = payload.decode("ascii", "replace").partition(" ")[0]
    try:
        return float(first)
    except ValueError:
        return None
