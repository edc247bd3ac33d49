"""What an outline proposes, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

#: Hang a page elsewhere; make one page of several; make several of one; write a page
#: that is wanted; give a page a title that tells it from another.
ProposalKind = Literal["move", "merge", "split", "missing", "retitle"]

#: A digit or two of confidence are all that there is to it.
_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One thing that would make a space better.

    Attributes:
        page_id: The page it is about: which moves, survives, is split, gets a title;
            None for a page that is missing.
        title: That page's title; of a missing page the one it should have.
        reason: Why, in a sentence.
        evidence: Titles and passages that speak for it.
        parent_id: Where a page should hang that moves or is missing.
        other_ids: Pages that a merge is about besides the surviving one.
        related: Titles of pages that a missing page should link to.
        sections: Headings: of the sections that should be pages, of what a missing page
            should have, of what the surviving page of a merge lacks.
        new_title: The title that a page should get.
        by_hand: Why a person has to do it; empty where a plan can.
        item_ids: The items of the plan that would carry it out.
    """

    kind: ProposalKind
    page_id: str | None
    title: str
    reason: str = field(repr=False)
    confidence: float
    evidence: tuple[str, ...] = field(default=(), repr=False)
    parent_id: str | None = None
    parent_title: str = ""
    other_ids: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    new_title: str = ""
    by_hand: str = ""
    item_ids: tuple[int, ...] = ()

    def with_items(self, *item_ids: int) -> Proposal:
        """Return it with the items that would carry it out."""
        return replace(self, item_ids=item_ids)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Proposal:
        """Return a stored one."""
        fields: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one
            for name, one in value.items()
        }
        return cls(**fields)


def confident(value: float) -> float:
    """Return a confidence, kept between a guess and near certainty."""
    return round(min(max(value, 0.3), 0.95), _DIGITS)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
