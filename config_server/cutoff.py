"""Cutting a device off, the registry's half: one transaction after which nothing of it counts any more.

The courier's half acts on the record that this leaves: deny, CRL, reload, kick, proof (DESIGN §3).
"""

from config_server.records import CutoffRecord
from config_server.registry import Change
from config_server.store.registry import Transaction

# From these steps on every older certificate is in a list that the broker has loaded, and its session is closed.
LOADED = frozenset({"kicked", "proven"})


def record_cutoff(tx: Transaction, device_id: str, change: Change) -> list[str]:
    """Deny the device, revoke every unexpired certificate, end its tokens and audit it; the serials (hex)."""
    tx.devices.deny(device_id, change.now)
    serials = tx.certificates.revoke_unexpired(device_id, change.now)
    tx.enrolments.withdraw(device_id, change.now)
    tx.cutoffs.add(device_id, change.actor.name, change.now)
    tx.audit.add(change.entry("device.cut-off", device_id, serials=serials))
    return serials


def may_come_back(cutoff: CutoffRecord | None) -> bool:
    """Say whether a new certificate may lift the denial: only when every older one is in a loaded CRL."""
    return cutoff is None or cutoff.step in LOADED
