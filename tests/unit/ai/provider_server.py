"""A provider of AI on 127.0.0.1 that answers as it is told, and what is asked of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from app.ai.models import load_models
from app.ai.wire import Question

KEY = "sk-test-ABCDEF0123456789"
#: Words of a page that no message may hold.
PAGE_TEXT = "Таємна сторінка про зарплати"
MODELS = load_models()

QUESTION = Question(
    instructions="Label the page.",
    text=PAGE_TEXT,
    schema={
        "type": "object",
        "properties": {"summary": {"type": "string"}},
        "required": ["summary"],
        "additionalProperties": False,
    },
    max_output_tokens=300,
    cache_key="tenant-1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came over the socket."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One answer.

    Attributes:
        body: JSON, or bytes as they are.
        cut: Bytes of the body after which the connection is closed.
        after: Seconds to wait before.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    after: float = 0


Answering = Callable[[Asked], Say | None]


@dataclass(slots=True)
class ProviderServer:
    """Where it listens, and all that was asked; None as an answer hangs up."""

    origin: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


@asynccontextmanager
async def serving(answering: Answering) -> AsyncIterator[ProviderServer]:
    """Serve on a free port until the block ends."""
    server = ProviderServer("")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await _exchange(reader, writer, server, answering):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    server: ProviderServer,
    answering: Answering,
) -> bool:
    asked = await _read(reader)
    server.asked.append(asked)
    say = answering(asked)
    if say is None:
        return False
    await asyncio.sleep(say.after)
    body = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **say.headers,
    }
    head = f"HTTP/1.1 {say.status} Told\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(head.encode() + b"\r\n" + body[: say.cut])
    await writer.drain()
    return say.cut is None


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers.get("content-length", "0"))
    raw = await reader.readexactly(length)
    body = json.loads(raw) if raw else None
    return Asked(method=method, path=path, headers=headers, body=body)
