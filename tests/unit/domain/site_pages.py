"""Pages and sites for the tests of the ranker and the summariser."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.domain.memory import PageMemory, SiteMemory
from app.domain.pages import PageText
from app.domain.stems import weigh

SAMPLES = Path(__file__).parents[2] / "samples" / "local_ai" / "pages.jsonl"


def make_text(
    title: str = "", *paragraphs: str, headings: Iterable[str] = ()
) -> PageText:
    """Return a page's text whose prose is `paragraphs`."""
    return PageText(
        title=title,
        paragraphs=paragraphs,
        headings=tuple(headings),
        text="\n\n".join(paragraphs),
    )


def remember(
    page_id: str,
    text: PageText,
    *labels: str,
    parent_id: str | None = None,
    title: str | None = None,
) -> PageMemory:
    """Return `text` as a site memory takes it in."""
    return PageMemory(
        page_id=page_id,
        parent_id=parent_id,
        space_id="1",
        language="und",
        weights=weigh(text),
        labels=frozenset(labels),
        title=text.title if title is None else title,
    )


def sample_lines() -> list[dict[str, Any]]:
    """Return the sample pages as they are written down."""
    lines = SAMPLES.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def sample_text(line: dict[str, Any]) -> PageText:
    """Return a sample page's text."""
    return make_text(line["title"], *line["paragraphs"], headings=line["headings"])


def sample_site(source: str) -> SiteMemory:
    """Return a site that remembers all sample pages of a source."""
    return SiteMemory.build(
        remember(line["id"], sample_text(line), *line["labels"])
        for line in sample_lines()
        if line["source"] == source
    )
