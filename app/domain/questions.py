"""The question about one page: what is asked, whoever is asked."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.completions import Prompt
from app.domain.languages import detect
from app.domain.pages import PageText
from app.domain.ranking import Consultation
from app.domain.summaries import summarise

#: Candidates that are offered: measured, 92 of 100 labels of people are among them.
CANDIDATES = 30


def question(
    text: PageText,
    advice: Consultation,
    *,
    max_labels: int,
    existing: Sequence[str] = (),
) -> Prompt:
    """Return what is asked about a page, given what the site's memory says of it.

    The summary is asked for in the page's own language. A long page takes a while.
    """
    language = detect(f"{text.title}\n{text.text}")
    return Prompt(
        page=text,
        language=language,
        candidates=advice.candidates[:CANDIDATES],
        max_labels=max_labels,
        summary_language=language,
        existing=tuple(existing),
        examples=advice.examples,
        draft=summarise(text),
    )
