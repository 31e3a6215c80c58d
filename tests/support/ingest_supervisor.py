"""The real supervisor with a host's ingest processes and nothing else, before a broker that a test runs."""

import sys
from dataclasses import replace

from deploy.supervisor.loop import Supervisor
from deploy.supervisor.program import Program
from deploy.supervisor.programs import server_programs
from deploy.supervisor.site import Site
from fleet.settings import ServerSettings, load


def ingest_programs(settings: ServerSettings) -> list[Program]:
    """Return the ingest processes that a start would run; they need nobody whom the supervisor knows."""
    return [replace(each, needs=()) for each in server_programs(settings) if each.name.startswith("ingest")]


def supervised_ingest(settings: ServerSettings) -> Site:
    """Return a site of ingest processes only; its supervisor reads the settings from its environment."""
    daemon = (sys.executable, "-m", "tests.support.ingest_supervisor")
    return Site(settings.home.run, settings.home.log, lambda: ingest_programs(settings), daemon)


if __name__ == "__main__":
    Supervisor(supervised_ingest(load(ServerSettings))).run()
