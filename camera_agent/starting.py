"""Open everything that an agent needs, in an order in which the first thing wrong is the one to mend."""

from __future__ import annotations

import threading
from datetime import datetime

from camera_agent.agent import CLOCK, Agent, Parts
from camera_agent.delivery.ledger import Ledger
from camera_agent.delivery.outbox import Outbox
from camera_agent.enrolment.identity import IdentityUnusable, finish_adoption, read_identity
from camera_agent.home import AgentHome
from camera_agent.lock import held
from camera_agent.renewal.successor import finish
from camera_agent.reporting import Introduction
from camera_agent.settings import AgentSettings
from camera_agent.streams.building import new_source, pipeline_maker
from camera_agent.vision.detectors import load_default_model
from camera_agent.vision.model import Model
from fleet import __version__
from fleet.messages import ModelInfo


def run_agent(home: AgentHome, settings: AgentSettings, stopping: threading.Event) -> None:
    """Run until `stopping` is set; raises what is wrong before anything was started."""
    finish_adoption(home)
    finish(home)
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
            who = _introduction(settings, facts.not_after, outbox.session, model)
            Agent(Parts(settings, home, who, outbox, model)).run(stopping)
        finally:
            outbox.close()


def _introduction(settings: AgentSettings, certificate_not_after: datetime, session: int, model: Model) -> Introduction:
    return Introduction(
        device_id=settings.device_id,
        session=session,
        software=f"camfleet-agent {__version__}",
        models=(ModelInfo(name=model.manifest.name, sha256=model.manifest.sha256),),
        certificate_not_after=certificate_not_after,
        health_interval_s=settings.health_interval_s,
    )
