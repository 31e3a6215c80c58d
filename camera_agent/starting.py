"""Open everything that an agent needs, in an order in which the first thing wrong is the one to mend."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from uuid import UUID

from camera_agent.agent import CLOCK, Agent, Parts
from camera_agent.capture.options import REPLAY
from camera_agent.capture.spec import source_from
from camera_agent.delivery.ledger import Ledger
from camera_agent.delivery.outbox import Outbox
from camera_agent.enrolment.identity import IdentityUnusable, finish_adoption, read_identity
from camera_agent.home import AgentHome
from camera_agent.lock import held
from camera_agent.replay import ReplayFigures, replay
from camera_agent.settings import AgentSettings, StreamSettings
from camera_agent.streams.building import new_source, pipeline_maker
from camera_agent.vision.detectors import load_default_model


def run_agent(home: AgentHome, settings: AgentSettings, stopping: threading.Event) -> None:
    """Run until `stopping` is set; raises what is wrong before anything was started."""
    finish_adoption(home)
    facts = read_identity(home)
    if facts.common_name != settings.device_id:
        raise IdentityUnusable(
            f"the certificate is for {facts.common_name} but device_id is {settings.device_id}: correct {home.settings}"
        )
    model = load_default_model()
    for stream in settings.streams.values():
        # What a person mistyped is refused at once; what only is not there now is waited for.
        new_source(stream)
        pipeline_maker(model, stream)
    with held(home.lock):
        outbox = Outbox(
            home.outbox,
            CLOCK.now(),
            limit_bytes=settings.outbox_limit_bytes,
            # A relative path is one in the home.
            ledger=Ledger(home.path / settings.ledger) if settings.ledger else None,
        )
        try:
            Agent(Parts(settings, home, outbox, model)).run(stopping)
        finally:
            outbox.close()


def run_replay(source: str, tracks: Path, events: Path) -> ReplayFigures:
    """Run what ships over a recording; the same recording gives the same files, ids included."""
    wanted = StreamSettings(source=source)
    chance = random.Random(0)  # noqa: S311  (ids that repeat, not secrets)
    pipeline = pipeline_maker(
        load_default_model(), wanted, lambda _moment: UUID(int=chance.getrandbits(128), version=4)
    )()
    opened = source_from(source, REPLAY)
    with tracks.open("w") as tracks_file, events.open("w") as events_file:
        return replay(opened, pipeline, tracks_file, events_file)
