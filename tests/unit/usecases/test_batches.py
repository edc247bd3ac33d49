"""Tests for app.usecases.batches."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.usecases.batches import batched

pytestmark = pytest.mark.anyio


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3])]
)
async def test_all_come_once_in_order(count: int, sizes: list[int]) -> None:
    """In portions of three; there is no empty one."""
    found = [batch async for batch in batched(numbers(count), 3)]

    assert [len(batch) for batch in found] == sizes
    assert [one for batch in found for one in batch] == list(range(count))
