"""Settings: one typed, frozen object per program, read once, with every problem named at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fleet.access import MOST_INGEST_PROCESSES, ingest_id
from fleet.home import Home

PREFIX = "CAMFLEET_"


class SettingsError(Exception):
    """One or more settings are unusable; the text has a line for each, with the name of the variable to set."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Settings(BaseSettings):
    """What every settings class shares: the CAMFLEET_ prefix, no surprises, no changes after reading."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S], **given: Any) -> S:
    """Read settings from `given` and then the environment; raises SettingsError naming every bad one."""
    try:
        return kind(**given)
    except ValidationError as error:
        raise SettingsError([_sentence(kind, item) for item in error.errors()]) from None


def _sentence(kind: type[BaseSettings], item: Any) -> str:
    prefix = str(kind.model_config.get("env_prefix", ""))
    name = "".join(str(part) for part in item["loc"][:1])
    shown = name if name.startswith(prefix) else f"{prefix}{name.upper()}"
    return f"{shown}: {item['msg']}"


class ServerSettings(Settings):
    """What the programs of one host agree on: where state lives, who listens where, under which name."""

    home_folder: Path = Field(
        default=Path(".camfleet"), validation_alias="CAMFLEET_HOME", description="state folder of this host"
    )
    public_host: str = Field(default="localhost", description="name under which cameras and people reach this host")
    listen: str = Field(default="127.0.0.1", description="address for cameras, HTTPS and CRL; 0.0.0.0 opens the host")
    broker_port: int = Field(default=8883, ge=1, le=65535, description="MQTT over mTLS for cameras")
    broker_servers_port: int = Field(default=8884, ge=1, le=65535, description="MQTT over mTLS for servers, loopback")
    https_port: int = Field(default=8443, ge=1, le=65535, description="nginx: the door for people and enrolment")
    http_port: int = Field(default=8080, ge=1, le=65535, description="nginx: plain HTTP on loopback for this host")
    crl_port: int = Field(default=8081, ge=1, le=65535, description="nginx: plain HTTP for /crl/ and /ca/ only")
    dashboard_port: int = Field(default=8070, ge=1, le=65535, description="dashboard's pages and API, loopback")
    config_port: int = Field(default=8071, ge=1, le=65535, description="config_server, loopback")
    feed_port: int = Field(default=8072, ge=1, le=65535, description="dashboard's live feed, loopback")
    ingest_port: int = Field(default=8073, ge=1, le=65535, description="ingest's health and metrics, loopback")
    ingest_processes: int = Field(
        default=1, ge=1, le=MOST_INGEST_PROCESSES, description="how many ingest processes share the cameras' events"
    )
    ingest_more_ports_from: int = Field(
        default=8090, ge=1, le=65527, description="further ingest process n listens on this port + n, loopback"
    )
    ingest_device_rate: float = Field(
        default=500.0, gt=0, le=1e6, description="messages a second that ingest takes of one camera, 1 KiB each at most"
    )
    ingest_device_burst: int = Field(
        default=10_000, ge=1, le=10_000_000, description="messages of one camera that ingest takes at once"
    )
    courier_port: int = Field(default=8074, ge=1, le=65535, description="courier's health and metrics, loopback")
    forwarder_port: int = Field(default=8075, ge=1, le=65535, description="forwarder's health and metrics, loopback")
    kafka_servers: str = Field(
        default="", description="Kafka that committed events are forwarded to, `host:port,…`; empty: none"
    )
    webhook_urls_file: Path | None = Field(
        default=None,
        description="file (0600) of webhooks that committed events go to, one `URL secret` per line",
    )
    config_database_url: str = Field(default="", description="config_server's database; empty: SQLite in CAMFLEET_HOME")
    events_database_url: str = Field(default="", description="dashboard's database; empty: SQLite in CAMFLEET_HOME")
    ca_key_file: Path | None = Field(default=None, description="file with the passphrase of the CA keys")
    public_url: str = Field(default="", description="URL that people and cameras use; empty: made from host and port")
    broker_reload_command: str = Field(default="", description="run after the broker's files changed; empty: SIGHUP")
    nginx_reload_command: str = Field(default="", description="run after nginx's files changed; empty: SIGHUP")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="least level logged")

    @property
    def home(self) -> Home:
        """Return the state folder as an absolute layout."""
        return Home(self.home_folder.absolute())

    @property
    def url(self) -> str:
        """Return the public URL, without a slash at its end."""
        return self.public_url.rstrip("/") or f"https://{self.public_host}:{self.https_port}"

    @property
    def config_database(self) -> str:
        """Return the SQLAlchemy URL of config_server's database."""
        return self.config_database_url or f"sqlite:///{self.home.config_database}"

    @property
    def events_database(self) -> str:
        """Return the SQLAlchemy URL of dashboard's database."""
        return self.events_database_url or f"sqlite:///{self.home.events_database}"

    @property
    def ingest_ports(self) -> dict[str, int]:
        """Return the health port of every configured ingest process, by the process's name; the first is 1."""
        more = {ingest_id(n): self.ingest_more_ports_from + n for n in range(2, self.ingest_processes + 1)}
        return {ingest_id(1): self.ingest_port, **more}

    @property
    def forwards(self) -> bool:
        """Say whether committed events go to other systems, so that the forwarder has to run."""
        return bool(self.kafka_servers or self.webhook_urls_file)

    @property
    def ca_passphrase_file(self) -> Path:
        """Return the file whose content encrypts the CA keys."""
        return self.ca_key_file or self.home.secret("ca.key")
