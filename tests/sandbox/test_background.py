"""Tests for work that goes on beside requests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.hosts.background import Background

pytestmark = pytest.mark.anyio


async def test_close_cancels_what_runs() -> None:
    """Endless work ends when its owner closes."""
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background = Background()
    background.start(work())
    await asyncio.sleep(0)

    await background.close()

    assert ended.is_set()


async def test_broken_work_is_told_at_once_and_at_the_end() -> None:
    """An error reaches the loop's handler when it happens, and closing raises it."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: told.append(context)
    )

    async def work() -> None:
        raise ValueError("broken")

    background = Background()
    background.start(work())
    await asyncio.sleep(0.01)

    with pytest.raises(ValueError, match="broken"):
        await background.close()
    asyncio.get_running_loop().set_exception_handler(None)
    assert told[0]["message"] == "background work broke"
