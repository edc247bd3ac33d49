"""Logging is the process's own: what a test sets is taken back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

_NAMES = ("", "app", "ai_calls", "audit", "security", "httpx", "alembic")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _NAMES]
    before = [(one, list(one.handlers), one.level) for one in loggers]
    yield
    for one, handlers, level in before:
        for handler in set(one.handlers) - set(handlers):
            handler.close()
        one.handlers[:] = handlers
        one.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
