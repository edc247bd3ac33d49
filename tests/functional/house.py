"""The whole house for tests: the app and a site it is installed on, over real sockets."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.domain.byline import BYLINE_PROPERTY_KEY
from app.store.base import db_time
from app.store.database import Database
from app.store.tables import EventRow, InstallationRow, JobRow, RunRow, TenantRow
from app.usecases.services import Services
from sandbox.hosts.connect import ConnectHost
from sandbox.hosts.forge import ForgeHost
from sandbox.principals import Principal
from sandbox.site import Site
from tests.functional import small_site
from tests.functional.serving import Gate, Hold
from tests.functional.small_site import SmallSite

ROOT = Path(__file__).parents[2]
APP_KEY = "confluence-ai"
FORGE_APP_ID = "ari:cloud:ecosystem::app/5b0c7a52-6f0e-4d3b-9a41-0c2f4e8d7a10"

Row = Mapping[str, Any]

_RUNNING = ("ready", "running")


@dataclass(slots=True, kw_only=True)
class House:
    """A running app, a running site, and the verbs of a person who uses both.

    Attributes:
        site: The site's state, read and changed within the loop that serves it.
        gate: Holds back requests of the app to the site.
        environ: The app's settings, to start more processes with.
        database: The app's database, opened a second time.
        logs: Folder of the app's log files.
        services: What the app has open, where it runs in this process.
        app: A client of the app that follows nothing and proves nothing.
        control: A client of the site's control API.
    """

    site: Site
    forge: ForgeHost
    connect: ConnectHost
    gate: Gate
    pages: SmallSite
    environ: dict[str, str]
    database: Database
    logs: Path
    app_url: str
    services: Services | None
    app: httpx.AsyncClient
    control: httpx.AsyncClient

    # ------------------------------------------------------------ installing

    async def install_forge(self, *, settle: bool = True) -> dict[str, Any]:
        """Install through Forge and wait until the site is learned."""
        found = await self.order(
            "/forge/install",
            manifest=str(ROOT / "descriptor/forge/manifest.yml"),
            remote_url=self.app_url,
        )
        if settle:
            await self.settled()
        return found

    async def install_connect(self, *, settle: bool = True) -> dict[str, Any]:
        """Install through Connect and wait until the site is learned."""
        url = f"{self.app_url}/atlassian-connect.json"
        found = await self.order("/connect/install", descriptor_url=url)
        if settle:
            await self.settled()
        return found

    async def uninstall_forge(self) -> None:
        """Remove the app from the site; nobody is told but by `preUninstall`."""
        await self.order("/forge/uninstall")

    async def uninstall_connect(self) -> None:
        """Remove the Connect app from the site."""
        await self.order("/connect/uninstall", key=APP_KEY)

    async def order(self, path: str, /, **fields: Any) -> dict[str, Any]:
        """Call the site's control API and return what it says."""
        answer = await self.control.post(f"/_sandbox{path}", json=fields)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    # ----------------------------------------------------- people and pages

    @property
    def olena(self) -> Principal:
        """The editor who writes the pages."""
        return small_site.olena(self.site)

    def edit(self, page_id: str, text: str) -> int:
        """Save a page's next version as Olena; return its number."""
        page = self.site.pages[page_id]
        body = f"<p>{text}</p>" if text else ""
        version = page.latest.number + 1
        self.site.update_page(page_id, version=version, body=body, actor=self.olena)
        return version

    def write(self, language: str = small_site.ENGLISH) -> str:
        """Write the text that waits for labels in a language; return the page's id."""
        page_id = self.pages.waiting[language]
        self.edit(page_id, small_site.TEXTS[language])
        return page_id

    def add_page(self, title: str, text: str, **place: str) -> str:
        """Add a page as Olena (`parent_id`, `page_id`); return its id."""
        space = self.site.spaces[self.pages.space_id]
        return small_site.add_page(self.site, space, title, text, **place).id

    def label(self, page_id: str, name: str) -> None:
        """Put a label on a page as Olena."""
        self.site.add_labels(page_id, [("global", name)], self.olena)

    def unlabel(self, page_id: str, name: str) -> None:
        """Take a label off a page as Olena."""
        self.site.remove_label(page_id, name, self.olena)

    def labels(self, page_id: str) -> list[str]:
        """Return the labels on a page, in the order they were put there."""
        return [name for _, name in self.site.pages[page_id].labels]

    def byline(self, page_id: str) -> dict[str, Any] | None:
        """Return the value of the byline's property, None where there is none."""
        held = self.site.pages[page_id].properties.get(BYLINE_PROPERTY_KEY)
        return None if held is None else held.value

    async def put_back(self, page_id: str) -> Row:
        """Wait until a page's newest job waits for its next try; return it."""

        async def waiting() -> Row | None:
            jobs = await self.page_jobs(page_id)
            tried = jobs and (jobs[-1]["last_error"] or jobs[-1]["deferrals"])
            return jobs[-1] if tried and jobs[-1]["state"] == "ready" else None

        found: Row = await self.wait_for(waiting, what="a job that was put back")
        return found

    def requests(self, method: str = "", part: str = "") -> list[Row]:
        """Return the REST requests of apps, by method and a part of the path."""
        return [
            one
            for one in self.site.requests.since(0)
            if one["app"] and one["method"].startswith(method) and part in one["path"]
        ]

    def writes(self) -> list[Row]:
        """Return the requests of apps that would change the site."""
        return [one for one in self.requests() if one["method"] != "GET"]

    # --------------------------------------------------- troubles and waits

    def fault(self, path: str, *, method: str | None = None, **order: Any) -> str:
        """Order a fault for calls of apps; return its id. See `sandbox.faults`."""
        match = {"path_regex": path, "principal": "app", "method": method}
        return self.site.faults.order({"match": match, **order}).id

    def hits(self, fault_id: str) -> int:
        """Return how often a fault has struck."""
        found = {one["id"]: one["hits"] for one in self.site.faults.report()}
        return int(found[fault_id])

    def holding(self, method: str, path: str) -> AbstractContextManager[Hold]:
        """Hold the app's requests to the site while entered."""
        return self.gate.holding(method, path)

    async def wait_for(
        self, condition: Callable[[], Any], seconds: float = 30, *, what: str = ""
    ) -> Any:
        """Return the first true answer of `condition`, awaited where needed."""
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            if time.monotonic() > deadline:
                pytest.fail(
                    f"waited {seconds} s for {what or condition}\n{self._tail()}"
                )
            await asyncio.sleep(0.02)

    async def settled(self, seconds: float = 45) -> None:
        """Wait until every event is delivered and no job is left to do."""

        async def quiet() -> bool:
            idle = await self.control.get("/_sandbox/deliveries/idle")
            if not idle.json()["idle"] or await self.jobs(*_RUNNING):
                return False
            again = await self.control.get("/_sandbox/deliveries/idle")
            return bool(again.json()["idle"]) and not await self.jobs(*_RUNNING)

        await self.wait_for(quiet, seconds, what="an idle house")

    async def worked(self, seconds: float = 45) -> None:
        """Wait until no job is left to do, whoever may have missed an event."""

        async def done() -> bool:
            return not await self.jobs(*_RUNNING)

        await self.wait_for(done, seconds, what="no jobs")

    async def delivered(self) -> None:
        """Wait until every event is delivered."""
        idle = await self.control.get("/_sandbox/deliveries/idle")
        assert idle.json()["idle"]

    async def deliveries(self) -> list[dict[str, Any]]:
        """Return what the hosts have sent."""
        answer = await self.control.get("/_sandbox/deliveries")
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    # ---------------------------------------------------- the app's memory

    async def rows(self, table: Any, *where: Any) -> list[Row]:
        """Return rows of the app's database, oldest first where they are numbered."""
        statement = sa.select(table.__table__).where(*where)
        if "id" in table.__table__.c:
            statement = statement.order_by(table.__table__.c.id)
        return await self.database.read(
            lambda s: [dict(row._mapping) for row in s.execute(statement)]
        )

    async def change(self, table: Any, *where: Any, **values: Any) -> None:
        """Change rows of the app's database, as if time had passed."""
        statement = sa.update(table).where(*where).values(**values)
        statement = statement.execution_options(synchronize_session=False)
        await self.database.write(lambda s: s.execute(statement).close())

    async def jobs(self, *states: str) -> list[Row]:
        """Return jobs in these states but the purges of years to come."""
        where = [JobRow.state.in_(states)] if states else []
        return await self.rows(JobRow, JobRow.kind != "purge_tenant", *where)

    async def page_jobs(self, page_id: str) -> list[Row]:
        """Return the jobs of one page, oldest first."""
        key = f"label_page:{page_id}"
        return await self.rows(JobRow, JobRow.dedupe_key == key)

    async def runs(self, page_id: str) -> list[Row]:
        """Return the runs of one page, oldest first."""
        return await self.rows(RunRow, RunRow.page_id == page_id)

    async def ai_calls(self, page_id: str) -> int:
        """Return how often an AI was asked about a page."""
        return sum(run["ai_calls"] for run in await self.runs(page_id))

    async def tenants(self) -> list[Row]:
        """Return every tenant."""
        return await self.rows(TenantRow)

    async def tenant_id(self) -> str:
        """Return the one tenant."""
        (tenant,) = await self.tenants()
        return str(tenant["id"])

    async def hasten(self) -> None:
        """Let running jobs come back, then every back-off and pause be over now."""

        async def at_rest() -> bool:
            return not await self.jobs("running")

        await self.wait_for(at_rest, what="jobs at rest")
        past = await self.database_time(-1)
        await self.change(JobRow, JobRow.state == "ready", run_at=past)
        await self.change(TenantRow, blocked_until=None, blocked_reason=None)
        if self.services is not None:
            self.services.work_arrived.set()

    async def database_time(self, seconds: float) -> datetime:
        """Return the database's time, shifted."""
        statement = sa.select(db_time(timedelta(seconds=seconds)))
        return await self.database.read(lambda s: s.execute(statement).scalar_one())

    async def counts(self) -> dict[str, int]:
        """Return how many rows the tables have that a refused request must not touch."""
        tables = (TenantRow, InstallationRow, EventRow, JobRow, RunRow)
        return {table.__tablename__: len(await self.rows(table)) for table in tables}

    # ------------------------------------------------- logs and processes

    def log(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a log file of the app."""
        path = self.logs / f"{name}.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def all_logs(self) -> str:
        """Return everything that the app has logged."""
        files = sorted(self.logs.glob("*.log"))
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    async def spawn(
        self, *arguments: str, **environ: str
    ) -> asyncio.subprocess.Process:
        """Start `python -m app` in a process of its own."""
        path = os.environ["PATH"]  # noqa: TID251 - handed to a process, not read
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *arguments,
            cwd=ROOT,
            env={"PATH": path, **self.environ, **environ},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    def _tail(self) -> str:
        return "\n".join(self.all_logs().splitlines()[-30:])
