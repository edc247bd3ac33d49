"""Answers that ordered faults give: refusals, silence, half a body, a cut line."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from sandbox.faults import FaultAnswer


async def _cut(receive: Receive, *, flush: bool) -> None:
    """Close the connection below HTTP, or fail where there is no connection.

    Raises:
        ConnectionResetError: The server gives no way to its socket, as in tests
            that call the app directly.
    """
    # The `receive` that uvicorn hands over is a method of what holds the socket.
    transport: Any = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("ordered fault: connection dropped")
    if flush:
        transport.close()
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


class Dropped(Response):
    """No answer at all: the connection ends."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code = 0

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection."""
        await _cut(receive, flush=False)


class HalfBody(Response):
    """The headers of `whole`, half of its body, and then the end of the connection."""

    def __init__(self, whole: Response) -> None:
        super().__init__(status_code=whole.status_code)
        self._whole = whole
        self.raw_headers = whole.raw_headers

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half and cut the connection."""
        body = bytes(self._whole.body)
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send(
            {
                "type": "http.response.body",
                "body": body[: len(body) // 2],
                "more_body": True,
            }
        )
        await _cut(receive, flush=True)


async def broken_answer(answer: FaultAnswer, *, honest: Response | None) -> Response:
    """Return what a struck request gets.

    `honest` is the real answer, where the fault lets the work be done.
    """
    if answer.kind == "drop":
        return Dropped()
    if answer.kind == "half_body":
        # A body of nothing has no half: only the cut is left.
        return HalfBody(honest) if honest is not None and honest.body else Dropped()
    if answer.kind == "timeout":
        await asyncio.sleep(answer.timeout_seconds)
        return Response("upstream timed out", 504, media_type="text/plain")
    headers = dict(answer.headers)
    if answer.status in (204, 304):
        return Response(status_code=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers, media_type="text/plain")
    body = answer.body
    if body is None:
        body = {"statusCode": answer.status, "message": "ordered fault"}
    return JSONResponse(body, answer.status, headers)
