"""Tests for app.domain.scope: which pages are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.policy import Policy, Scope
from app.domain.scope import (
    LONGEST_PATTERN,
    PageFacts,
    compiled,
    is_template,
    needs_ancestors,
    out_of_scope,
)
from app.domain.vocabulary.terms import Term, Vocabulary

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TERMS = Vocabulary.build([Term(name="secret", synonyms=("таємно",))])


def facts(**fields: Any) -> PageFacts:
    return PageFacts(**{"page_id": "7", "title": "Сервер пошти", **fields})


def reason(policy: Policy | Scope, **fields: Any) -> str | None:
    if isinstance(policy, Scope):
        policy = Policy(scope=policy)
    return out_of_scope(facts(**fields), policy, TERMS, NOW)


class TestOutOfScope:
    """Tests for out_of_scope()."""

    def test_ordinary_page_is_looked_at(self) -> None:
        """Where nobody has said anything."""
        assert reason(Policy()) is None

    @pytest.mark.parametrize(
        ("status", "statuses", "expected"),
        [
            ("current", ("current",), None),
            ("archived", ("current",), "archived"),
            ("draft", ("current",), "status"),
            ("archived", ("current", "archived"), None),
            ("current", ("archived",), "status"),
        ],
    )
    def test_status(self, status: str, statuses: Any, expected: str | None) -> None:
        """Only those that are named."""
        assert reason(Scope(statuses=statuses), status=status) == expected

    @pytest.mark.parametrize(
        ("scope", "above", "expected"),
        [
            (Scope(include_trees=("1",)), ("1", "2"), None),
            (Scope(include_trees=("7",)), (), None),
            (Scope(include_trees=("3",)), ("1", "2"), "tree"),
            (Scope(include_trees=("3",)), None, "tree"),
            (Scope(exclude_trees=("2",)), ("1", "2"), "tree"),
            (Scope(exclude_trees=("7",)), (), "tree"),
            (Scope(exclude_trees=("3",)), ("1", "2"), None),
            (Scope(include_trees=("1",), exclude_trees=("2",)), ("1", "2"), "tree"),
        ],
    )
    def test_trees(
        self, scope: Scope, above: tuple[str, ...] | None, expected: str | None
    ) -> None:
        """What is excluded goes before what is included."""
        assert reason(scope, ancestor_ids=above) == expected

    @pytest.mark.parametrize(
        ("scope", "labels", "expected"),
        [
            (Scope(exclude_labels=("secret",)), {"secret"}, "label"),
            (Scope(exclude_labels=("Secret",)), {"таємно"}, "label"),
            (Scope(exclude_labels=("secret",)), {"api"}, None),
            (Scope(include_labels=("secret",)), {"таємно", "api"}, None),
            (Scope(include_labels=("secret",)), {"api"}, "label"),
            (Scope(include_labels=("secret",)), set(), "label"),
            (
                Scope(include_labels=("api",), exclude_labels=("secret",)),
                {"api", "secret"},
                "label",
            ),
        ],
    )
    def test_labels(self, scope: Scope, labels: set[str], expected: str | None) -> None:
        """By any name of a label."""
        assert reason(scope, labels=labels) == expected

    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            (Scope(exclude_titles=("^сервер",)), "title"),
            (Scope(exclude_titles=("^пошт",)), None),
            (Scope(exclude_titles=("x", "ПОШТИ$")), "title"),
            (Scope(include_titles=("пошт",)), None),
            (Scope(include_titles=("^Draft",)), "title"),
            (Scope(include_titles=("пошт",), exclude_titles=("Сервер",)), "title"),
        ],
    )
    def test_titles(self, scope: Scope, expected: str | None) -> None:
        """Anywhere in the title, whatever the case."""
        assert reason(scope) == expected

    @pytest.mark.parametrize(
        ("days", "expected"), [(2, None), (3, None), (4, "too_new")]
    )
    def test_young_pages(self, days: int, expected: str | None) -> None:
        """By when they were made."""
        created = NOW - timedelta(days=3)

        assert reason(Scope(min_age_days=days), created_at=created) == expected
        assert reason(Scope(min_age_days=days), created_at=None) is None
        assert reason(Scope(), created_at=NOW) is None

    @pytest.mark.parametrize(
        ("days", "expected"), [(4, None), (3, None), (2, "too_old")]
    )
    def test_old_pages(self, days: int, expected: str | None) -> None:
        """By when they were last edited."""
        edited = NOW - timedelta(days=3)

        assert reason(Scope(max_age_days=days), edited_at=edited) == expected
        assert reason(Scope(max_age_days=days), edited_at=None) is None
        assert reason(Scope(), edited_at=NOW - timedelta(days=9999)) is None

    @pytest.mark.parametrize(
        ("policy", "labels", "expected"),
        [
            (Policy(never_send=True), set(), "never_send"),
            (Policy(never_send_labels=("secret",)), {"таємно"}, "never_send"),
            (Policy(never_send_labels=("secret",)), {"api"}, None),
        ],
    )
    def test_pages_that_no_ai_may_see(
        self, policy: Policy, labels: set[str], expected: str | None
    ) -> None:
        """A whole space, or single pages by their label."""
        assert reason(policy, labels=labels) == expected

    def test_empty_page_comes_last(self) -> None:
        """It is told of only where nothing else speaks against the page."""
        assert reason(Policy(), is_empty=True) == "empty"
        assert reason(Policy(never_send=True), is_empty=True) == "never_send"


class TestTemplates:
    """Patterns for other pages."""

    @pytest.mark.parametrize(
        ("title", "labels"),
        [
            ("Template: runbook", set()),
            ("[Template] Runbook", set()),
            ("Runbook (template)", set()),
            ("Шаблон протоколу", set()),
            ("Протокол – шаблон", set()),
            ("Vorlage Protokoll", set()),
            ("Runbook", {"Template"}),
            ("Runbook", {"шаблон"}),
        ],
    )
    def test_told_by_title_or_label(self, title: str, labels: set[str]) -> None:
        """And looked at only where the policy says so."""
        one = facts(title=title, labels=labels)

        assert is_template(one)
        assert out_of_scope(one, Policy(), TERMS, NOW) == "template"
        allowed = Policy(scope=Scope(templates=True))
        assert out_of_scope(one, allowed, TERMS, NOW) is None

    @pytest.mark.parametrize(
        "title", ["How to make a template for mails", "Templates", "Contemplate", ""]
    )
    def test_pages_about_templates_are_none(self, title: str) -> None:
        """The word must stand at an end of the title."""
        assert not is_template(facts(title=title))


class TestPatterns:
    """What admins write to name titles."""

    @pytest.mark.parametrize(
        "pattern",
        ["(", "a{1000}{1000}", "(?=x)", r"(a)\1", "x" * (LONGEST_PATTERN + 1)],
    )
    def test_what_is_no_pattern_is_refused(self, pattern: str) -> None:
        """With a reason."""
        with pytest.raises(ValueError, match=r".+"):
            compiled(pattern)

    @pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(.*a){20}$"])
    def test_no_pattern_takes_long(self, pattern: str) -> None:
        """Engines that go back and try again would be at it for years: no end here."""
        assert compiled(pattern).search("a" * 1000 + "b") is None

    def test_endless_title_is_looked_at_in_part(self) -> None:
        """A hostile site may send one."""
        title = "x" * 100_000 + "draft"

        assert reason(Scope(exclude_titles=("draft",)), title=title) is None


class TestNeedsAncestors:
    """Tests for needs_ancestors()."""

    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            (Scope(), "no"),
            (Scope(include_trees=("1",)), "yes"),
            (Scope(exclude_trees=("1",)), "yes"),
            (Scope(include_labels=("1",)), "no"),
        ],
    )
    def test_only_trees_need_them(self, scope: Scope, expected: str) -> None:
        """Asking the site costs points."""
        assert needs_ancestors(Policy(scope=scope)) is (expected == "yes")
