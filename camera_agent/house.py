"""How the machine that the agent runs on does: processor, memory, disk, temperature."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class HouseFigures:
    """`cpu_pct` is the agent's own, of one core, since the last reading."""

    cpu_pct: float
    rss_bytes: int
    disk_free_bytes: int
    disk_total_bytes: int
    temperature_c: float | None


@dataclass
class House:
    """`folder` is where the outbox lies: its disk is the one that matters."""

    folder: Path
    _process: psutil.Process = field(default_factory=lambda: psutil.Process(os.getpid()))

    def read(self) -> HouseFigures:
        disk = shutil.disk_usage(self.folder)
        with self._process.oneshot():
            cpu_pct, rss_bytes = self._process.cpu_percent(), self._process.memory_info().rss
        return HouseFigures(cpu_pct, rss_bytes, disk.free, disk.total, _temperature_c())


def _temperature_c() -> float | None:
    """Return the hottest sensor's reading; None where the machine has none."""
    read = getattr(psutil, "sensors_temperatures", dict)
    heats = [sensor.current for sensors in read().values() for sensor in sensors]
    return max(heats, default=None)
