"""Settings of retention: ages and sizes by class, and how full the disk may be."""

from pydantic import Field, ValidationInfo, field_validator

from fleet.settings import Settings


class RetentionSettings(Settings):
    """How long the events database keeps what, by the server's clock, and within what size; 0 GB bounds nothing."""

    retention_events_days: int = Field(default=365, ge=1, le=36_500, description="events are kept this long")
    retention_telemetry_hours: int = Field(
        default=48, ge=2, le=87_600, description="telemetry as it came; after that as aggregates"
    )
    retention_telemetry_5min_days: int = Field(default=30, ge=1, le=36_500, description="telemetry by 5 minutes")
    retention_telemetry_hour_days: int = Field(default=730, ge=1, le=36_500, description="telemetry by hours")
    retention_quarantine_days: int = Field(default=30, ge=1, le=36_500, description="messages that could not be read")
    retention_audit_days: int = Field(
        default=730, ge=1, le=36_500, description="dashboard's audit log; a signed checkpoint stays for what is cut"
    )
    retention_most_gb: float = Field(default=0.0, ge=0, le=1e6, description="the events database at most; 0: no bound")
    retention_events_gb: float = Field(default=0.0, ge=0, le=1e6, description="events at most; 0: no bound")
    retention_telemetry_gb: float = Field(
        default=0.0, ge=0, le=1e6, description="telemetry at most, for each of its three kinds; 0: no bound"
    )
    retention_quarantine_gb: float = Field(default=1.0, ge=0, le=1e6, description="quarantine at most; 0: no bound")
    retention_audit_gb: float = Field(default=0.0, ge=0, le=1e6, description="audit log at most; 0: no bound")
    retention_disk_high_pct: float = Field(
        default=85.0, gt=0, le=100, description="when SQLite's disk is this full, the oldest goes whatever its age"
    )
    retention_disk_low_pct: float = Field(default=80.0, gt=0, le=100, description="until it is only this full")
    retention_least_days: int = Field(
        default=7, ge=0, le=36_500, description="a full disk alone takes nothing that is younger"
    )

    @field_validator("retention_disk_low_pct")
    @classmethod
    def _is_below_high(cls, low: float, info: ValidationInfo) -> float:
        if low > info.data.get("retention_disk_high_pct", 100.0):
            raise ValueError("must not be above CAMFLEET_RETENTION_DISK_HIGH_PCT")
        return low
