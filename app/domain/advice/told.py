"""What readers of a page are told: one comment, the same words for the same findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from app.domain.advice.findings import HANDFUL, Finding
from app.domain.advice.wording import introduction, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """A finding with the words that it was put in.

    Attributes:
        advice: What is wrong and what to do, in the page's language.
    """

    finding: Finding
    advice: str = field(repr=False)


def comment_text(advised: Iterable[Advised], *, title: str, language: str) -> str:
    """Return the comment as plain text; empty if there is nothing to tell.

    The severest few are told. What not every reader may see is left out. Words of the
    page stand behind ours on one line, so that none of them begins a heading or a list.
    """
    lines = list(islice(_lines(advised, title, language), HANDFUL))
    if not lines:
        return ""
    return "\n".join([introduction(language), "", *lines])


def _lines(advised: Iterable[Advised], title: str, language: str) -> Iterator[str]:
    for one in advised:
        finding = one.finding
        if finding.is_private:
            continue
        line = one.advice
        if finding.passage and finding.passage != title:
            line += f" {shown(finding.heading, finding.passage, language)}"
        yield f"- {' '.join(line.split())}"
