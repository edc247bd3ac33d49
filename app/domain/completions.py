"""What is asked of an AI provider and what it answers, in words that fit them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.pages import PageText


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A label the provider may choose.

    Attributes:
        name: The label in the site's own spelling.
        score: The ranker's calibrated probability that a person would put it here, 0..1.
        evidence: Why it was retrieved, in a few words a person understands.
        parts: What made the score: what each of the ranker's features added to the log
            odds, the weightiest first.
        is_untried: Whether nobody has ever used it and the page does not name it
            plainly: on the ranker's word alone it is suggested, not written.
    """

    name: str
    score: float
    evidence: str = ""
    parts: tuple[tuple[str, float], ...] = field(default=(), repr=False, compare=False)
    is_untried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A page of the same site that people labelled: it shows how labels are used.

    Attributes:
        page_id: Says whose title it is; nobody is told.
    """

    title: str
    labels: tuple[str, ...]
    page_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One page's question: labels from the candidates, and a summary, in one call.

    Attributes:
        candidates: The only labels that may be chosen, likeliest first.
        existing: Labels that stand on the page now.
        examples: The nearest labelled pages of the site, nearest first.
        draft: The page's own best sentences: a start for the summary, and what stands
            where no better ones come.
        sentences: The summary has at most so many.
        label_language: ISO code of the language that new names are asked for in.
    """

    page: PageText
    language: str
    candidates: tuple[Candidate, ...]
    max_labels: int
    summary_language: str
    existing: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    draft: str = ""
    sentences: int = 1
    label_language: str = ""

    def without_text(self) -> Prompt:
        """Return the same question with nothing of the page but its title."""
        return replace(self, page=PageText(title=self.page.title, paragraphs=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChoice:
    """A label that the provider chose, with its confidence (0..1) and evidence."""

    name: str
    confidence: float
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What speaks for a sentence of a summary.

    Attributes:
        quote: The page's words that say most of it; empty where none do.
        section: The heading they stand under; empty above the first.
        support: Which share of the sentence's words they hold, 0..1.
    """

    sentence: str = field(repr=False)
    quote: str = field(repr=False)
    section: str = field(default="", repr=False)
    support: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What calls cost: tokens, and money in millionths of a US dollar.

    Attributes:
        input_tokens: All tokens read, those from the provider's cache included.
        cached_tokens: The part of the input that the provider had cached.
        cache_write_tokens: The part of the input that it wrote to its cache.
        output_tokens: All tokens written, thinking included.
        thinking_tokens: The part of the output that nobody sees.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    micro_usd: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return what both cost together."""
        return Usage(
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in self.__dataclass_fields__
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a provider was asked and what it said, word by word.

    It quotes the page from end to end: it is kept sealed, and never logged.

    Attributes:
        prompt: What was to be asked, without the page's text.
        instructions: As they were sent, and so `message` and `schema`; all empty for a
            provider that is not asked in words.
        page_text: What of the page stands in `message`.
        reply: As it came; empty if none did.
        oddities: What of the reply was mended or dropped, in constant words.
        dropped: Labels of the reply that were no candidates.
    """

    prompt: Prompt = field(repr=False)
    instructions: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    schema: Mapping[str, Any] = field(default_factory=dict, repr=False)
    page_text: str = field(default="", repr=False)
    reply: str = field(default="", repr=False)
    oddities: tuple[str, ...] = ()
    dropped: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A provider's answer to one prompt.

    Attributes:
        language: The language that the summary is in, whatever was asked.
        sources: What speaks for each sentence of the summary.
        oddities: What was mended or could not be had, in constant words.
        exchange: How it came about; whoever asked takes it off and keeps it apart.
    """

    labels: tuple[LabelChoice, ...]
    summary: str
    language: str
    provider: str
    model: str
    usage: Usage = field(default_factory=Usage)
    proposals: tuple[LabelChoice, ...] = ()
    sources: tuple[Passage, ...] = ()
    oddities: tuple[str, ...] = ()
    exchange: Exchange | None = field(default=None, repr=False, compare=False)


async def _nobody_objects() -> None:
    """Let a call go ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """On whose behalf a provider is asked, and how urgently.

    Attributes:
        tenant_id: Waiting calls take turns between tenants.
        priority: Lower is sooner (`app.domain.jobs.Priority`).
        patience: Seconds that a wait for quota may take before it is refused with
            `ProviderBusy`; None waits as long as it takes.
        confirm: Is awaited when a paid call's turn has come, right before it is sent;
            raises if it must not be made any more.
    """

    tenant_id: str
    priority: int = 0
    patience: float | None = None
    confirm: Callable[[], Awaitable[None]] = field(
        default=_nobody_objects, compare=False, repr=False
    )


#: Of a provider that there is no money for.
OVER_BUDGET = "over_budget"
#: Why a call was not even made: its quota or our budget is spent, the provider fails or
#: refuses us.
#: None of these words is the kind of a call's own failure.
HELD = frozenset({"quota_wait", "breaker", "operator_wait", OVER_BUDGET})


#: Failures that are about this very text: asking again would bring the same.
ABOUT_THE_TEXT = frozenset(
    {"refused", "blocked", "truncated", "malformed", "too_long", "bad_request"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One provider that was asked.

    Attributes:
        outcome: `answered`, or the kind of the failure; `HELD` are those of calls that
            were never made.
        seconds: From the question to the end, waiting included.
        usage: What it cost, whatever came of it.
        reason: Of a failure, in words for the operator.
        exchange: What was sent and what came back; None if nothing was sent.
    """

    provider: str
    model: str
    outcome: str
    seconds: float
    usage: Usage = field(default_factory=Usage)
    reason: str = ""
    exchange: Exchange | None = field(default=None, repr=False, compare=False)

    @property
    def was_called(self) -> bool:
        """Whether a call was made, rather than spared."""
        return self.outcome not in HELD

    @property
    def is_final(self) -> bool:
        """Whether the same text would fare the same there again."""
        return self.outcome in ABOUT_THE_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """An answer, and all who were asked for it, in order; the last one answered.

    Attributes:
        hold_id: What is held for it out of budgets, until its cost is written down.
    """

    completion: Completion
    attempts: tuple[Attempt, ...]
    hold_id: int | None = None

    @property
    def is_fallback(self) -> bool:
        """Whether somebody else was to answer."""
        return len(self.attempts) > 1
