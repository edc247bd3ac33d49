"""The door between what is asked and who is asked: one rendered question, one reply.

A wire speaks one provider's API through its official SDK. It never retries, never waits
for a quota, and never judges labels: those are the business of `app.ai.remote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.domain.completions import Usage
from app.domain.quota.values import Refusal, Shown
from app.errors import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prompt as text, the same for every provider.

    Attributes:
        instructions: What never changes between pages of a site comes first here, so
            that providers may cache it.
        text: The page and what belongs to it alone.
        schema: JSON schema of the answer: strict, every field required.
        max_output_tokens: Enough for any valid answer, thinking not counted.
        cache_key: Groups questions with the same beginning.
        page_text: What of the page stands in `text`.
    """

    instructions: str = field(repr=False)
    text: str = field(repr=False)
    schema: Mapping[str, Any] = field(repr=False)
    max_output_tokens: int
    cache_key: str
    page_text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back with a usable ending: text that should be the JSON asked for."""

    text: str = field(repr=False)
    usage: Usage
    shown: tuple[Shown, ...] = ()


@dataclass(slots=True, kw_only=True)
class Timing:
    """When the request was on the wire, by the monotonic clock; None if never seen."""

    sent_at: float | None = None


class CallFailed(Exception):
    """A call that brought no usable reply: what the house does, and what quotas learn.

    Attributes:
        error: The named error that follows if nobody else can answer.
        refusal: Set if the call was refused for quota.
        shown: Limits that the headers showed all the same.
        slow_down: The provider asks for a slower growth of traffic.
        reply: What came all the same, as far as it came.
    """

    def __init__(
        self,
        error: ProviderError,
        *,
        refusal: Refusal | None = None,
        shown: tuple[Shown, ...] = (),
        slow_down: bool = False,
        reply: str = "",
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.refusal = refusal
        self.shown = shown
        self.slow_down = slow_down
        self.reply = reply


class Wire(Protocol):
    """One provider's API."""

    @property
    def provider(self) -> str:
        """`openai`, `gemini`."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked."""
        ...

    @property
    def thinking_room(self) -> int:
        """Output tokens that a call is allowed besides the answer's."""
        ...

    def priced(self, usage: Usage) -> Usage:
        """Return a usage with what it costs, as far as the model's price is known."""
        ...

    async def send(self, question: Question, timing: Timing) -> Reply:
        """Send one request; fill `timing` once it is on the wire.

        Raises:
            CallFailed: Everything that is no usable reply.
        """
        ...

    async def check(self) -> str:
        """Return a line for the doctor: reachable, key accepted, model known.

        Raises:
            CallFailed: What is wrong.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
