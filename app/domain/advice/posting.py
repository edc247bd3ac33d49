"""What becomes of our comment on a page: posted once, kept up to date, taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.domain.changes import Change, Item

#: What the comment is for, among our comments.
RECOMMENDATIONS: Final = "recommendations"

#: A person changed our comment, or deleted it: it is theirs from then on.
_THEIRS: Final = frozenset({"changed_since", "not_there"})


def comment_change(page_id: str, text: str, history: Sequence[Item]) -> Change | None:
    """Return what brings our comment in line with what is open; None if it is.

    Nothing is said again that a person refused or took back, and nothing at all on a
    page where a person has changed or deleted what we said.

    Args:
        page_id: The page.
        text: What would be said now; empty if there is nothing to say.
        history: What became of our comments on the page, newest first.
    """
    latest = next((one for one in history if _is_telling(one)), None)
    if latest is not None and latest.state == "skipped":
        return None
    ours = None if latest is None else latest.change.after
    if text == _words(ours) or _is_refused(text, history):
        return None
    return Change(
        kind="comment",
        page_id=page_id,
        value=RECOMMENDATIONS,
        before=ours,
        after={"text": text} if text else None,
    )


def _is_telling(one: Item) -> bool:
    """Whether an item tells what stands on the page, or that it is not ours any more."""
    return one.state == "applied" or (one.state == "skipped" and one.reason in _THEIRS)


def _is_refused(text: str, history: Sequence[Item]) -> bool:
    refused = [one for one in history if one.state in ("rejected", "undone")]
    if not text:
        # That it should stay was said of what stood there then.
        refused = refused[:1]
    return any(_words(one.change.after) == text for one in refused)


def _words(after: Any) -> str:
    return str(after["text"]) if isinstance(after, Mapping) else ""
