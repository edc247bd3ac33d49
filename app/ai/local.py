"""The provider without a key, a network or a model file.

Labels come from the ranker that learned the site's own pages (they arrive as the
prompt's candidates); the summary is the page's own best sentence.
"""

from __future__ import annotations

import asyncio

from typing_extensions import override

from app.domain.choosing import decide
from app.domain.completions import (
    Completion,
    Exchange,
    LabelChoice,
    Prompt,
    Turn,
    Usage,
)
from app.domain.keyphrases import keyphrases
from app.domain.languages import UNDETERMINED, detect
from app.domain.pages import PageText
from app.domain.summaries import summarise
from app.usecases.ports import Provider

#: Phrases proposed where a site has no labels at all.
PROPOSALS = 3
#: How sure a proposed phrase may be: measured, one in twenty is what people write.
PROPOSAL_CONFIDENCE = 0.05


class LocalProvider(Provider):
    """Chooses from the candidates by their scores alone; costs nothing."""

    @property
    @override
    def name(self) -> str:
        return "local"

    @property
    @override
    def model(self) -> str:
        return "site-memory-2"

    @override
    def held_for(self) -> float:
        return 0.0

    @override
    def estimate(self, prompt: Prompt) -> Usage:
        return Usage()

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        """Answer `prompt` in milliseconds, in a thread: never fails, never waits."""
        return await asyncio.to_thread(self._answer, prompt)

    def _answer(self, prompt: Prompt) -> Completion:
        summary = summarise(prompt.page)
        return Completion(
            labels=decide(prompt.candidates, prompt.max_labels),
            summary=summary,
            language=_language(prompt.page, prompt.language),
            provider=self.name,
            model=self.model,
            proposals=() if prompt.candidates else _proposals(prompt.page),
            exchange=Exchange(prompt=prompt.without_text()),
        )


def _proposals(page: PageText) -> tuple[LabelChoice, ...]:
    return tuple(
        LabelChoice(
            name=phrase,
            confidence=PROPOSAL_CONFIDENCE,
            evidence="often said on this page",
        )
        for phrase in keyphrases(page, limit=PROPOSALS)
    )


def _language(page: PageText, known: str) -> str:
    """Return the language the summary is in: the page's own, whatever was asked."""
    found = detect("\n".join((page.title, *page.paragraphs)))
    return known or UNDETERMINED if found == UNDETERMINED else found
