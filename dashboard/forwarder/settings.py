"""Settings of the forwarder beyond who is served at all, which supervisor and /health need to know too."""

from pathlib import Path

from pydantic import Field

from fleet.settings import Settings


class ForwarderSettings(Settings):
    """How committed events go to other systems; see docs/forwarding.md."""

    kafka_topic: str = Field(
        default="camfleet.events", pattern=r"^[A-Za-z0-9._-]{1,249}$", description="topic that events are written to"
    )
    kafka_options_file: Path | None = Field(
        default=None, description="file (0600) with security and other options of librdkafka, `name=value` per line"
    )
    webhook_allow_private: bool = Field(
        default=False, description="webhooks may lead to private addresses and to this host, there also by plain http"
    )
    webhook_ca_file: Path | None = Field(
        default=None, description="CA certificates that vouch for webhooks' receivers; empty: the public ones"
    )
