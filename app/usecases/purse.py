"""The door between those who ask an AI and those who pay for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.domain.completions import Attempt, Usage


class Purse(Protocol):
    """What calls are paid out of."""

    async def hold(
        self, forecast: Callable[[], Usage], attempts: Sequence[Attempt]
    ) -> None:
        """Set aside what the next call costs at worst, in the place of what was before.

        Args:
            forecast: Returns that cost; takes a while, and is called only if somebody
                wants to know.
            attempts: Who was asked about the page before, in vain.

        Raises:
            BudgetExceeded: Not before its `until`.
            PageTooExpensive: Never.
        """
        ...
