"""Runs the command line in this process, over a real SQLite database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result
from sqlalchemy.orm import Session

from app.cli.main import cli
from app.cli.program import Program
from app.domain.pages import Space
from app.settings import Settings
from app.store.database import open_database
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from app.usecases.ports import HostKeys
from app.usecases.services import Services
from tests.unit.worker.services import make_services

T = TypeVar("T")


@dataclass
class CommandLine:
    """A program of doubles around one database.

    Attributes:
        is_terminal: Whether somebody sits there who can be asked.
        services: Doubles that stand in for those of `make_services`.
        started: What was asked to start: `serve` or `work`, with its settings.
    """

    database_url: str
    env_file: Path
    keys: HostKeys | None = None
    is_terminal: bool = False
    services: dict[str, Any] = field(default_factory=dict)
    started: list[tuple[str, Settings]] = field(default_factory=list)
    logs_to_stdout: list[bool] = field(default_factory=list)

    def program(self) -> Program:
        """Return what the command line is handed."""
        return Program(
            open_services=self._open,
            configure_logs=self._configure_logs,
            serve=lambda settings: self.started.append(("serve", settings)),
            work=lambda settings: self.started.append(("work", settings)),
            is_terminal=lambda: self.is_terminal,
        )

    def run(self, *arguments: str, typed: str = "", **variables: str) -> Result:
        """Run one command with these variables over the database's.

        Args:
            arguments: The command.
            typed: What a person types when asked.
            variables: Of the environment.
        """
        self.env_file.touch()
        return CliRunner().invoke(
            cli,
            ["--env-file", str(self.env_file), *arguments],
            obj=self.program(),
            input=typed,
            env={"DATABASE_URL": self.database_url, **variables},
        )

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with `--json` and decode its lines."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def write(self, work: Callable[[Session], T]) -> T:
        """Arrange something in the database."""

        async def run() -> T:
            database = open_database(self.database_url)
            try:
                return await database.write(work)
            finally:
                await database.close()

        return asyncio.run(run())

    def new_tenant(self, name: str = "a") -> str:
        """Add a tenant with one space, DOCS."""

        def work(session: Session) -> str:
            tenant = TenantStore(session).create(
                site_url=f"https://{name}.atlassian.net", cloud_id=f"cloud-{name}"
            )
            space = Space(id="100", key="DOCS", name="Документи")
            PolicyStore(session).keep_space(tenant.id, space)
            return tenant.id

        return self.write(work)

    @asynccontextmanager
    async def _open(self, settings: Settings) -> AsyncIterator[Services]:
        database = open_database(settings.database_url)
        try:
            yield make_services(database, keys=self.keys, **self.services)
        finally:
            await database.close()

    def _configure_logs(self, settings: Settings, *, to_stdout: bool = True) -> None:
        del settings
        self.logs_to_stdout.append(to_stdout)
