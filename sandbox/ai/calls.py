"""What all APIs have in common: a question, its answer, and what may go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from sandbox.ai.quotas import Dimension, Standing

#: Chooses an answer from the instructions, the input and the JSON schema asked for.
Answerer: TypeAlias = Callable[[str, str, Mapping[str, Any]], dict[str, Any]]

Form: TypeAlias = Literal["text", "json_object", "json_schema"]
Ending: TypeAlias = Literal["complete", "cut", "refused", "blocked", "failed"]

#: What a provider tells beside the bare refusal or answer.
Hint: TypeAlias = Literal[
    "rate_headers",  # OpenAI: x-ratelimit-* on answers and refusals
    "retry_after",  # OpenAI: whole seconds
    "retry_after_ms",  # OpenAI
    "processing_ms",  # OpenAI: how long the provider worked
    "message",  # the numbers in a refusal's message
    "quota_failure",  # Gemini: which quotas, and their values
    "retry_info",  # Gemini: how long to wait
    "help",  # Gemini: a link
]

#: Why a call fails that no quota refused.
TroubleKind: TypeAlias = Literal[
    "bad_request",
    "no_key",
    "unauthorized",
    "forbidden",
    "unknown_model",
    "overloaded",
    "slow_down",
    "insufficient_quota",
    "status",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A failure in words that fit all APIs.

    Attributes:
        detail: What is wrong with a bad request.
        param: Which part of a bad request.
        status: For `status`.
        retry_after: Seconds to wait, if the provider says so.
    """

    kind: TroubleKind
    model: str = ""
    key: str = ""
    detail: str = ""
    param: str | None = None
    status: int = 500
    retry_after: float | None = None


class BadCall(Exception):
    """A call that is turned away; nothing is charged."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.kind)
        self.trouble = trouble


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked, whichever API it came by."""

    model: str
    instructions: str
    text: str
    form: Form = "text"
    schema: Mapping[str, Any] = field(default_factory=dict)
    max_output: int | None = None
    cache_key: str = ""

    @cached_property
    def prompt(self) -> str:
        """All that the model reads, in order: a schema comes before all else.

        https://platform.openai.com/docs/guides/prompt-caching
        It counts as input: https://ai.google.dev/gemini-api/docs/structured-output
        """
        schema = json.dumps(self.schema, ensure_ascii=False) if self.schema else ""
        return schema + self.said

    @property
    def said(self) -> str:
        """The words of the question alone."""
        return self.instructions + self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens: `cached` and `cache_write` are parts of the input, `thinking` adds."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    thinking: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered: a text and how it ended.

    Attributes:
        number: Of the call, for the answer's id.
        code: Why it failed, for `failed`.
    """

    number: int
    ending: Ending
    text: str
    usage: Usage
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What headers and details may tell of a call.

    Attributes:
        standings: Where the quotas stood when it had been counted.
        took: Seconds from its arrival to its answer.
        free_tier: Quotas are named as those of a free tier.
    """

    number: int
    hints: frozenset[Hint]
    standings: Mapping[Dimension, Standing] = field(default_factory=dict)
    took: float = 0.0
    free_tier: bool = False


class Api(Protocol):
    """How one API reads and writes."""

    def key(self, request: Request) -> str:
        """Return the API key that was sent; empty for none."""
        ...

    def read(self, request: Request, body: Any) -> Question:
        """Return what is asked.

        Raises:
            BadCall: It cannot be read, or asks for what this API does not do.
        """
        ...

    def answered(self, question: Question, answer: Answer, facts: Facts) -> Response:
        """Return an answer with status 200."""
        ...

    def refused(
        self, question: Question, full: Sequence[Standing], facts: Facts
    ) -> Response:
        """Return the refusal for quotas that have no room."""
        ...

    def troubled(self, trouble: Trouble, facts: Facts) -> Response:
        """Return any other failure."""
        ...


def text_at(source: Mapping[str, Any], key: str) -> str:
    """Return a text that may be missing; anything else counts as none."""
    value = source.get(key)
    return value if isinstance(value, str) else ""
