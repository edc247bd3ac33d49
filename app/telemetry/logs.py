"""Structured logs: four rotating files and stdout, one event name and fields a line.

Files are shared safely by several processes. `app` holds everything the program
does, `ai_calls` each call of a provider, `audit` mirrors the audit of record in the
database, `security` holds refusals. Page text, prompts and secrets are never fields.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping, Set as AbstractSet
from pathlib import Path
from typing import Any, Literal

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
#: Parts of names, of fields and of HTTP headers alike (`-` counts as `_`). Forge sends
#: its tokens in `x-forge-oauth-system` and `x-forge-oauth-user`:
#: https://developer.atlassian.com/platform/forge/remote/essentials/
_SECRET_WORDS = (
    "secret",
    "token",
    "oauth",
    "jwt",
    "authorization",
    "credential",
    "password",
    "passphrase",
    "api_key",
    "apikey",
    "private_key",
    "encryption_key",
    "cookie",
)
#: Ends of names that count tokens of text; they keep no secret.
_COUNTS = tuple(
    f"{kind}_tokens"
    for kind in ("input", "output", "max", "total", "prompt", "completion", "cached")
)
#: Libraries whose chatter repeats what our own lines say.
_NOISY = (
    "httpx",
    "httpcore",
    "httpx2",
    "httpcore2",
    "openai",
    "google_genai",
    "uvicorn.access",
    "alembic",
)
_HIDDEN = "***"
#: Levels of nesting that are shown; more is no log line, or bites its own tail.
_DEPTH = 6
_UNPRINTABLE = re.compile(
    # Controls and Unicode's separators end lines and steer terminals; the formatting
    # characters hide or reverse text; half a surrogate pair cannot be encoded.
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


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
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank every field whose name speaks of a secret: the last line of defence.

    It looks into mappings, sequences and (name, value) pairs, as headers come.
    """
    for key in event:
        event[key] = _HIDDEN if _is_secret(key) else _without_secrets(event[key])
    return event


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    if plain.endswith(_COUNTS):
        return False
    return any(word in plain for word in _SECRET_WORDS)


def _without_secrets(value: Any, depth: int = _DEPTH) -> Any:
    if not isinstance(value, Mapping | list | tuple | AbstractSet):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        pairs = ((_as_name(key), item) for key, item in value.items())
        return {
            name: _HIDDEN if _is_secret(name) else _without_secrets(item, depth - 1)
            for name, item in pairs
        }
    items = [_without_secrets(item, depth - 1) for item in value]
    if isinstance(value, tuple | list) and len(items) == 2:  # noqa: PLR2004 - a pair
        name = items[0]
        if isinstance(name, str | bytes) and _is_secret(_as_name(name)):
            items[1] = _HIDDEN
    # The tuple of an exception must stay one to be told from a list.
    return tuple(items) if isinstance(value, tuple) else items


def _as_name(key: object) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)


def _renderer(form: Literal["text", "json"]) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_as_json)
    logfmt = structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "logger", "event"], bool_as_flag=False
    )

    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        return _on_one_line(logfmt(logger, name, event))

    return render


def _as_json(event: EventDict, **_: Any) -> str:
    return _on_one_line(json.dumps(event, ensure_ascii=False, default=str))


def _on_one_line(text: str) -> str:
    """Escape what could end the line or steer a terminal, as JSON does."""
    return _UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)


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
