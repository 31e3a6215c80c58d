"""Let messages out of quarantine: back into ingest's own path, or for good; both are on record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.ingest.backfill import unpack
from dashboard.ingest.decode import Fact, Ignored, Malformed, decode
from dashboard.ingest.projection import Projection
from dashboard.store.database import RowRefused
from dashboard.store.knowledge import Knowledge
from dashboard.store.people import DETAIL_MOST, NAME_MOST
from dashboard.store.quarantine import Quarantine, Quarantined
from dashboard.store.records import Records
from fleet.messages import MalformedMessage
from fleet.mqtt import Received

GONE = "it is gone: it was taken out, or newer ones of its sender took its place"
# What is history. The other channels tell a state, of which only the newest counts.
LASTING = ("events", "telemetry")


@dataclass(frozen=True)
class Verdict:
    """What became of one row; `reason` says why it stays."""

    fingerprint: str
    device_id: str
    reason: str = ""

    @property
    def is_out(self) -> bool:
        """Say whether the row has left the quarantine."""
        return not self.reason


@dataclass(frozen=True)
class Release:
    """Takes rows out, in the name of whoever runs the command."""

    quarantine: Quarantine
    by: str
    now: datetime

    def replay(self, fingerprint: str) -> Verdict:
        """Read a message as ingest would now, and store it in the transaction that removes the row."""
        row = self.quarantine.get(fingerprint)
        if row is None:
            return Verdict(fingerprint, "", GONE)
        try:
            records = self._read(row)
            done = self.quarantine.take_out(fingerprint, records, self._entry("quarantine-replayed", row))
        except (StaysAside, RowRefused) as error:
            return Verdict(fingerprint, row.device_id, str(error))
        return Verdict(fingerprint, row.device_id, "" if done else GONE)

    def drop(self, fingerprint: str) -> Verdict:
        """Remove a row for good."""
        row = self.quarantine.get(fingerprint)
        if row is None or not self.quarantine.take_out(fingerprint, Records(), self._entry("quarantine-dropped", row)):
            return Verdict(fingerprint, "", GONE)
        return Verdict(fingerprint, row.device_id)

    def _read(self, row: Quarantined) -> Records:
        """Return what the message adds to the store: what it says, never that its camera is there now."""
        # As one that the broker repeats: it is no sign of life.
        received = Received(row.topic, row.payload, qos=1, retained=True, mid=0, connection=0)
        records = Records()
        try:
            for part in unpack(received):
                records.extend(self._read_part(part, row))
        except MalformedMessage as error:
            raise StaysAside(str(error)) from None
        return records

    def _read_part(self, received: Received, row: Quarantined) -> Records:
        what = decode(received, row.first_received_at)
        if isinstance(what, Malformed):
            raise StaysAside(what.reason)
        if isinstance(what, Ignored):
            raise StaysAside(f"ingest keeps nothing of {what.channel}: drop it")
        records = self._records(what)
        if not records:
            raise StaysAside(f"{what.topic.channel} tells a state that counts when it arrives, not later: drop it")
        return records

    def _records(self, fact: Fact) -> Records:
        projection = Projection()
        projection.remember(Knowledge(self.quarantine.database).camera(fact.topic.device_id))
        try:
            outcome = projection.take(fact)
        except (ValueError, ArithmeticError) as error:
            raise StaysAside(f"cannot be used: {error}") from None
        if outcome.records.quarantine:
            raise StaysAside(str(outcome.records.quarantine[0]["reason"]))
        return Records(**{kind: getattr(outcome.records, kind) for kind in LASTING})

    def _entry(self, action: str, row: Quarantined) -> dict[str, Any]:
        detail = f"{row.device_id} {row.fingerprint[:12]}: {row.reason}"[:DETAIL_MOST]
        return {"at": self.now, "action": action, "user_name": self.by[:NAME_MOST], "detail": detail}


class StaysAside(Exception):
    """The message cannot be taken in; the text says why."""
