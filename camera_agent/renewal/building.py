"""Put a renewer together from the agent's settings, home and MQTT session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from camera_agent.capture.clock import WallClock
from camera_agent.home import AgentHome
from camera_agent.renewal.over_https import OverHttps
from camera_agent.renewal.over_mqtt import OverMqtt
from camera_agent.renewal.renewer import Renewer, Tools
from camera_agent.renewal.schedule import Schedule
from camera_agent.settings import AgentSettings
from fleet import topics
from fleet.mqtt import Session


def new_renewer(
    settings: AgentSettings, home: AgentHome, session: Session, renewed: Callable[[datetime], None]
) -> Renewer:
    """Return one that was not started yet; `renewed` is told until when the certificate is good now."""
    over_mqtt = OverMqtt(settings.device_id, session)
    session.subscribe(topics.certificate(settings.device_id), 1, lambda received: over_mqtt.take(received.payload))
    tools = Tools(
        home=home,
        link=session,
        over_mqtt=over_mqtt,
        over_https=OverHttps(home, settings.server),
        schedule=Schedule(settings.renew_after_share, settings.renew_jitter_share),
        now=WallClock().now,
        renewed=lambda facts: renewed(facts.not_after),
    )
    return Renewer(tools)
