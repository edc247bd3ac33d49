"""A small sandbox site to test with, and an app on it that needs no host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.app import create_app
from sandbox.changes import Change
from sandbox.model import Space
from sandbox.plugins import AppSummary, HostPlugin
from sandbox.principals import Authenticator, CredentialsRefused, Principal
from sandbox.site import Site

APP_KEY = "com.example.app"
BYLINE_KEY = "ai-byline"
OLENA = httpx.BasicAuth("olena@example.com", "olena-token")
ADMIN = httpx.BasicAuth("admin@example.com", "admin-token")
READER = httpx.BasicAuth("reader@example.com", "reader-token")
NO_CHECK = {"X-Atlassian-Token": "no-check"}


class SteppingClock:
    """A clock that a test moves; each reading is a millisecond after the last."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the next moment."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


def make_site() -> Site:
    """Return a site with one empty space, ENG."""
    site = Site(clock=SteppingClock())
    site.create_space(key="ENG", name="Engineering", actor=site.admin)
    return site


def eng(site: Site) -> Space:
    """Return the space ENG."""
    return next(iter(site.spaces.values()))


def add_page(site: Site, title: str = "Runbook", **changes: Any) -> str:
    """Add a page below the homepage of ENG; return its id."""
    fields: dict[str, Any] = {
        "space_id": eng(site).id,
        "title": title,
        "body": "<p>Hello</p>",
        "parent_id": eng(site).homepage_id,
        "actor": site.admin,
    }
    return site.create_page(**{**fields, **changes}).id


def listen(site: Site) -> list[Change]:
    """Return a list that every further change of the site is put into."""
    told: list[Change] = []
    site.subscribe(told.append)
    return told


class StubHost:
    """A host with one app; `Bearer` and `JWT` tokens name the scopes they grant."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.account_id = site.create_app_user(APP_KEY, "Confluence AI")
        self.running = False

    def principal(self, scopes: frozenset[str] | None = None) -> Principal:
        """Return the app as a sender."""
        return Principal(
            account_id=self.account_id, kind="app", app=APP_KEY, scopes=scopes
        )

    def routes(self) -> list[BaseRoute]:
        """Return nothing."""
        return []

    def authenticators(self) -> list[Authenticator]:
        """Return the one that reads scopes out of the token."""
        return [self._authenticate]

    def _authenticate(self, request: Request, *, gateway: bool) -> Principal | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != ("Bearer" if gateway else "JWT"):
            return None
        if token == "expired":
            raise CredentialsRefused("expired")
        scopes = None if token == "all" else frozenset(token.split(","))
        return self.principal(scopes)

    def run(self) -> AbstractAsyncContextManager[None]:
        """Note that the host runs."""

        @asynccontextmanager
        async def running() -> AsyncIterator[None]:
            self.running = True
            yield
            self.running = False

        return running()

    def byline_property_keys(self) -> list[str]:
        """Return the app's byline property."""
        return [BYLINE_KEY]

    def apps(self) -> list[AppSummary]:
        """Return the app."""
        return [
            AppSummary(
                key=APP_KEY,
                name="Confluence <AI>",
                host="forge",
                status="installed",
                installed_at=datetime(2026, 11, 22, tzinfo=UTC),
                base_url="http://127.0.0.1:8080",
            )
        ]


def client_of(
    site: Site, *hosts: HostPlugin, auth: httpx.Auth | None = OLENA
) -> httpx.AsyncClient:
    """Return a client of the site; Olena's unless told otherwise."""
    transport = httpx.ASGITransport(create_app(site, hosts=hosts))
    return httpx.AsyncClient(transport=transport, base_url=site.origin, auth=auth)


def app_client(
    site: Site, host: StubHost, token: str = "all", *, gateway: bool = True
) -> httpx.AsyncClient:
    """Return a client of the app, through the gateway or straight to the site."""
    prefix = f"/ex/confluence/{site.cloud_id}" if gateway else ""
    scheme = "Bearer" if gateway else "JWT"
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(site, hosts=[host])),
        base_url=f"{site.origin}{prefix}",
        headers={"Authorization": f"{scheme} {token}", **NO_CHECK},
    )


async def walk(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Return a whole list by following `_links.next`."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following is not None:
        answer = await client.get(following)
        answer.raise_for_status()
        body = answer.json()
        found.extend(body["results"])
        following = body["_links"].get("next")
    return found
