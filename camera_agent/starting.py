"""Open everything that an agent needs, in an order in which the first thing wrong is the one to mend."""

from __future__ import annotations

import threading
from pathlib import Path

from camera_agent.agent import CLOCK, Agent, Parts
from camera_agent.capture.options import SourceOptions
from camera_agent.capture.spec import source_from
from camera_agent.delivery.ledger import Ledger
from camera_agent.delivery.outbox import Outbox
from camera_agent.enrolment.identity import IdentityUnusable, finish_adoption, read_identity
from camera_agent.home import AgentHome
from camera_agent.lock import held
from camera_agent.settings import AgentSettings
from camera_agent.vision.detectors import detector_for, load_default_model


def run_agent(home: AgentHome, settings: AgentSettings, ledger: Path | None, stopping: threading.Event) -> None:
    """Run until `stopping` is set; raises what is wrong before anything was started."""
    finish_adoption(home)
    facts = read_identity(home)
    if facts.common_name != settings.device_id:
        raise IdentityUnusable(
            f"the certificate is for {facts.common_name} but device_id is {settings.device_id}: correct {home.settings}"
        )
    model = load_default_model()
    for stream in settings.streams.values():
        source_from(stream.source, SourceOptions())
        detector_for(model, stream.labels)
    with held(home.lock):
        outbox = Outbox(
            home.outbox,
            CLOCK.now(),
            limit_bytes=settings.outbox_limit_bytes,
            ledger=Ledger(ledger) if ledger else None,
        )
        try:
            Agent(Parts(settings, home, outbox, model)).run(stopping)
        finally:
            outbox.close()
