"""How Gunicorn runs dashboard's pages and API; it reads the settings itself and checks what a start needs."""

import shutil
from typing import Any

from dashboard.start import settings_or_exit
from fleet.figures import figures_folder
from fleet.logs import configure

_settings = settings_or_exit("dashboard")
_metrics_folder = figures_folder(_settings.home, "dashboard")

bind = f"127.0.0.1:{_settings.dashboard_port}"
workers = 2
worker_class = "gthread"
threads = 2
timeout = 30
graceful_timeout = 10
keepalive = 5
# More than nginx lets through, so that it is nginx who refuses.
limit_request_line = 8190
# Every worker writes its figures here; what an earlier run left is cleared at start.
raw_env = [f"PROMETHEUS_MULTIPROC_DIR={_metrics_folder}"]
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Forget the figures of an earlier run."""
    _clear_figures()
    configure("dashboard", _settings.log_level)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    # The library chooses its mode when it is first imported, so not before raw_env is in place.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid, path=str(_metrics_folder))  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Leave nothing in memory."""
    shutil.rmtree(_metrics_folder, ignore_errors=True)


def _clear_figures() -> None:
    for old in _metrics_folder.iterdir():
        old.unlink()
