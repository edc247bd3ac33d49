"""Tests for app.web.middleware: bugs, hang-ups and slow bodies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from app.store.database import Database
from app.web.app import create_app
from app.web.middleware import BodyLimit
from app.web.problems import on_http_exception
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio


async def _crash(request: Request) -> Response:
    raise RuntimeError(request.url.path)


async def _crash_half_way(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError

    return StreamingResponse(parts())


async def _hang_up(_: Request) -> Response:
    raise ClientDisconnect


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


ROUTES = [
    Route("/crash", _crash),
    Route("/half", _crash_half_way),
    Route("/gone", _hang_up),
]


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The app with three more routes, and its services from another recipe."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[object]:
        yield make_services(database)

    app = create_app(opened)  # type: ignore[arg-type]
    app.router.routes.extend(ROUTES)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: object, send: object) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)  # type: ignore[arg-type]

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://app.test"
        ) as made:
            yield made


class TestLastNet:
    """Tests for app.web.middleware.LastNet."""

    async def test_bug_is_answered_like_every_refusal(
        self, client: httpx.AsyncClient
    ) -> None:
        """Problem JSON with security headers and the request's id; no traceback."""
        answer = await client.get("/crash", headers={"X-Request-Id": "trace-1"})

        assert answer.status_code == 500
        assert answer.json() == {"title": "Internal Server Error", "status": 500}
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == "trace-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in answer.headers["strict-transport-security"]

    async def test_bug_is_logged_once_with_its_traceback(
        self, client: httpx.AsyncClient
    ) -> None:
        """The operator finds what happened."""
        with capture_logs() as lines:
            await client.get("/crash")

        (line,) = [one for one in lines if one["log_level"] == "error"]
        assert line["event"] == "request_crashed"
        assert line["exc_info"]

    async def test_half_an_answer_is_broken_off(
        self, client: httpx.AsyncClient
    ) -> None:
        """The server must not end it as if it were whole."""
        with pytest.raises(RuntimeError):
            await client.get("/half")

    async def test_caller_who_hangs_up_is_no_bug(
        self, client: httpx.AsyncClient
    ) -> None:
        """Strangers cannot fill the log with tracebacks."""
        with capture_logs() as lines, pytest.raises(AssertionError):
            await client.get("/gone")  # the transport misses an answer, rightly

        assert [one["event"] for one in lines] == ["caller_gone"]


class TestBodyLimit:
    """Tests for app.web.middleware.BodyLimit: the time that a body may take."""

    @pytest.fixture
    def app(self) -> Starlette:
        """An app that gives bodies a tenth of a second."""
        return Starlette(
            routes=[Route("/", _read, methods=["POST"])],
            middleware=[Middleware(BodyLimit, limit=100, seconds=0.1)],
            exception_handlers={408: on_http_exception},
        )

    async def _send(self, app: Starlette, parts: int, pause: float) -> int:
        sent: list[Message] = []
        left = iter(range(parts))

        async def receive() -> Message:
            if (number := next(left, None)) is None:
                await asyncio.Event().wait()
            await asyncio.sleep(pause)
            more = number != parts - 1
            return {"type": "http.request", "body": b"x", "more_body": more}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        await app({**scope, "query_string": b"", "root_path": ""}, receive, send)
        return int(sent[0]["status"])

    async def test_dripping_body_is_refused(self, app: Starlette) -> None:
        """Each part in time is not enough; the whole must be."""
        assert await self._send(app, parts=50, pause=0.02) == 408

    async def test_body_in_time_is_read(self, app: Starlette) -> None:
        """In as many parts as it likes."""
        assert await self._send(app, parts=20, pause=0.001) == 200
