"""Cameras that keep what they said until its receipt, and say it again, as agents do."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.messages import Event
from tests.support.fake_camera import FakeCamera

# How many looks without a new receipt before everything open is said again.
PATIENCE = 50


@dataclass
class Resending:
    """Looks at the receipts each time it is asked."""

    said: Sequence[tuple[FakeCamera, Event]]
    _open: int = -1
    _quiet: int = 0

    def is_all_confirmed(self) -> bool:
        """Say whether everything has a receipt; when nothing moves, say what has none again."""
        speakers = {id(speaker): speaker for speaker, _ in self.said}
        confirmed = {name: speaker.confirmed() for name, speaker in speakers.items()}
        left = [(speaker, event) for speaker, event in self.said if event.seq not in confirmed[id(speaker)]]
        self._quiet = self._quiet + 1 if len(left) == self._open else 0
        self._open = len(left)
        if self._quiet >= PATIENCE:
            self._quiet = 0
            for speaker, event in left:
                speaker.say(event)
        return not left
