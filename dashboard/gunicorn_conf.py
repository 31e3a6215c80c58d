"""How Gunicorn runs dashboard's pages and API; it reads the settings itself and checks what a start needs."""

import shutil
from typing import Any

from dashboard.start import settings_or_exit
from fleet.home import make_private_folder
from fleet.logs import configure

_settings = settings_or_exit("dashboard")
_metrics_folder = _settings.home.run / "dashboard-metrics"

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
    """Begin with an empty metrics folder."""
    shutil.rmtree(_metrics_folder, ignore_errors=True)
    make_private_folder(_metrics_folder)
    configure("dashboard", _settings.log_level)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    # The library chooses its mode when it is first imported, so not before raw_env is in place.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid, path=str(_metrics_folder))  # type: ignore[no-untyped-call]
