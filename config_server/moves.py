"""A person moves a device through its life: accept, reject, revoke, decommission, re-enrol."""

from datetime import timedelta

from config_server.cutoff import may_come_back, record_cutoff
from config_server.enrolment import MadeToken, Prover, token_for
from config_server.lifecycle import DeviceState, Move, MoveRefused, next_state
from config_server.records import DeviceRecord
from config_server.registry import Change, Conflict, get_device
from config_server.store.registry import Transaction

_AS_SAID = {
    Move.ACCEPT: "accepted",
    Move.REJECT: "rejected",
    Move.REVOKE: "revoked",
    Move.DECOMMISSION: "decommissioned",
    Move.RE_ENROL: "re-enrolled",
}


def accept(tx: Transaction, device_id: str, change: Change) -> None:
    """Let a pending device be a member; it has no certificate before it enrols."""
    _moved(tx, device_id, Move.ACCEPT, change)
    tx.audit.add(change.entry("device.accepted", device_id))


def reject(tx: Transaction, device_id: str, change: Change) -> None:
    """Turn a pending device away: its enrolment token ends."""
    _moved(tx, device_id, Move.REJECT, change)
    tx.enrolments.withdraw(device_id, change.now)
    tx.audit.add(change.entry("device.rejected", device_id))


def revoke(tx: Transaction, device_id: str, change: Change) -> None:
    """Cut an accepted device off; asked twice, it is the same cutting off as long as that goes on."""
    device = _moved(tx, device_id, Move.REVOKE, change)
    newest = tx.cutoffs.newest_of(device_id)
    if not (device.denied and newest and newest.finished_at is None):
        record_cutoff(tx, device_id, change)


def decommission(tx: Transaction, device_id: str, change: Change) -> None:
    """Take a device out of the fleet for good: cut off, its name free, its id never given again."""
    device = _moved(tx, device_id, Move.DECOMMISSION, change)
    if device.state == DeviceState.ACCEPTED:
        record_cutoff(tx, device_id, change)
    tx.enrolments.withdraw(device_id, change.now)
    tx.devices.retire(device_id, change.now)
    tx.audit.add(change.entry("device.decommissioned", device_id))


def re_enrol(tx: Transaction, prover: Prover, device_id: str, life: timedelta, change: Change) -> MadeToken:
    """Give a device another enrolment token; after a revocation only once nothing old can come back."""
    _moved(tx, device_id, Move.RE_ENROL, change)
    if not may_come_back(tx.cutoffs.newest_of(device_id)):
        raise Conflict(f"{device_id} is still being cut off: try again when its cut-off is done")
    made = token_for(tx, prover, device_id, life, change)
    tx.audit.add(change.entry("device.re-enrolment-allowed", device_id, token_id=made.token.public_id))
    return made


def _moved(tx: Transaction, device_id: str, move: Move, change: Change) -> DeviceRecord:
    """The device as it was before the move; Unknown or Conflict when it cannot be made."""
    device = get_device(tx, device_id, change.actor).device
    try:
        state = next_state(DeviceState(device.state), move)
    except MoveRefused as error:
        raise Conflict(f"{device_id} is {device.state} and cannot be {_AS_SAID[move]}") from error
    tx.devices.set_state(device_id, state)
    return device
