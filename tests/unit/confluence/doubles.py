"""What the tests of the adapter share: samples, pages, a site that answers by script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from app.confluence.client import ConfluenceClient
from app.confluence.pool import open_pool
from app.confluence.reading import read_page
from app.domain.events import Host
from app.domain.pages import BodyFormat, Page, PageText
from app.usecases.ports import SiteAccess

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SITE = "https://site.example/wiki"
GATEWAY = "https://api.example/ex/confluence/1111-2222/wiki"

_SAMPLES = Path(__file__).parents[2] / "samples"

Answer = httpx.Response | Exception


def sample(name: str) -> str:
    """Return a body out of tests/samples."""
    return (_SAMPLES / name).read_text(encoding="utf-8")


def read(
    body: str | None, *, body_format: BodyFormat = "storage", title: str = "Title"
) -> PageText:
    """Read a body as the page of that body would be read."""
    page = Page(
        id="1",
        title=title,
        status="current",
        space_id="1",
        version=1,
        body=body,
        body_format=body_format,
    )
    return read_page(page)


def answer(status: int = 200, data: Any = None, **headers: str) -> httpx.Response:
    """Return a JSON answer; underscores in header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is None and status == 204:
        return httpx.Response(status, headers=named)
    return httpx.Response(status, json={} if data is None else data, headers=named)


def listing(items: Sequence[Any], next_link: str | None = None) -> httpx.Response:
    """Return one part of a list of v2."""
    links = {"base": "https://site.example/wiki"}
    if next_link is not None:
        links["next"] = next_link
    return answer(data={"results": list(items), "_links": links})


def refusal(status: int, title: str) -> httpx.Response:
    """Return an error of v2."""
    return answer(status, {"errors": [{"status": status, "code": "X", "title": title}]})


def page_json(**changes: Any) -> dict[str, Any]:
    """Return the sample page's object with other fields."""
    page: dict[str, Any] = json.loads(sample("confluence_page/body.json"))
    return {**page, **changes}


def access(host: Host = "forge", *, secret: str = "token-1") -> SiteAccess:
    """Return the way to the tests' site."""
    base_url = GATEWAY if host == "forge" else SITE
    return SiteAccess(host=host, base_url=base_url, secret=secret, app_key="our-app")


class Script:
    """A site that gives prepared answers in turn and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        given = self._answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    @property
    def unused(self) -> int:
        """How many answers nobody asked for."""
        return len(self._answers)

    @property
    def queries(self) -> list[Mapping[str, str]]:
        """The query of each request."""
        return [dict(request.url.params) for request in self.requests]


def sent(site: Script, number: int = 0) -> Any:
    """Return what a request carried."""
    return json.loads(site.requests[number].content)


def asked(site: Script) -> list[str]:
    """Return method and path of each request."""
    start = "/ex/confluence/1111-2222/wiki"
    return [
        f"{one.method} {one.url.raw_path.decode().removeprefix(start)}".split("?body")[
            0
        ]
        for one in site.requests
    ]


class Sleeps:
    """Takes the place of waiting, and remembers how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Signer:
    """Signs by counting, so that a token used twice shows."""

    def __init__(self) -> None:
        self.signed: list[tuple[str, str, str]] = []

    def __call__(
        self,
        method: str,
        url: str,
        *,
        app_key: str,
        shared_secret: str,
        base_url: str,
        now: datetime,
    ) -> str:
        self.signed.append((method, url, base_url))
        return f"{app_key}-{shared_secret}-{now:%H%M}-{len(self.signed)}"


def client(
    handler: Callable[[httpx.Request], httpx.Response],
    *,
    site: SiteAccess | None = None,
    sign: Signer | None = None,
    sleep: Sleeps | None = None,
) -> ConfluenceClient:
    """Return a client whose network is `handler`."""
    return ConfluenceClient(
        open_pool(httpx.MockTransport(handler)),
        site or access(),
        sign=sign or Signer(),
        now=lambda: NOW,
        sleep=sleep or Sleeps(),
    )
