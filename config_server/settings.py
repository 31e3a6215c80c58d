"""The settings of config_server and its courier, beside those that every program of the host shares."""

import re
from datetime import timedelta
from pathlib import Path

from limits import parse_many
from pydantic import Field, field_validator

from fleet.settings import ServerSettings

_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")


def can_be_certified(host: str) -> bool:
    """Say whether a certificate can speak for this name or address."""
    return _HOST.fullmatch(host) is not None


class ConfigSettings(ServerSettings):
    """Read once at start."""

    enrolment_rate: str = Field(
        default="60 per minute", description="requests that one address may send to each enrolment route"
    )
    open_rate: str = Field(
        default="600 per minute", description="requests that one address may send to each other open route"
    )
    enrolment_token_hours: int = Field(default=24, ge=1, le=24 * 30, description="life of an enrolment token")
    reconnect_spread_s: float = Field(
        default=0.0, ge=0, le=3600, description="cameras reconnect spread over this; 0: made from their number"
    )
    courier_round_s: float = Field(
        default=1.0, gt=0, le=60, description="how often the courier looks for changed registry facts"
    )

    broker_kind: str = Field(
        default="mosquitto", pattern="^(mosquitto|emqx)$", description="which broker the courier cuts cameras off at"
    )
    broker_restart_command: str = Field(
        default="", description="run when Mosquitto loaded its files with an error; empty: SIGTERM, and it is restarted"
    )
    emqx_api_url: str = Field(default="http://127.0.0.1:18083", description="EMQX's REST API")
    emqx_api_key_file: Path | None = Field(default=None, description="file with EMQX's API key as key:secret")

    @field_validator("enrolment_rate", "open_rate")
    @classmethod
    def _rate_can_be_read(cls, rate: str) -> str:
        try:
            parse_many(rate)
        except ValueError:
            raise ValueError("write it like '60 per minute', or '60 per minute; 500 per hour'") from None
        return rate

    @field_validator("public_host")
    @classmethod
    def _public_host_can_be_certified(cls, host: str) -> str:
        if not can_be_certified(host):
            raise ValueError("give a host name (international ones as xn--…) or an IP address, nothing else")
        return host

    @property
    def enrolment_token_life(self) -> timedelta:
        """Return how long an enrolment token may be used."""
        return timedelta(hours=self.enrolment_token_hours)
