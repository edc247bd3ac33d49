"""Structured logs: four rotating files and stdout, one event name and fields a line.

Files are shared safely by several processes. `app` holds everything the program
does, `ai_calls` each call of a provider, `audit` mirrors the audit of record in the
database, `security` holds refusals. Page text, prompts and secrets are never fields.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Literal

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler
from structlog.types import EventDict, Processor, WrappedLogger

_BYTES = 10 * 1024 * 1024
_BACKUPS = 10
#: Logger name -> file; loggers without an entry (libraries) go to `app.log`.
_FILES = {
    "app": "app.log",
    "ai_calls": "ai_calls.log",
    "audit": "audit.log",
    "security": "security.log",
}
_SECRET_WORDS = ("secret", "token", "authorization", "password", "api_key", "cookie")


def configure(
    log_dir: Path, *, level: str, form: Literal["text", "json"], to_stdout: bool = True
) -> None:
    """Direct all logging of this process; calling again replaces what was set."""
    log_dir.mkdir(parents=True, exist_ok=True)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _renderer(form),
        ],
    )
    root = logging.getLogger()
    _replace_handlers(root, [_file(log_dir / _FILES["app"], formatter)])
    if to_stdout:
        stream = logging.StreamHandler(sys.stdout)
        stream.setFormatter(formatter)
        root.addHandler(stream)
    root.setLevel(level)
    for name, file in _FILES.items():
        logger = logging.getLogger(name)
        extra = [] if name == "app" else [_file(log_dir / file, formatter)]
        _replace_handlers(logger, extra)
        logger.setLevel(level)
    # Their chatter at INFO repeats what our own lines say, URLs and all.
    for noisy in ("httpx", "httpcore", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank every field whose name speaks of a secret: the last line of defence."""
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = "***"
    return event


def _renderer(form: Literal["text", "json"]) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "logger", "event"], bool_as_flag=False
    )


def _file(path: Path, formatter: logging.Formatter) -> logging.Handler:
    handler = ConcurrentRotatingFileHandler(
        str(path),
        maxBytes=_BYTES,
        backupCount=_BACKUPS,
        encoding="utf-8",
        keep_file_open=True,
    )
    handler.setFormatter(formatter)
    return handler


def _replace_handlers(logger: logging.Logger, handlers: list[logging.Handler]) -> None:
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    for handler in handlers:
        logger.addHandler(handler)
