"""Bounds what a connection may send and how slowly, before the app knows of it.

uvicorn's parser keeps a header until its end, however long that takes and however
long it grows; so the bytes that complete nothing are counted, and a head has a
deadline.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import structlog
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

security_log = structlog.get_logger("security")

#: Of a request line with its headers, and of the trailers after a body.
MAX_HEAD = 64 * 1024
#: Seconds from the connection, or from the first byte after the last request.
HEAD_SECONDS = 15.0
#: Data is parsed in pieces of this size: so far may a head overshoot the limit.
_PIECE = 8 * 1024


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a limit on the size and on the time of a head."""

    head_seconds = HEAD_SECONDS

    _unfinished = 0
    _in_head = False
    _deadline: asyncio.TimerHandle | None = None

    @override
    def connection_made(  # type: ignore[override]  # as uvicorn narrows it
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self._expect_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            piece = data[start : start + _PIECE]
            self._unfinished += len(piece)
            super().data_received(piece)
            if self._unfinished > MAX_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        if self._in_head or self._unfinished:
            self._expect_head()
        else:
            self._forget_deadline()

    @override
    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unfinished = 0
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._unfinished = 0
        super().on_message_complete()

    def _is_idle(self) -> bool:
        return bool(getattr(self.cycle, "response_complete", True))

    def _expect_head(self) -> None:
        """Begin to wait, unless we wait already: another byte gives no more time."""
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.head_seconds, self._too_slow)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Close, telling why where no other answer is under way."""
        if self.transport.is_closing():
            return
        security_log.warning("head_refused", status=status.value)
        if self._is_idle():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            rest = "content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(f"{head}{rest}".encode("ascii"))
        self.transport.close()
