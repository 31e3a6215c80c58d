"""The states of a device and the moves between them, as one pure table."""

from enum import StrEnum


class DeviceState(StrEnum):
    """Where a device stands; only an accepted one may hold a certificate."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DECOMMISSIONED = "decommissioned"


class Move(StrEnum):
    """What can happen to a device."""

    ENROL = "enrol"
    ACCEPT = "accept"
    REJECT = "reject"
    REVOKE = "revoke"
    DECOMMISSION = "decommission"
    RE_ENROL = "re-enrol"


class MoveRefused(Exception):
    """The device is in a state that this move does not start from."""

    def __init__(self, state: DeviceState, move: Move) -> None:
        super().__init__(f"a device that is {state} cannot {move}")
        self.state = state
        self.move = move


_PENDING, _ACCEPTED = DeviceState.PENDING, DeviceState.ACCEPTED
_REJECTED, _DECOMMISSIONED = DeviceState.REJECTED, DeviceState.DECOMMISSIONED

MOVES: dict[tuple[DeviceState, Move], DeviceState] = {
    (_PENDING, Move.ENROL): _ACCEPTED,
    (_PENDING, Move.ACCEPT): _ACCEPTED,
    (_PENDING, Move.REJECT): _REJECTED,
    (_PENDING, Move.DECOMMISSION): _DECOMMISSIONED,
    # A token made for a camera that is already accepted gives it a new certificate.
    (_ACCEPTED, Move.ENROL): _ACCEPTED,
    # A revoked camera stays accepted but is denied everything: a person may re-enrol it.
    (_ACCEPTED, Move.REVOKE): _ACCEPTED,
    (_ACCEPTED, Move.RE_ENROL): _ACCEPTED,
    (_ACCEPTED, Move.DECOMMISSION): _DECOMMISSIONED,
    # A rejected camera never had a certificate; giving it up frees its name.
    (_REJECTED, Move.DECOMMISSION): _DECOMMISSIONED,
}


def next_state(state: DeviceState, move: Move) -> DeviceState:
    """The state after `move`, or MoveRefused."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise MoveRefused(state, move) from None
