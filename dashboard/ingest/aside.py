"""Put aside what cannot be stored: into quarantine with its bytes, counted, and said once of each sender."""

import threading
from dataclasses import dataclass, field

from dashboard.ingest.condition import Condition
from dashboard.ingest.decode import Malformed
from dashboard.ingest.metrics import Metrics
from dashboard.ingest.oddities import Oddity
from dashboard.ingest.projection import Outcome, Projection
from fleet import topics
from fleet.logs import get_logger

log = get_logger(__name__)


@dataclass
class Aside:
    """Asked by the writer for what cannot be read, and by the committer for what the database refuses."""

    projection: Projection
    condition: Condition
    metrics: Metrics
    _blamed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, malformed: Malformed) -> Outcome:
        """Return what follows for the store and the camera; nothing, if another process puts it aside."""
        aside = self.projection.set_aside(malformed)
        if not aside.records:
            return aside
        with self._lock:
            self._note(malformed)
        return aside

    def _note(self, malformed: Malformed) -> None:
        self.metrics.malformed.inc()
        self.condition.quarantined += 1
        is_large = len(malformed.received.payload) > topics.MAX_PAYLOAD_BYTES
        kind = Oddity.TOO_LARGE if is_large else Oddity.MALFORMED
        self.condition.odd.note(kind, malformed.device_id, malformed.received_at)
        if malformed.device_id not in self._blamed:
            self._blamed.add(malformed.device_id)
            log.warning(
                "malformed message put into quarantine; further ones of this sender are only counted",
                device_id=malformed.device_id,
                topic=malformed.received.topic,
                reason=malformed.reason,
            )
