"""The question about one page: what is asked, whoever is asked."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.completions import Prompt
from app.domain.drafts import draft, length_for
from app.domain.languages import language_of
from app.domain.pages import PageText
from app.domain.policy import SAME_AS_PAGE
from app.domain.ranking import Consultation

#: Candidates that are offered: measured, 92 of 100 labels of people are among them.
CANDIDATES = 30


def question(
    text: PageText,
    advice: Consultation,
    *,
    max_labels: int,
    existing: Sequence[str] = (),
    sentences: int = 1,
    summary_language: str = SAME_AS_PAGE,
    label_language: str = SAME_AS_PAGE,
) -> Prompt:
    """Return what is asked about a page, given what the site's memory says of it.

    The summary has at most `sentences` sentences; a short page has fewer. Languages are
    ISO codes, or the page's own. A long page takes a while.
    """
    language = language_of(text)
    count = length_for(text, sentences)
    return Prompt(
        page=text,
        language=language,
        candidates=advice.candidates[:CANDIDATES],
        max_labels=max_labels,
        summary_language=_or(summary_language, language),
        existing=tuple(existing),
        examples=advice.examples,
        draft=draft(text, count),
        sentences=count,
        label_language=_or(label_language, language),
    )


def _or(wanted: str, own: str) -> str:
    return own if wanted == SAME_AS_PAGE else wanted
