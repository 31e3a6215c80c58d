"""One log format for every program: one line per change of state, JSON in files, readable on a terminal."""

import logging
import sys
from typing import Any

import structlog

Logger = structlog.stdlib.BoundLogger


def configure(program: str, level: str = "info") -> None:
    """Send this process's logs, its libraries' too, to stderr; call once at start."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _named(program), renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _named(program: str) -> Any:
    def add_program(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"program": program, **event}

    return add_program


def get_logger(name: str) -> Logger:
    """Return the logger of a module: `log.info("what happened", device_id=…)`."""
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger


def bind(**fields: Any) -> None:
    """Add fields, such as a request id, to every line that this context logs from now on."""
    structlog.contextvars.bind_contextvars(**fields)


def unbind_all() -> None:
    """Forget what `bind` added: a worker thread serves many requests."""
    structlog.contextvars.clear_contextvars()
