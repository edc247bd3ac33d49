"""Tests for app.domain.advice.posting."""

from __future__ import annotations

from typing import Any

from app.domain.advice.posting import RECOMMENDATIONS, comment_change
from app.domain.changes import Change, Item, ItemState


def item(
    state: ItemState, text: str | None = "a", *, reason: str = "", **fields: Any
) -> Item:
    after = None if text is None else {"text": text, "id": "5", "version": 1}
    change = Change(
        kind="comment", page_id="7", value=RECOMMENDATIONS, after=after, **fields
    )
    return Item(id=1, plan_id=1, change=change, state=state, reason=reason)


class TestCommentChange:
    """What becomes of our comment; history is newest first."""

    def test_first_words_are_posted(self) -> None:
        """By this agent's guard."""
        change = comment_change("7", "a", [])

        assert change is not None
        assert (change.before, change.after) == (None, {"text": "a"})
        assert (change.by, change.value) == ("recommendation", RECOMMENDATIONS)

    def test_same_words_are_not_said_twice(self) -> None:
        """Nor is nothing."""
        assert comment_change("7", "a", [item("applied")]) is None
        assert comment_change("7", "", []) is None
        assert comment_change("7", "", [item("applied", None), item("applied")]) is None

    def test_other_words_rewrite_it_and_none_delete_it(self) -> None:
        """The very comment that was posted."""
        standing = item("applied")
        rewritten = comment_change("7", "b", [item("skipped", "x"), standing])
        deleted = comment_change("7", "", [standing])

        assert rewritten is not None
        assert deleted is not None
        assert rewritten.before == deleted.before == standing.change.after
        assert (rewritten.after, deleted.after) == ({"text": "b"}, None)

    def test_what_a_person_changed_is_theirs(self) -> None:
        """As long as nothing of ours came after it."""
        for reason in ("changed_since", "not_there"):
            theirs = item("skipped", "b", reason=reason)

            assert comment_change("7", "c", [theirs, item("applied")]) is None
            assert comment_change("7", "", [theirs, item("applied")]) is None
            assert comment_change("7", "c", [item("applied", None), theirs]) is not None

    def test_refused_words_are_not_said_again(self) -> None:
        """Others are."""
        for state in ("rejected", "undone"):
            history = [item(state)]

            assert comment_change("7", "a", history) is None
            assert comment_change("7", "b", history) is not None

    def test_comment_that_was_to_stay_stays(self) -> None:
        """Until something else was said and refused."""
        kept = [item("rejected", None), item("applied")]

        assert comment_change("7", "", kept) is None
        assert comment_change("7", "", [item("rejected", "b"), *kept]) is not None
        assert comment_change("7", "", [item("applied", "b"), *kept]) is None
