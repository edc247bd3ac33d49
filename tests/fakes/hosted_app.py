"""A small site with both hosts, and an app installed on it, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.changes import Change, ChangeName
from sandbox.hosts.wiring import build_hosts
from sandbox.plugins import HostPlugin
from sandbox.principals import CredentialsRefused

ORIGIN = "http://site.test"
CLOUD_ID = "11111111-2222-3333-4444-555555555555"
APP_URL = "https://app.test/base"
GATEWAY = f"/ex/confluence/{CLOUD_ID}"
PERSON = "712020:olena"

CONNECT_KEY = "sample-labels-connect"


class FakeSite:
    """Holds listeners and app users; pages exist only as snapshots in changes."""

    def __init__(self) -> None:
        self.cloud_id = CLOUD_ID
        self.origin = ORIGIN
        self.app_users: dict[str, str] = {}
        self.removed: list[str] = []
        self._listeners: list[Callable[[Change], None]] = []

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        self._listeners.append(listener)

    def create_app_user(self, app_key: str, display_name: str) -> str:
        del display_name
        return self.app_users.setdefault(app_key, f"app:{len(self.app_users) + 1}")

    def remove_user(self, account_id: str) -> None:
        self.removed.append(account_id)

    def tell(self, change: Change) -> None:
        """Publish a change to the hosts."""
        for listener in self._listeners:
            listener(change)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))  # noqa: TID251

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as the installed app got it."""

    method: str
    path: str
    query: str
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def token(self) -> str:
        """What stands after `JWT` or `Bearer`."""
        return self.headers["authorization"].partition(" ")[2]


class InstalledApp:
    """An app that remembers what it is told and answers as scripted.

    Attributes:
        answers: Statuses of the next answers; 204 when none is left. An entry that is
            no number is how many seconds to sleep before 204.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int | float] = []
        self.descriptor: object = connect_descriptor()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        if request.url.path == "/base/descriptor.json":
            await JSONResponse(self.descriptor)(scope, receive, send)
            return
        self.received.append(
            Received(
                method=request.method,
                path=request.url.path,
                query=request.url.query,
                headers=httpx.Headers(request.headers.raw),
                body=await request.body(),
            )
        )
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = 204
        body = b'{"said": "no"}' if answer >= 400 else b""
        media_type = "application/json" if body else None
        response = Response(body, status_code=answer, media_type=media_type)
        await response(scope, receive, send)

    def at(self, path: str) -> list[Received]:
        """Return what arrived at a path, in order."""
        return [request for request in self.received if request.path == path]


@dataclass(frozen=True, kw_only=True)
class World:
    """A running site, an app, and a client that talks to the site."""

    site: FakeSite
    app: InstalledApp
    client: httpx.AsyncClient
    clock: Clock
    hosts: Sequence[HostPlugin]

    async def post(self, path: str, /, **fields: Any) -> httpx.Response:
        """Call the control API."""
        return await self.client.post(f"/_sandbox{path}", json=fields)

    async def get(self, path: str, /, **params: str) -> Any:
        """Read from the control API."""
        answer = await self.client.get(f"/_sandbox{path}", params=params)
        return answer.json()

    async def idle(self) -> Any:
        """Wait until everything is delivered."""
        return await self.get("/deliveries/idle")


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Run a site with both hosts; its apps are all the one `InstalledApp`."""
    site, app, clock = FakeSite(), InstalledApp(), Clock()
    hosts = build_hosts(site, transport=httpx.ASGITransport(app), clock=clock)
    routes = [route for host in hosts for route in host.routes()]
    whoami = _whoami(hosts)
    routes += [
        Route(f"{GATEWAY}/wiki/api/v2/whoami", whoami, methods=["GET"]),
        Route("/wiki/api/v2/whoami", whoami, methods=["GET", "POST"]),
    ]
    async with AsyncExitStack() as stack:
        for host in hosts:
            await stack.enter_async_context(host.run())
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(Starlette(routes=routes)), base_url=ORIGIN
        )
        await stack.enter_async_context(client)
        yield World(site=site, app=app, client=client, clock=clock, hosts=hosts)


def _whoami(hosts: Sequence[HostPlugin]) -> Callable[[Request], Any]:
    """Answer as the site's REST API would with the same credentials."""

    async def endpoint(request: Request) -> Response:
        gateway = request.url.path.startswith("/ex/")
        try:
            for authenticate in (a for host in hosts for a in host.authenticators()):
                if found := authenticate(request, gateway=gateway):
                    scopes = sorted(found.scopes or ())
                    return JSONResponse(
                        {
                            "account": found.account_id,
                            "kind": found.kind,
                            "app": found.app,
                            "scopes": scopes,
                        }
                    )
        except CredentialsRefused as refusal:
            return JSONResponse({"reason": refusal.reason}, status_code=401)
        return JSONResponse({"reason": "nobody"}, status_code=403)

    return endpoint


def connect_descriptor(**changes: Any) -> dict[str, Any]:
    """Return a descriptor that passes, with some fields changed."""
    return {
        "key": CONNECT_KEY,
        "name": "Sample labels",
        "baseUrl": APP_URL,
        "authentication": {"type": "jwt"},
        "apiMigrations": {"gdpr": True, "signed-install": True, "context-qsh": True},
        "scopes": ["READ", "WRITE"],
        "lifecycle": {
            name: f"/life/{name}"
            for name in ("installed", "uninstalled", "enabled", "disabled")
        },
        "modules": {
            "webhooks": [
                {"event": event, "url": f"/hooks/{event}"}
                for event in (
                    "page_created",
                    "page_updated",
                    "page_moved",
                    "page_trashed",
                    "label_added",
                )
            ],
            "contentBylineItems": [
                {"key": "byline", "contentPropertyKey": "sample-labels-byline"}
            ],
        },
        **changes,
    }


def page_change(
    name: ChangeName = "page_updated",
    *,
    page_id: str = "65601",
    app: str | None = None,
    live: bool = False,
    title: str = "Резервне копіювання",
    **details: Any,
) -> Change:
    """Return a change of a page that `PERSON`, or an app, has made."""
    moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    page = {
        "id": page_id,
        "title": title,
        "status": "current",
        "subtype": "live" if live else None,
        "space_id": "32769",
        "space_key": "DOCS",
        "space_name": "Documentation",
        "parent_id": "65600",
        "version": 7,
        "version_at": moment,
        "version_author_id": PERSON,
        "author_id": PERSON,
        "owner_id": PERSON,
        "created_at": moment,
        "labels": [{"id": "98305", "name": "backup", "prefix": "global"}],
    }
    return Change(
        name=name,
        at=moment,
        page_id=page_id,
        account_id=PERSON if app is None else "app:1",
        app=app,
        details={"page": page, **details},
    )
