"""The part of an agent that renews, on a real MQTT session and a real home, without its streams."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from camera_agent.connection import new_session
from camera_agent.enrolment.identity import finish_adoption, read_identity
from camera_agent.home import AgentHome
from camera_agent.renewal.building import new_renewer
from camera_agent.renewal.renewer import Renewer
from camera_agent.renewal.successor import finish
from camera_agent.reporting import will_of
from camera_agent.settings import AgentSettings
from fleet.mqtt import Session
from fleet.settings import load
from tests.support.waiting import wait_until

STREAMS: dict[str, Any] = {"main": {"source": "usb:0"}}


@dataclass
class Camera:
    """`steps` drives the renewer as its thread does, without waiting longer than a moment between two looks."""

    home: AgentHome
    session: Session
    renewer: Renewer

    @property
    def report(self) -> dict[str, str | None]:
        return self.renewer.report()

    def steps_until(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        def look() -> bool:
            self.renewer.step()
            return done()

        wait_until(look, timeout_s, what)

    def is_settled(self) -> bool:
        """Whether it is connected with what is in its home, and nothing waits or is due."""
        calm = self.report["renewal"] in {"not due", "renewed"} and not (self.home.renewal.key).exists()
        return calm and self.session.is_connected and self.session.credentials == self.home.credentials

    def stop(self) -> None:
        self.session.stop()


def start_camera(home: AgentHome, ahead: timedelta = timedelta(), answer_s: float = 2.0) -> Camera:
    """Start as `camfleet-agent run` does: heal the home, connect, look after the certificate. `ahead` is its clock."""
    settings = load(AgentSettings, **tomllib.loads(home.settings.read_text()), streams=STREAMS)
    finish_adoption(home)
    finish(home)
    read_identity(home)
    session = new_session(settings, home, will_of(settings.device_id, 1, datetime.now(UTC)), lambda: None)
    renewer = new_renewer(settings, home, session, lambda _until: None)
    over_mqtt = renewer.tools.over_mqtt
    over_mqtt.answer_s = answer_s
    renewer.tools = replace(renewer.tools, now=lambda: datetime.now(UTC) + ahead)
    session.start()
    return Camera(home, session, renewer)
