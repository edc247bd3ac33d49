"""What kind of page this is, where its title or a label says so."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Literal

from app.domain.advice.moments import moments

PageKind = Literal[
    "runbook", "policy", "process", "how_to", "meeting", "decision", "incident"
]

#: In this order: a post-mortem of a process is a post-mortem.
_PATTERNS: Final[tuple[tuple[PageKind, str], ...]] = (
    (
        "incident",
        (
            r"\bpost-?\s?mortem|\bincident (?:report|review)\b|\broot cause analysis\b"
            r"|\bRCA\b|постмортем|(?:розбір|звіт про) інцидент|(?:vorfall|störung)sbericht"
        ),
    ),
    (
        "meeting",
        (
            r"\b(?:meeting|sync|stand-?up|retro(?:spective)?|planning) (?:notes|minutes)\b"
            r"|\bminutes of\b|(?:протокол|нотатки) (?:з )?(?:зустріч|нарад|засідан)"
            r"|(?:besprechungs|sitzungs|meeting-?)protokoll|besprechungsnotiz"
        ),
    ),
    (
        "decision",
        (
            r"\bADR\b|\bdecision record\b|^decision\s*[:–-]|^рішення\s*[:–-]"
            r"|^entscheidung\s*[:–-]|entscheidungsprotokoll"
        ),
    ),
    (
        "runbook",
        (
            r"\brun-?\s?book\b|\bplaybook\b|\bdisaster recovery\b|ранбук|плейбук"
            r"|betriebshandbuch|notfall(?:plan|handbuch)"
        ),
    ),
    ("how_to", r"^how(?:[ -]?to)\b|^як\s|^anleitung\b|^so\s+\w+\s+(?:sie|du)\b"),
    (
        "policy",
        (
            r"\bpolicy$|^[\w&-]+ policy\b(?= [–—(-])|\bpolicy (?:on|for|of)\b"
            r"|richtlinien?$|^richtlinien? (?:für|zu[rm]?)\b|^регламент\b|^політика\b|^положення про\b"
        ),
    ),
    (
        "process",
        (
            r"\b(?:process|procedure|SOP)$|^(?:process|procedure|SOP)\b"
            r"|^(?:процес|процедура|порядок)\s|prozess$|^(?:prozess|verfahren)\b"
            r"|arbeitsanweisung"
        ),
    ),
)
_TITLES: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS
)
_LABELS: Final[dict[str, PageKind]] = {
    "runbook": "runbook",
    "runbooks": "runbook",
    "playbook": "runbook",
    "policy": "policy",
    "process": "process",
    "sop": "process",
    "how-to": "how_to",
    "kb-how-to-article": "how_to",
    "meeting-notes": "meeting",
    "decision": "decision",
    "adr": "decision",
    "postmortem": "incident",
    "post-mortem": "incident",
}

#: Such pages speak of pages of a kind, and are none.
_ABOUT: Final = re.compile(
    r"\b(?:template|example|guide(?:lines?)?|overview|index|list|archive|calendar|"
    r"how to (?:write|run|hold)|шаблон|приклад|перелік|список|огляд|як (?:писати|вести)|"
    r"vorlage|beispiel|übersicht|liste|leitfaden)\b",
    re.IGNORECASE,
)

#: These tell of a moment, not of how things are: they do not grow old.
RECORDS: Final[frozenset[PageKind]] = frozenset({"meeting", "decision", "incident"})


def kind_of(title: str, labels: Collection[str] = ()) -> PageKind | None:
    """Return what kind of page has such a title or label; None for most."""
    if _ABOUT.search(title):
        return None
    for kind, pattern in _TITLES:
        if pattern.search(title):
            return kind
    return next((_LABELS[one] for one in sorted(labels) if one in _LABELS), None)


def is_record(title: str, labels: Collection[str] = ()) -> bool:
    """Whether a page tells of a moment: it says so, or has a date in its title."""
    return kind_of(title, labels) in RECORDS or any(moments(title))
