"""The settings of config_server and its courier, beside those that every program of the host shares."""

from datetime import timedelta

from pydantic import Field

from fleet.settings import ServerSettings


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

    @property
    def enrolment_token_life(self) -> timedelta:
        """Return how long an enrolment token may be used."""
        return timedelta(hours=self.enrolment_token_hours)
