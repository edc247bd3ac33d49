"""Several pages in work at once, none of them cut off in the middle."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

from app.errors import AppError


async def side_by_side(tasks: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run tasks together to their ends; then the first failure of any is raised.

    Nothing is cut off in the middle: an answer on its way is paid for, a page that is
    written to should be written whole.
    """
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [one for one in ends if isinstance(one, BaseException)]
    bugs = [one for one in failures if not isinstance(one, AppError)]
    for failure in (*bugs, *failures):
        raise failure


@contextlib.contextmanager
def draining(pages: Iterator[str]) -> Iterator[None]:
    """Leave nothing to do for those who share `pages`, once one of them fails."""
    try:
        yield
    except BaseException:
        collections.deque(pages, maxlen=0)
        raise
