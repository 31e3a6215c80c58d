"""Let messages out of quarantine: back into ingest's own path, or for good; both are on record."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dashboard.ingest.backfill import unpack
from dashboard.ingest.decode import Fact, Ignored, Malformed, decode
from dashboard.ingest.projection import Projection
from dashboard.ingest.rows import quarantine_row
from dashboard.store.database import RowRefused
from dashboard.store.knowledge import Knowledge
from dashboard.store.people import DETAIL_MOST, NAME_MOST
from dashboard.store.quarantine import Quarantine, Quarantined
from dashboard.store.records import Records
from fleet.messages import MalformedMessage
from fleet.mqtt import Received

GONE = "it is gone: it was taken out, or newer ones of its sender took its place"
REASON_MOST = 200


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
        records, staying = Records(), list[Malformed]()
        for part in _parts(received):
            try:
                records.extend(self._read_part(part, row))
            except StaysAside as refusal:
                staying.append(Malformed(part, str(refusal)[:REASON_MOST], row.first_received_at))
        if not records:
            raise StaysAside(staying[0].reason)
        # Of several in one message each is judged by itself, as ingest does.
        records.quarantine += [quarantine_row(one) for one in staying]
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
        # Events and telemetry are history. The rest tells a state, of which only the newest counts.
        return replace(outcome.records, cameras={}, streams=[], probes=[])

    def _entry(self, action: str, row: Quarantined) -> dict[str, Any]:
        detail = f"{row.device_id} {row.fingerprint[:12]}: {row.reason}"[:DETAIL_MOST]
        return {"at": self.now, "action": action, "user_name": self.by[:NAME_MOST], "detail": detail}


class StaysAside(Exception):
    """The message cannot be taken in; the text says why."""


def _parts(received: Received) -> list[Received]:
    try:
        return unpack(received)
    except MalformedMessage as error:
        raise StaysAside(str(error)) from None
