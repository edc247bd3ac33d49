"""Pages on which people rely, and on which nobody is named who answers for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from app.domain.advice.findings import Finding
from app.domain.advice.page_kinds import PageKind, kind_of
from app.domain.advice.views import PageView

#: On other pages it does not matter enough to speak of it.
_MATTERS: Final[frozenset[PageKind]] = frozenset({"runbook", "policy", "process"})
_FEWEST_WORDS = 80

#: Any of these anywhere, and somebody is named, or where to ask is said.
_NAMED: Final = re.compile(
    r"\b(?:owner|owned by|maintain(?:er|ed by)|contact|responsib|accountab|in charge|"
    r"reach (?:out|us)|get in touch|e-?mail|ask (?:us|the|in)|call (?:us|the)|slack|"
    r"authors?\b|approve(?:r|d by)|supervisor|report (?:\w+ ){0,6}to the|on-?call|help ?desk|support team|team lead|manager|point of contact|"
    r"verantwort|zuständig|ansprechpartner|kontakt|eigentümer|inhaber|wenden sie sich|"
    r"wende dich|betreu|leitung|leiter|autor|freigegeben|"
    r"відповіда|власни|контакт|зверта|зверн|керівник|куратор|автор|затвер|підтримує)"
    r"|\S@\S|(?<!\w)@\w|(?<!\w)#[a-z][\w-]{2,}",
    re.IGNORECASE,
)
#: A mention of a person, an address, a macro that shows who wrote the page.
_SHOWN: Final = re.compile(
    r"<ri:user\b|mailto:|ac:name=\"(?:contributors|profile|profile-picture)\""
)
#: Rules for people, not for machines: software has policies and processes too.
_FOR_PEOPLE: Final = re.compile(
    r"\b(?:employees?|staff|colleagues?|contractors?|managers?|team members?|everyone|"
    r"mitarbeite\w+|beschäftigte\w*|kolleg\w+|vorgesetzte\w*|"
    r"співробітни\w+|працівни\w+|колег\w*|керівни\w+)\b",
    re.IGNORECASE,
)


def unowned(page: PageView) -> Iterator[Finding]:
    """Say so if nobody is named on a runbook, a policy or a process."""
    kind = kind_of(page.title, [one.name for one in page.page.labels or ()])
    if kind not in _MATTERS or page.words < _FEWEST_WORDS:
        return
    if _NAMED.search(page.text.text) or any(
        _SHOWN.search(p.markup) for p in page.parts
    ):
        return
    if kind != "runbook" and not _FOR_PEOPLE.search(page.text.text):
        return
    yield Finding(
        kind="no_owner", signal="nobody_named", severity=2, passage=page.title
    )
