"""What may happen to the pages of a place: the site's policy, and a space's over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.domain.modes import PolicyMode
from app.domain.pages import PageStatus
from app.domain.plans import APPLY_AT, SUGGEST_AT
from app.domain.vocabulary.terms import Openness

#: Where a summary goes: our content property, which the byline shows; a named excerpt
#: block at the page's top; one footer comment; or nowhere.
SummaryPlace = Literal["property", "excerpt", "comment", "nowhere"]

#: Takes the language of the page.
SAME_AS_PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which pages of a place are looked at at all.

    Where something is included, only that is; what is excluded never is.

    Attributes:
        include_trees: Ids of pages with all that stands below them; so `exclude_trees`.
        include_labels: Labels, in any spelling or synonym; so `exclude_labels`.
        include_titles: RE2 patterns, found anywhere in the title whatever the case; so
            `exclude_titles`. https://github.com/google/re2/wiki/Syntax
        statuses: Of those that Confluence gives a page.
        min_age_days: Younger pages (by creation) are left alone; None: none are.
        max_age_days: Pages not edited for longer are left alone; None: none are.
        templates: Whether pages that are templates (labelled `template`, or titled so)
            are looked at.
    """

    include_trees: tuple[str, ...] = ()
    exclude_trees: tuple[str, ...] = ()
    include_labels: tuple[str, ...] = ()
    exclude_labels: tuple[str, ...] = ()
    include_titles: tuple[str, ...] = ()
    exclude_titles: tuple[str, ...] = ()
    statuses: tuple[PageStatus, ...] = ("current",)
    min_age_days: int | None = None
    max_age_days: int | None = None
    templates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may happen in a place.

    Attributes:
        mode: Leave alone, wait for a person, or write by itself.
        openness: What happens to labels that the vocabulary lacks.
        providers: Who is asked, in order; empty takes the operator's order.
        local_only: No text leaves the machine, on fallback neither.
        never_send: No AI reads the pages, a local one neither.
        never_send_labels: The same for single pages that carry one of these.
        max_labels: Labels that may stand on a page because of us.
        apply_at: Confidence (0..1) from which a label is written without asking.
        suggest_at: Confidence from which it is suggested.
        thresholds: `apply_at` of single labels.
        label_language: ISO code that new names of labels are asked for in, or
            `SAME_AS_PAGE`.
        summary_language: ISO code, or `SAME_AS_PAGE`.
        summary_place: Where the summary goes.
        summary_sentences: At most so many (1 to 3); short pages have fewer.
        learn_from_reviews: Whether rejections raise a label's threshold here.
        unlock_auto: Whether labels that reviewers keep accepting are written without
            asking where the mode is `suggest`.
        unlock_after: Reviews of a label before that.
        keep_receipts_days: How long prompts and answers are kept, sealed; 0: never.
        post_recommendations: Whether recommendations are posted as one comment.
    """

    mode: PolicyMode = "auto"
    openness: Openness = "propose"
    providers: tuple[str, ...] = ()
    local_only: bool = False
    never_send: bool = False
    never_send_labels: tuple[str, ...] = ()
    max_labels: int = 5
    apply_at: float = APPLY_AT
    suggest_at: float = SUGGEST_AT
    thresholds: Mapping[str, float] = field(default_factory=dict)
    label_language: str = SAME_AS_PAGE
    summary_language: str = SAME_AS_PAGE
    summary_place: SummaryPlace = "property"
    summary_sentences: int = 3
    learn_from_reviews: bool = True
    unlock_auto: bool = False
    unlock_after: int = 20
    keep_receipts_days: int = 90
    post_recommendations: bool = False
    scope: Scope = field(default_factory=Scope)

    @property
    def order(self) -> tuple[str, ...]:
        """Who is asked, in order; local only means nobody else, whatever is named."""
        return ("local",) if self.local_only else self.providers


#: What holds where nobody has said anything.
DEFAULT = Policy()
