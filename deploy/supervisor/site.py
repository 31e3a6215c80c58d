"""One host's Camfleet as the supervisor sees it: which programs are wanted and where their traces lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.supervisor.program import Program
from deploy.supervisor.records import Records

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Site:
    """Everything that starting, watching and stopping need to know about a host.

    `wanted` is asked again whenever the supervisor reconciles, so that programs can be added while it runs.
    """

    run_folder: Path
    log_folder: Path
    wanted: Callable[[], list[Program]]
    daemon_argv: tuple[str, ...]

    @property
    def records(self) -> Records:
        return Records(self.run_folder / "programs")

    @property
    def own_record(self) -> Records:
        """The supervisor's own record, apart from those of its programs."""
        return Records(self.run_folder)

    def log_file(self, program: str) -> Path:
        return self.log_folder / f"{program}.log"
