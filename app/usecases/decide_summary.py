"""Where a page's summary goes, and what of ours goes from where it stood before.

Nothing is said twice, and nothing that people wrote is written over: a block or comment
of ours that somebody changed or took off is theirs from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.byline import (
    BYLINE_PROPERTY_KEY,
    byline_value,
    is_in_persons_words,
    summarised_as,
)
from app.domain.changes import Change, ChangeKind, Item
from app.domain.pages import OWN_EXCERPT, Page
from app.domain.plans import Plan
from app.domain.policy import SummaryPlace
from app.domain.support import told
from app.errors import MarkupAmbiguous
from app.usecases.complete_page import Answer
from app.usecases.ports import PageMarkup

#: What our summary comment is for, among our comments.
SUMMARY_COMMENT = "summary"
#: Why a comment of ours was left alone: people changed it, or took it off.
_THEIRS = frozenset({"changed_since", "not_there"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySight:
    """What is known of a page when its summary is placed.

    Attributes:
        answer: None for a page without text: it has nothing to say.
        history: What became of our summaries there, newest first.
    """

    page: Page
    place: SummaryPlace
    answer: Answer | None
    plan: Plan
    history: Sequence[Item]

    @property
    def text(self) -> str:
        """The summary; empty without one."""
        return self.answer.completion.summary if self.answer else ""

    @property
    def evidence(self) -> str:
        """The passages that speak for it, in the page's own words."""
        return told(self.answer.completion.sources) if self.answer else ""

    def items(self, kind: ChangeKind, value: str = "") -> Iterator[Item]:
        """Walk what was planned at one place, newest first."""
        for one in self.history:
            if one.change.kind == kind and one.change.value == value:
                yield one


def summary_changes(
    markup: PageMarkup, sight: SummarySight, *, waiting: int
) -> Sequence[Change]:
    """Return what makes the summary stand where the policy wants it, and only there.

    What people said no to, or took back, is not said again.

    Args:
        markup: Reads the page's body.
        sight: What is known of the page.
        waiting: Suggestions that wait on the page; the byline tells.
    """
    if sight.place == "excerpt" and not _has_room(markup, sight.page):
        return ()
    wanted = _wanted(markup, sight, waiting=waiting)
    found = [*([] if wanted is None else [wanted]), *_taken_back(markup, sight)]
    return [one for one in found if not _is_refused(one, sight.history)]


def _wanted(markup: PageMarkup, sight: SummarySight, *, waiting: int) -> Change | None:
    """Return what the summary's place would say anew; None if it says so already."""
    if sight.place == "property":
        return _property(sight, waiting=waiting)
    if sight.place == "excerpt" and sight.text:
        return _excerpt(markup, sight)
    if sight.place == "comment" and sight.text:
        return _comment(sight)
    return None


def _property(sight: SummarySight, *, waiting: int) -> Change | None:
    page, plan, answer = sight.page, sight.plan, sight.answer
    after = byline_value(
        summary=sight.text,
        labels={*plan.labels("add"), *plan.labels("keep")},
        waiting=waiting,
        page_version=page.version,
        model=answer.completion.model if answer else "",
        fallback=bool(answer and answer.is_fallback),
    )
    before = _byline(page)
    if _was_reworded(before, page):
        after = summarised_as(after, before["summary"])
    if before == after or (before is None and not after["summary"]):
        return None
    return Change(
        kind="summary",
        page_id=page.id,
        before=before,
        after=after,
        evidence=sight.evidence,
    )


def _was_reworded(value: Any, page: Page) -> bool:
    """Whether a person wrote the summary of just this version: then it stays."""
    return (
        isinstance(value, dict)
        and is_in_persons_words(value)
        and value.get("page_version") == page.version
    )


def _excerpt(markup: PageMarkup, sight: SummarySight) -> Change | None:
    found = markup.excerpt(sight.page.body or "", OWN_EXCERPT)
    if found == sight.text or _is_theirs(found, sight):
        return None
    return Change(
        kind="excerpt",
        page_id=sight.page.id,
        value=OWN_EXCERPT,
        before=None if found is None else {"text": found},
        after={"text": sight.text},
        evidence=sight.evidence,
    )


def _is_theirs(found: str | None, sight: SummarySight) -> bool:
    """Whether people took just these words off, or wrote others into our block."""
    items = list(sight.items("excerpt", OWN_EXCERPT))
    if found is None:
        newest = next((one for one in items if one.state == "applied"), None)
        return newest is not None and newest.change.after == {"text": sight.text}
    return bool(items) and found not in _texts(items)


def _comment(sight: SummarySight) -> Change | None:
    ours, theirs = _our_comment(sight)
    if theirs or (ours is not None and ours["text"] == sight.text):
        return None
    return Change(
        kind="comment",
        page_id=sight.page.id,
        value=SUMMARY_COMMENT,
        before=ours,
        after={"text": sight.text},
        evidence=sight.evidence,
        agent="summary",
    )


def _our_comment(sight: SummarySight) -> tuple[Any, bool]:
    """Return our comment as we left it, and whether it became people's since."""
    for one in sight.items("comment", SUMMARY_COMMENT):
        if one.state == "skipped" and one.reason in _THEIRS:
            return None, True
        if one.state == "applied":
            return one.change.after, False
    return None, False


# ------------------------------------------------------------------- the other places


def _taken_back(markup: PageMarkup, sight: SummarySight) -> Iterator[Change]:
    """Walk what takes our summary from places where it does not belong any more."""
    page = sight.page
    if sight.place != "property":
        value = _byline(page)
        written = [
            one.change.after for one in sight.items("summary") if one.change.after
        ]
        if value in written and not is_in_persons_words(value):
            yield Change(kind="summary", page_id=page.id, before=value)
    if (sight.place != "excerpt" or not sight.text) and _has_room(markup, page):
        found = markup.excerpt(page.body or "", OWN_EXCERPT)
        if found in _texts(sight.items("excerpt", OWN_EXCERPT)):
            yield Change(
                kind="excerpt",
                page_id=page.id,
                value=OWN_EXCERPT,
                before={"text": found},
            )
    if sight.place != "comment" or not sight.text:
        ours, _ = _our_comment(sight)
        if ours is not None:
            yield Change(
                kind="comment",
                page_id=page.id,
                value=SUMMARY_COMMENT,
                before=ours,
                agent="summary",
            )


def _byline(page: Page) -> Any:
    current = page.property(BYLINE_PROPERTY_KEY)
    return current.value if current else None


def _has_room(markup: PageMarkup, page: Page) -> bool:
    """Whether the page's body is one that a block can be read from and written to."""
    if page.body is None or page.body_format != "storage":
        return False
    try:
        markup.excerpt(page.body, OWN_EXCERPT)
    except MarkupAmbiguous:
        return False
    return True


def _texts(items: Iterator[Item] | Sequence[Item]) -> set[str]:
    """Return all that we ever meant to write there, whether or not it was told."""
    return {one.change.after["text"] for one in items if one.change.after is not None}


def _is_refused(change: Change, history: Sequence[Item]) -> bool:
    """Whether people said no to just these words, or took them back."""
    said = _words(change.after)
    return any(
        one.state in ("undone", "rejected")
        and one.change.kind == change.kind
        and one.change.value == change.value
        and _words(one.change.after) == said
        for one in history
    )


def _words(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    return str(value.get("summary") or value.get("text") or "")
