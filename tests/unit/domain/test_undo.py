"""Tests for app.domain.undo: what takes a change back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.changes import (
    AGENTS,
    OURS,
    THEIRS,
    Change,
    ChangeKind,
    Item,
    ItemState,
)
from app.domain.undo import can_be_undone, inverse

MADE = {
    "space_id": "1",
    "parent_id": "2",
    "title": "План",
    "status": "draft",
    "body": "<p>x</p>",
}


def item(kind: ChangeKind, **fields: Any) -> Item:
    change = Change(kind=kind, **{"page_id": "7", **fields})
    return Item(id=1, plan_id=1, change=change, state="applied")


class TestInverse:
    """Tests for inverse()."""

    def test_label_that_was_put_goes_only_if_it_is_ours(self) -> None:
        """A person may have put it back meanwhile."""
        back = inverse(item("label_add", value="api", confidence=0.9, evidence="x"))

        assert back == Change(
            kind="label_remove",
            page_id="7",
            value="api",
            before=OURS,
            agent="tagging",
        )

    def test_label_that_was_put_in_a_person_s_name_goes_whoever_s_it_is(self) -> None:
        """It stands there as theirs, so nobody could tell that we put it."""
        back = inverse(item("label_add", value="api", before=THEIRS))

        assert (back.kind, back.value) == ("label_remove", "api")
        assert (back.before, back.after) == (None, None)

    @pytest.mark.parametrize("whose", [OURS, THEIRS])
    def test_label_that_was_taken_off_returns_to_whose_it_was(self, whose: str) -> None:
        """What people had put there does not come back as ours."""
        back = inverse(item("label_remove", value="old", before=OURS, after=whose))

        assert back == Change(
            kind="label_add", page_id="7", value="old", before=whose, agent="tagging"
        )

    @pytest.mark.parametrize(
        "kind",
        ["summary", "excerpt", "comment", "page_text", "page_title", "page_move"],
    )
    def test_words_go_back_to_what_they_were(self, kind: ChangeKind) -> None:
        """The same place, before and after exchanged."""
        back = inverse(item(kind, value="v", before={"text": "a"}, after={"text": "b"}))

        assert back == Change(
            kind=kind,
            page_id="7",
            value="v",
            before={"text": "b"},
            after={"text": "a"},
            agent=AGENTS[kind],
        )

    def test_what_was_not_there_before_is_not_there_after(self) -> None:
        """A first summary goes, rather than being emptied."""
        back = inverse(item("excerpt", value="v", after={"text": "b"}))

        assert (back.before, back.after) == ({"text": "b"}, None)

    def test_page_that_was_made_goes_to_the_bin_under_its_own_id(self) -> None:
        """With what tells whether somebody has edited it since."""
        after = {**MADE, "id": "99", "version": 1}

        back = inverse(item("page_create", page_id=None, after=after))

        assert (back.kind, back.page_id) == ("page_trash", "99")
        assert (back.before, back.after) == (after, None)

    def test_page_in_the_bin_is_made_anew(self) -> None:
        """Its id is spent; its words are not."""
        before = {**MADE, "id": "99", "version": 1}

        back = inverse(item("page_trash", page_id="99", before=before))

        assert (back.kind, back.page_id, back.after) == ("page_create", None, before)

    def test_agent_stays_the_same(self) -> None:
        """A summary's comment is taken back where summaries may be written."""
        one = item("comment", value="summary", after={"text": "b"}, agent="summary")

        assert inverse(one).by == "summary"

    def test_undo_of_an_undo_is_the_change_itself(self) -> None:
        """But for how sure one was of it."""
        first = item("label_add", value="api")
        second = replace(first, change=replace(inverse(first), after=OURS))

        assert inverse(second) == Change(
            kind="label_add", page_id="7", value="api", before=OURS, agent="tagging"
        )


class TestCanBeUndone:
    """Tests for can_be_undone()."""

    def test_only_what_was_carried_out(self) -> None:
        """And not taken back since."""
        states: tuple[ItemState, ...] = (
            "planned",
            "waiting",
            "approved",
            "rejected",
            "applied",
            "skipped",
            "superseded",
            "undone",
        )
        one = item("label_add", value="api")

        possible = [
            state for state in states if can_be_undone(replace(one, state=state))
        ]

        assert possible == ["applied"]
