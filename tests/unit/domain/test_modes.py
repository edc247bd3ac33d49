"""Tests for app.domain.modes."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from app.domain.modes import (
    AgentMode,
    Place,
    PolicyMode,
    WhitelistEntry,
    is_whitelisted,
    needs_ancestors,
    refusal,
)

PAGE = Place(
    page_id="7", space_id="100", space_key="DOCS", ancestor_ids=("1", "2", "3")
)
HERE = (WhitelistEntry(kind="page", value="7"),)
ELSEWHERE = (WhitelistEntry(kind="page", value="8"),)

#: (guard, policy, whitelisted) -> why not, or None.
TABLE: dict[tuple[AgentMode, PolicyMode, bool], str | None] = {
    ("TEST", "off", False): "policy_off",
    ("TEST", "off", True): "policy_off",
    ("TEST", "suggest", False): "policy_suggest",
    ("TEST", "suggest", True): "policy_suggest",
    ("TEST", "auto", False): "mode_test",
    ("TEST", "auto", True): "mode_test",
    ("SAFE_TEST", "off", False): "policy_off",
    ("SAFE_TEST", "off", True): "policy_off",
    ("SAFE_TEST", "suggest", False): "policy_suggest",
    ("SAFE_TEST", "suggest", True): "policy_suggest",
    ("SAFE_TEST", "auto", False): "not_whitelisted",
    ("SAFE_TEST", "auto", True): None,
    ("PROD", "off", False): "policy_off",
    ("PROD", "off", True): "policy_off",
    ("PROD", "suggest", False): "policy_suggest",
    ("PROD", "suggest", True): "policy_suggest",
    ("PROD", "auto", False): None,
    ("PROD", "auto", True): None,
}


class TestRefusal:
    """Tests for app.domain.modes.refusal()."""

    @pytest.mark.parametrize(("case", "expected"), TABLE.items())
    def test_writes_only_where_guard_and_policy_both_allow(
        self, case: tuple[AgentMode, PolicyMode, bool], expected: str | None
    ) -> None:
        """Every combination has one answer, a constant word or none."""
        mode, policy, listed = case

        assert refusal(mode, policy, PAGE, HERE if listed else ELSEWHERE) == expected

    def test_table_is_complete(self) -> None:
        """A new mode without a decision fails here."""
        every = set(product(get_args(AgentMode), get_args(PolicyMode), [False, True]))

        assert set(TABLE) == every

    @pytest.mark.parametrize(("case", "expected"), TABLE.items())
    def test_a_person_stands_in_for_a_policy_that_asks_for_one(
        self, case: tuple[AgentMode, PolicyMode, bool], expected: str | None
    ) -> None:
        """Nothing else opens: neither a place that is off nor the operator's guard."""
        mode, policy, listed = case
        if policy == "suggest":
            expected = TABLE[mode, "auto", listed]
        whitelist = HERE if listed else ELSEWHERE

        assert refusal(mode, policy, PAGE, whitelist, authority="person") == expected

    def test_fresh_install_writes_nothing(self) -> None:
        """The default guard with an empty whitelist refuses."""
        assert refusal("SAFE_TEST", "auto", PAGE, ()) == "not_whitelisted"


class TestIsWhitelisted:
    """Tests for app.domain.modes.is_whitelisted()."""

    @pytest.mark.parametrize(
        ("entry", "listed"),
        [
            (WhitelistEntry(kind="space", value="DOCS"), True),
            (WhitelistEntry(kind="space", value="docs"), True),
            (WhitelistEntry(kind="space", value="DOC"), False),
            (WhitelistEntry(kind="space", value="100"), False),
            (WhitelistEntry(kind="space", value=""), False),
            (WhitelistEntry(kind="page", value="7"), True),
            (WhitelistEntry(kind="page", value="3"), False),
            (WhitelistEntry(kind="page", value="07"), False),
            (WhitelistEntry(kind="tree", value="7"), True),
            (WhitelistEntry(kind="tree", value="1"), True),
            (WhitelistEntry(kind="tree", value="3"), True),
            (WhitelistEntry(kind="tree", value="4"), False),
            (WhitelistEntry(kind="tree", value="DOCS"), False),
            (WhitelistEntry(kind="page", value="DOCS"), False),
        ],
        ids=lambda value: (
            f"{value.kind}={value.value}" if isinstance(value, WhitelistEntry) else None
        ),
    )
    def test_entry_names_the_space_the_page_or_a_tree_above_it(
        self, *, entry: WhitelistEntry, listed: bool
    ) -> None:
        """Each kind is compared with its own kind of name alone."""
        assert is_whitelisted(PAGE, [entry]) is listed

    def test_unknown_space_key_matches_no_space(self) -> None:
        """A page whose space was never seen is in no listed space."""
        lost = Place(page_id="7", space_id="100", space_key=None)

        assert not is_whitelisted(lost, [WhitelistEntry(kind="space", value="DOCS")])

    def test_unicode_space_key_is_compared_without_case(self) -> None:
        """A personal space key folds like any other."""
        place = Place(page_id="7", space_id="1", space_key="~ОЛЕНА")

        assert is_whitelisted(place, [WhitelistEntry(kind="space", value="~олена")])

    def test_one_of_many_entries_is_enough(self) -> None:
        """Entries add up."""
        entries = [WhitelistEntry(kind="page", value=str(n)) for n in range(100, 200)]

        assert not is_whitelisted(PAGE, entries)
        assert is_whitelisted(PAGE, [*entries, *HERE])


class TestNeedsAncestors:
    """Tests for app.domain.modes.needs_ancestors()."""

    @pytest.mark.parametrize(
        ("mode", "kind", "needed"),
        [
            ("SAFE_TEST", "tree", True),
            ("SAFE_TEST", "page", False),
            ("SAFE_TEST", "space", False),
            ("PROD", "tree", False),
            ("TEST", "tree", False),
        ],
    )
    def test_ancestors_are_asked_for_only_where_they_decide(
        self, *, mode: AgentMode, kind: str, needed: bool
    ) -> None:
        """A tree in the whitelist costs a request; nothing else does."""
        entry = WhitelistEntry(kind=kind, value="1")  # type: ignore[arg-type]

        assert needs_ancestors(mode, [entry]) is needed
