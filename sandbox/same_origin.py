"""Refuses writes that some other web page makes a person's browser send here."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin:
    """Middleware: a write with an `Origin` must come from this very host.

    Programs send no `Origin` and are not concerned. The sandbox listens on loopback,
    where any page that a browser has open could reach it otherwise.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != headers.get("host"):
                refusal = PlainTextResponse("request from another origin", 403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
