"""What every request goes through: an id, security headers, limits, a last net."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import PayloadTooLarge
from app.web.problems import problem

#: Events are under 200 kB (Forge drops larger ones); descriptors' bodies far less.
MAX_BODY = 1024 * 1024
#: In which a body must be here; the hosts give up on us long before.
BODY_SECONDS = 30.0

log = structlog.get_logger("app")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Two years; Atlassian asks for at least one.
#: https://developer.atlassian.com/platform/marketplace/security-requirements/
_HSTS = "max-age=63072000; includeSubDomains"
_HEADERS = {
    "Strict-Transport-Security": _HSTS,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class RequestId:
    """Gives each request an id, binds it to every log line, and tells it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wrap one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class LastNet:
    """Answers what nobody named; a bug of ours is logged once, with its traceback.

    It hangs below `RequestId`, so that this answer has its headers as well.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wrap one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            log.info("caller_gone", path=scope["path"])
        except Exception:
            log.exception("request_crashed", path=scope["path"])
            if started:
                # Half an answer must not look whole: the server breaks it off.
                raise
            await problem(HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send)


class BodyLimit:
    """Refuses bodies over the limit before they are in memory, and those that drip."""

    def __init__(
        self, app: ASGIApp, *, limit: int = MAX_BODY, seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wrap one request; a lying or absent length is caught while reading."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > self._limit:
            error = PayloadTooLarge(self._limit)
            refusal = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
            await refusal(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0
        deadline: float | None = asyncio.get_running_loop().time() + self._seconds

        async def counted() -> Message:
            nonlocal seen, deadline
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from error
            if not message.get("more_body", False):
                deadline = None
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise PayloadTooLarge(self._limit)
            return message

        return counted
