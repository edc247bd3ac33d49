"""Protocols of AI providers: one alone, and all of them as one.

Errors are those of `app.errors`; a vendor's exception never crosses these doors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.completions import Completion, Prompt, Routed, Turn, Usage
from app.usecases.purse import Purse


class Provider(Protocol):
    """An AI that labels and summarises one page in one call."""

    @property
    def name(self) -> str:
        """`local`, `openai`, `gemini`."""
        ...

    @property
    def model(self) -> str:
        """The model's name, as receipts show it."""
        ...

    def held_for(self) -> float:
        """Return the seconds for which it is known to take no calls; 0 if free."""
        ...

    def estimate(self, prompt: Prompt) -> Usage:
        """Return what an answer costs at worst: all the output that is allowed.

        Nothing at all where nobody is paid. Takes a while for a long page.
        """
        ...

    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        """Answer `prompt`; labels only from its candidates.

        Raises:
            ProviderError: No usable answer; its verdict says what follows. What the
                failed call cost is its `usage`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Respondent:
    """A model that may be asked."""

    provider: str
    model: str


class Ai(Protocol):
    """All providers as one: asks them in order until one answers.

    An `order` of provider names replaces the operator's for one question; `local`
    alone keeps a page's text on this machine.
    """

    @property
    def prompt_version(self) -> int:
        """Changes whenever a question is put in other words."""
        ...

    def respondents(self, order: Sequence[str] = ()) -> tuple[Respondent, ...]:
        """Return who would be asked, in order."""
        ...

    def held_for(self, order: Sequence[str] = ()) -> float:
        """Return the seconds until anybody could be asked, as far as is known here."""
        ...

    def estimate(self, prompt: Prompt, order: Sequence[str] = ()) -> Usage:
        """Return what an answer of the first in order costs at worst."""
        ...

    async def answer(
        self,
        prompt: Prompt,
        turn: Turn,
        *,
        order: Sequence[str] = (),
        purse: Purse | None = None,
    ) -> Routed:
        """Answer `prompt`; labels only from its candidates.

        Raises:
            ProviderError: Nobody can answer now, and waiting may help.
            OverBudget: The purse pays for nobody in order, and the others cannot answer.
        """
        ...
