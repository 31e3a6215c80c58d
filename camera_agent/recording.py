"""Run what ships over a recording, into files."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

from camera_agent.capture.spec import recording_from
from camera_agent.replay import ReplayFigures, replay_into
from camera_agent.settings import StreamSettings
from camera_agent.streams.building import pipeline_maker
from camera_agent.vision.detectors import load_default_model


def run_replay(source: str, tracks: Path, events: Path) -> ReplayFigures:
    """Run what ships over a recording; the same recording gives the same files, ids included."""
    wanted = StreamSettings(source=source)
    chance = random.Random(0)  # noqa: S311  (ids that repeat, not secrets)
    pipeline = pipeline_maker(
        load_default_model(), wanted, lambda _moment: UUID(int=chance.getrandbits(128), version=4)
    )()
    return replay_into(recording_from(source), pipeline, tracks, events)
