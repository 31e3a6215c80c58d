"""The table of states and moves."""

import pytest

from config_server.lifecycle import MOVES, DeviceState, Move, MoveRefused, next_state


@pytest.mark.parametrize("state", list(DeviceState))
@pytest.mark.parametrize("move", list(Move))
def test_every_move_is_either_in_the_table_or_refused(state: DeviceState, move: Move) -> None:
    if (state, move) in MOVES:
        assert next_state(state, move) is MOVES[state, move]
    else:
        with pytest.raises(MoveRefused, match=f"a device that is {state} cannot {move}"):
            next_state(state, move)


@pytest.mark.parametrize("state", [DeviceState.REJECTED, DeviceState.DECOMMISSIONED])
def test_a_device_that_was_turned_away_or_retired_cannot_enrol(state: DeviceState) -> None:
    with pytest.raises(MoveRefused):
        next_state(state, Move.ENROL)
