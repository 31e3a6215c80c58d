"""A courier's cutting-off that kills itself right after one step: `python -m tests.support.dying_courier STEP`."""

import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from config_server.courier.control import Refusals
from config_server.courier.cutoffs import Cutoffs
from config_server.courier.mosquitto_control import MosquittoControl
from config_server.courier.takeover import Takeover
from config_server.settings import ConfigSettings
from config_server.store.registry import Store
from fleet.settings import load


@dataclass(frozen=True)
class DyingControl(MosquittoControl):
    """Takes every step for real; power goes after the one that is named, before it is recorded."""

    last_step: str = ""

    def deny(self, refusals: Refusals) -> None:
        super().deny(refusals)
        self._die_after("denied")

    def revoke(self, refusals: Refusals) -> None:
        super().revoke(refusals)
        self._die_after("crl")

    def reload(self) -> None:
        super().reload()
        self._die_after("reloaded")

    def kick(self, device_ids: Iterable[str]) -> Takeover:
        held = super().kick(device_ids)
        self._die_after("kicked")
        return held

    def prove(self, device_ids: Iterable[str]) -> None:
        super().prove(device_ids)
        self._die_after("proven")

    def _die_after(self, step: str) -> None:
        if step == self.last_step:
            os.kill(os.getpid(), signal.SIGKILL)


def main(step: str) -> None:
    """Make one round on the home that the environment names."""
    settings = load(ConfigSettings)
    control = DyingControl(settings, hold_s=0.2, last_step=step)
    Cutoffs(settings, Store(settings.config_database), control, lambda: datetime.now(UTC)).round()


if __name__ == "__main__":
    main(sys.argv[1])
