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


class MoveRefused(Exception):
    """The device is in a state that this move does not start from."""

    def __init__(self, state: DeviceState, move: Move) -> None:
        super().__init__(f"a device that is {state} cannot {move}")
        self.state = state
        self.move = move


MOVES: dict[tuple[DeviceState, Move], DeviceState] = {
    (DeviceState.PENDING, Move.ENROL): DeviceState.ACCEPTED,
    # A token made for a camera that is already accepted gives it a new certificate.
    (DeviceState.ACCEPTED, Move.ENROL): DeviceState.ACCEPTED,
}


def next_state(state: DeviceState, move: Move) -> DeviceState:
    """The state after `move`, or MoveRefused."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise MoveRefused(state, move) from None
