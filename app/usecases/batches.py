"""Takes what comes one by one in portions, so that no transaction grows large."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def batched(source: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """Walk a source in lists of `size`; the last one may be shorter, none is empty."""
    batch: list[T] = []
    async for item in source:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
