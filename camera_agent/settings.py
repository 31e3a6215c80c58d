"""The agent's settings: agent.toml in its home, then CAMFLEET_AGENT_* over it, every problem named at once."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from camera_agent.home import AgentHome
from fleet.identifiers import is_device_id, is_stream_name
from fleet.settings import Settings, SettingsError, load

PREFIX = "CAMFLEET_AGENT_"
HOME_VARIABLE = f"{PREFIX}HOME"
DEFAULT_HOME = Path("camera")

Fraction = Annotated[float, Field(ge=0, le=1)]
Crop = tuple[Fraction, Fraction, Fraction, Fraction]


def _inside(crop: Crop) -> Crop:
    x, y, w, h = crop
    if w <= 0 or h <= 0 or x + w > 1.0001 or y + h > 1.0001:
        raise ValueError("crop is x, y, width, height in fractions of the frame and must lie inside it")
    return crop


class StreamSettings(BaseModel):
    """One lens: where its frames come from and what is looked for in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1, description="file:PATH, folder:PATH, usb:0 or rtsp://HOST/PATH")
    fps: float = Field(default=5.0, gt=0, le=60, description="frames analysed each second at most")
    crop: Annotated[Crop, AfterValidator(_inside)] | None = Field(default=None, description="part of the picture")
    labels: tuple[str, ...] = Field(default=(), description="what is reported; empty: all that the model knows")
    threshold: float = Field(default=0.4, gt=0, lt=1, description="score from which a detection is believed")
    loop: bool = Field(default=True, description="a file or folder begins again at its end")


class AgentSettings(Settings):
    """One camera's settings; the environment wins over agent.toml, which wins over the defaults."""

    model_config = Settings.model_config | {"env_prefix": PREFIX}

    device_id: str = Field(description="name in the system, given at enrolment")
    broker_host: str = Field(min_length=1, description="broker's name, as its certificate has it")
    broker_port: int = Field(default=8883, ge=1, le=65535, description="broker's port for cameras")
    server: str = Field(default="", description="address of the servers' pages")
    reconnect_spread_s: float = Field(default=0.0, ge=0, le=3600, description="reconnects spread over this long")
    health_interval_s: float = Field(default=15.0, ge=1, le=3600, description="time between two health messages")
    renew_after_share: float = Field(
        default=2 / 3, ge=0, le=1, description="share of the certificate's life after which it is renewed"
    )
    renew_jitter_share: float = Field(
        default=0.05, ge=0, le=1, description="up to this share of its life later, each camera at another moment"
    )
    outbox_limit_bytes: int = Field(default=256 * 1024 * 1024, ge=64 * 1024, description="bytes of events kept")
    backfill_rate: float = Field(default=200.0, ge=1, le=2000, description="late events sent each second at most")
    ledger: Path | None = Field(default=None, description="file for every decided event, for audits; in the home")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="least level logged")
    streams: dict[str, StreamSettings] = Field(min_length=1, description="one section for each lens")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: Any,  # noqa: ARG003  (the library's signature)
        init_settings: Any,
        env_settings: Any,
        dotenv_settings: Any,  # noqa: ARG003
        file_secret_settings: Any,  # noqa: ARG003
    ) -> tuple[Any, ...]:
        return env_settings, init_settings


def find_home(given: Path | None) -> AgentHome:
    """Return the folder from the flag, the environment or the default, in this order."""
    return AgentHome((given or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).absolute())


def read_settings(home: AgentHome) -> AgentSettings:
    """Read agent.toml and the environment; raises SettingsError naming every problem."""
    written = _read_file(home)
    streams = written.get("streams", {})
    problems = [*_unknown_names(written, home), *_stream_problems(streams)]
    try:
        settings = load(AgentSettings, **written)
    except SettingsError as error:
        # What is wrong inside a stream is already said more precisely than its place at the top allows.
        said = [line for line in error.problems if not (problems and line.startswith(f"{PREFIX}STREAMS"))]
        raise SettingsError([*problems, *said]) from None
    if not is_device_id(settings.device_id):
        problems.append(f"{PREFIX}DEVICE_ID: {settings.device_id!r} is no device id (cam-…): enrol this device")
    if problems:
        raise SettingsError(problems)
    return settings


def origins(home: AgentHome) -> dict[str, str]:
    """Say for each setting where its value comes from."""
    written = _read_file(home)
    return {name: _origin(name, written) for name in AgentSettings.model_fields}


def _origin(name: str, written: dict[str, Any]) -> str:
    variable = f"{PREFIX}{name.upper()}"
    if os.environ.get(variable):
        return variable
    return "agent.toml" if name in written else "default"


def _read_file(home: AgentHome) -> dict[str, Any]:
    try:
        return tomllib.loads(home.settings.read_text())
    except FileNotFoundError:
        raise SettingsError(
            [f"no {home.settings}: run 'camfleet-agent enroll --server URL --token T --home {home.path}' first"]
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{home.settings}: {error}: correct the file"]) from None


def _unknown_names(written: dict[str, Any], home: AgentHome) -> list[str]:
    known = AgentSettings.model_fields
    return [
        f"{home.settings}: no setting is called {name!r}: remove it or correct its name"
        for name in written
        if name not in known
    ]


def _stream_problems(streams: Any) -> list[str]:
    if not isinstance(streams, dict):
        return ["[streams]: give one section [streams.NAME] for each lens"]
    if not streams and not os.environ.get(f"{PREFIX}STREAMS"):
        return ['no stream: add a section [streams.main] with source = "usb:0" (or another) to agent.toml']
    return [line for name, values in streams.items() for line in _problems_of(name, values)]


def _problems_of(name: str, values: Any) -> list[str]:
    if not is_stream_name(name):
        return [f"[streams.{name}]: a stream's name is 1 to 40 of a-z, 0-9, - and _"]
    try:
        StreamSettings.model_validate(values)
    except ValidationError as error:
        return [f"[streams.{name}] {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return []
