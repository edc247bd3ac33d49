"""What is asked of an AI provider and what it answers, in words that fit them all."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.pages import PageText


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A label the provider may choose.

    Attributes:
        name: The label in the site's own spelling.
        score: The ranker's calibrated probability that a person would put it here, 0..1.
        evidence: Why it was retrieved, in a few words a person understands.
    """

    name: str
    score: float
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One page's question: labels from the candidates, and a summary, in one call."""

    page: PageText
    language: str
    candidates: tuple[Candidate, ...]
    max_labels: int
    summary_language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChoice:
    """A label that the provider chose, with its confidence (0..1) and evidence."""

    name: str
    confidence: float
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call cost: tokens, and money in millionths of a US dollar."""

    input_tokens: int = 0
    output_tokens: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A provider's answer to one prompt."""

    labels: tuple[LabelChoice, ...]
    summary: str
    language: str
    provider: str
    model: str
    usage: Usage = field(default_factory=Usage)
    proposals: tuple[LabelChoice, ...] = ()
