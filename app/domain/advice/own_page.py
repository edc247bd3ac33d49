"""All that can be said of a page without looking at any other."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.advice.findings import Finding
from app.domain.advice.gaps import gaps
from app.domain.advice.outdated import outdated
from app.domain.advice.owners import unowned
from app.domain.advice.structure import broken_structure
from app.domain.advice.titles import unclear_title
from app.domain.advice.views import PageView

#: Signals that need other pages: a look at the page alone leaves them as they were.
OF_OTHER_PAGES = frozenset({"missing", "same_text", "part_of"})


def own_findings(page: PageView) -> Iterator[Finding]:
    """Walk what the page itself shows."""
    for rule in (outdated, unowned, gaps, unclear_title, broken_structure):
        yield from rule(page)
