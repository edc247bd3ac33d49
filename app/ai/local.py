"""The provider without a key, a network or a model file.

Labels come from the ranker that learned the site's own pages (they arrive as the
prompt's candidates); the summary is made of the page's own best sentences. It cannot
translate, and says so where another language was asked for.
"""

from __future__ import annotations

import asyncio

import structlog
from typing_extensions import override

from app.ai.summary_answers import NOT_TRANSLATED
from app.domain.choosing import decide
from app.domain.completions import (
    Completion,
    Exchange,
    LabelChoice,
    Prompt,
    Turn,
    Usage,
)
from app.domain.drafts import drafted
from app.domain.keyphrases import keyphrases
from app.domain.languages import UNDETERMINED, detect
from app.domain.pages import PageText
from app.domain.plain_words import one_line
from app.usecases.ai_ports import Provider

log = structlog.get_logger("ai_calls")

#: A summary has no more characters than its sentences may have.
_MOST = 2_000
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
        sources = drafted(prompt.page, prompt.sentences)
        summary = one_line(" ".join(one.sentence for one in sources), _MOST)
        language = _language(summary, prompt.language)
        oddities: tuple[str, ...] = ()
        if _is_foreign(prompt.summary_language, language):
            oddities = (NOT_TRANSLATED,)
            log.info(
                "answer_mended",
                provider=self.name,
                model=self.model,
                oddities=list(oddities),
                dropped=0,
            )
        # Phrases of the page are no names in another language.
        silent = prompt.candidates or _is_foreign(prompt.label_language, language)
        return Completion(
            labels=decide(prompt.candidates, prompt.max_labels),
            summary=summary,
            language=language,
            provider=self.name,
            model=self.model,
            proposals=() if silent else _proposals(prompt.page),
            sources=sources,
            oddities=oddities,
            exchange=Exchange(prompt=prompt.without_text(), oddities=oddities),
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


def _language(summary: str, known: str) -> str:
    """Return the language the summary is in, whatever was asked."""
    found = detect(summary)
    return known or UNDETERMINED if found == UNDETERMINED else found


def _is_foreign(asked: str, language: str) -> bool:
    """Whether another language was asked for than the page is known to be in."""
    return bool(asked) and len({asked, language, UNDETERMINED}) == 3  # noqa: PLR2004
