"""How Gunicorn runs config_server; it reads the settings itself and checks what a start needs."""

import shutil
import sys
from typing import Any

from config_server.authorities import AuthorityMissing, load_authorities
from config_server.gunicorn_log import FleetLogger
from config_server.settings import ConfigSettings
from config_server.store.database import StoreUnavailable
from config_server.store.migrate import WrongSchema, require_current_schema
from fleet.figures import figures_folder
from fleet.logs import configure
from fleet.settings import SettingsError, load

EXIT_NOT_READY = 3

try:
    _settings = load(ConfigSettings)
    require_current_schema(_settings.config_database)
    load_authorities(_settings)
except (SettingsError, StoreUnavailable, WrongSchema, AuthorityMissing) as error:
    sys.stderr.write(f"config_server: {error}\n")
    sys.exit(EXIT_NOT_READY)

configure("config_server", _settings.log_level)
_metrics_folder = figures_folder(_settings.home, "config_server")

bind = f"127.0.0.1:{_settings.config_port}"
workers = 2
worker_class = "gthread"
# Enrolments that wait together share one commit: the fewer threads, the more of them wait for the disk alone.
threads = 16
umask = 0o077
logger_class = FleetLogger
timeout = 30
graceful_timeout = 10
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
# More than nginx lets through, so that it is nginx who refuses.
limit_request_line = 8190
# Every worker writes its figures here; a dead one's are cleared at the next start.
raw_env = [f"PROMETHEUS_MULTIPROC_DIR={_metrics_folder}"]
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Forget the figures of an earlier run."""
    _clear_figures()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    # Imported before raw_env is set, the library would count in memory, each worker for itself.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid, path=str(_metrics_folder))  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Leave nothing in memory."""
    shutil.rmtree(_metrics_folder, ignore_errors=True)


def _clear_figures() -> None:
    for old in _metrics_folder.iterdir():
        old.unlink()
