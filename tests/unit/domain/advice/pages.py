"""Pages to judge: storage format in, what the rules look at out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.confluence.reading import read_page
from app.confluence.sections import sections
from app.domain.advice.findings import Finding
from app.domain.advice.views import PageView, view
from app.domain.pages import Label, Page

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def seen(
    body: str,
    *,
    title: str = "Mail server",
    labels: Sequence[str] = (),
    days: int | None = 1_000,
) -> PageView:
    """Return a page that was last edited so many days ago."""
    page = Page(
        id="7",
        title=title,
        status="current",
        space_id="1",
        version=3,
        body=body,
        labels=tuple(Label(id=name, name=name) for name in labels),
        edited_at=None if days is None else NOW - timedelta(days=days),
    )
    return view(
        page,
        read_page(page),
        sections(body),
        read=lambda markup: read_page(replace(page, title="", body=markup)),
        now=NOW,
    )


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """Return signal, section and passage of each finding."""
    return [(one.signal, one.heading, one.passage) for one in findings]


def signals(findings: Iterable[Finding]) -> list[str]:
    """Return the signals alone."""
    return [one.signal for one in findings]


def prose(words: int, word: str = "word") -> str:
    """Return a paragraph of so many words."""
    return f"<p>{' '.join(f'{word}{at}' for at in range(words))}</p>"
