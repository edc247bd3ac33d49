"""Whether a page is looked at at all, and if not, why."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import re2

from app.domain.pages import PageStatus
from app.domain.policy import Policy, Scope
from app.domain.vocabulary.terms import Vocabulary, fold

#: A longer pattern is no pattern for titles.
LONGEST_PATTERN = 200
#: Memory that one compiled pattern may take; RE2 refuses what needs more.
_PATTERN_BYTES = 1 << 20
#: Titles are no longer than 255 characters; more is not looked at.
_TITLE_CHARACTERS = 1_000

_TEMPLATE_LABELS = frozenset({"template", "templates", "шаблон", "vorlage"})
_TEMPLATE_TITLE = re.compile(
    r"^\W*(?:template|шаблон|vorlage)\b|\b(?:template|шаблон|vorlage)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What is known of a page before anybody is asked about it.

    Attributes:
        ancestor_ids: The pages above it; None if nobody looked.
        created_at: Its creation; `edited_at` its latest version.
        is_empty: Whether it has no text.
    """

    page_id: str
    title: str
    status: PageStatus = "current"
    labels: Collection[str] = frozenset()
    ancestor_ids: Collection[str] | None = None
    created_at: datetime | None = None
    edited_at: datetime | None = None
    is_empty: bool = False


def needs_ancestors(policy: Policy) -> bool:
    """Whether the policy speaks of trees."""
    return bool(policy.scope.include_trees or policy.scope.exclude_trees)


def out_of_scope(
    facts: PageFacts, policy: Policy, vocabulary: Vocabulary, now: datetime
) -> str | None:
    """Return why a page is left alone, in a constant word; None if it is not.

    The reasons are `status`, `archived`, `template`, `tree`, `label`, `title`,
    `too_new`, `too_old`, `never_send`, `empty`; the first that holds is told.
    """
    scope = policy.scope
    checks = (
        (_status(facts, scope), "archived" if _is_archived(facts) else "status"),
        (not scope.templates and is_template(facts), "template"),
        (_tree(facts, scope), "tree"),
        (_label(facts, scope, vocabulary), "label"),
        (_title(facts, scope), "title"),
        (_younger(facts.created_at, scope.min_age_days, now), "too_new"),
        (_older(facts.edited_at, scope.max_age_days, now), "too_old"),
        (is_secret(facts, policy, vocabulary), "never_send"),
        (facts.is_empty, "empty"),
    )
    return next((reason for holds, reason in checks if holds), None)


def is_template(facts: PageFacts) -> bool:
    """Whether a page is a pattern for other pages, by its labels or its title."""
    labelled = any(fold(label) in _TEMPLATE_LABELS for label in facts.labels)
    return labelled or bool(_TEMPLATE_TITLE.search(facts.title[:_TITLE_CHARACTERS]))


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """Return a title pattern, ready to search with.

    RE2 matches in time linear in the title, whatever the pattern.

    Raises:
        ValueError: It is no RE2 pattern, or too big.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"longer than {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = _PATTERN_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0] if error.args else "not a pattern"
        reason = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        raise ValueError(str(reason)) from error


def _is_archived(facts: PageFacts) -> bool:
    return facts.status == "archived"


def _status(facts: PageFacts, scope: Scope) -> bool:
    return facts.status not in scope.statuses


def _tree(facts: PageFacts, scope: Scope) -> bool:
    line = {facts.page_id, *(facts.ancestor_ids or ())}
    if line.intersection(scope.exclude_trees):
        return True
    return bool(scope.include_trees) and not line.intersection(scope.include_trees)


def _label(facts: PageFacts, scope: Scope, vocabulary: Vocabulary) -> bool:
    if _carries(facts, scope.exclude_labels, vocabulary):
        return True
    return bool(scope.include_labels) and not _carries(
        facts, scope.include_labels, vocabulary
    )


def _title(facts: PageFacts, scope: Scope) -> bool:
    if _is_titled(facts, scope.exclude_titles):
        return True
    return bool(scope.include_titles) and not _is_titled(facts, scope.include_titles)


def is_secret(facts: PageFacts, policy: Policy, vocabulary: Vocabulary) -> bool:
    """Whether no AI may see the page, not even our own."""
    return policy.never_send or _carries(facts, policy.never_send_labels, vocabulary)


def _carries(facts: PageFacts, labels: Iterable[str], vocabulary: Vocabulary) -> bool:
    """Whether the page carries one of the labels, by any name of it."""
    wanted = {vocabulary.key(label) for label in labels}
    return any(vocabulary.key(label) in wanted for label in facts.labels)


def _is_titled(facts: PageFacts, patterns: Iterable[str]) -> bool:
    title = facts.title[:_TITLE_CHARACTERS]
    return any(compiled(pattern).search(title) for pattern in patterns)


def _younger(moment: datetime | None, days: int | None, now: datetime) -> bool:
    if moment is None or days is None:
        return False
    return now - moment < timedelta(days=days)


def _older(moment: datetime | None, days: int | None, now: datetime) -> bool:
    if moment is None or days is None:
        return False
    return now - moment > timedelta(days=days)
