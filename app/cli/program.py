"""What the command line was handed: it starts and opens nothing by itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from app.settings import Settings, from_environ
from app.usecases.services import Services

T = TypeVar("T")


class ConfigureLogs(Protocol):
    """Directs this process's logs."""

    def __call__(self, settings: Settings, *, to_stdout: bool = True) -> None:
        """Configure."""
        ...


def _is_terminal() -> bool:
    return sys.stdin.isatty()


@dataclass(slots=True)
class Program:
    """The parts of the program, and where its settings are."""

    open_services: Callable[[Settings], AbstractAsyncContextManager[Services]]
    configure_logs: ConfigureLogs
    serve: Callable[[Settings], None]
    work: Callable[[Settings], None]
    env_file: Path = field(default=Path(".env"))
    #: Whether somebody sits there who can be asked.
    is_terminal: Callable[[], bool] = _is_terminal

    def settings(self) -> Settings:
        """Read the settings.

        Raises:
            ConfigurationError: They are not fit to start with.
        """
        return from_environ(env_file=self.env_file)

    def ask(self, question: Callable[[Services], Awaitable[T]]) -> T:
        """Open the services for one question, quietly, and close them again."""
        settings = self.settings()
        self.configure_logs(settings, to_stdout=False)

        async def run() -> T:
            async with self.open_services(settings) as services:
                return await question(services)

        return asyncio.run(run())
