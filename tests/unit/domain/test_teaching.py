"""Tests for app.domain.teaching: how people's judgements move a label's bar."""

from __future__ import annotations

import pytest

from app.domain.policy import Policy
from app.domain.teaching import Feedback, LearnedBar, by_term
from app.domain.vocabulary.terms import Term, Vocabulary

TERMS = Vocabulary.build(
    (Term(name="api"), Term(name="strict", min_confidence=0.8, synonyms=("streng",)))
)


def bar(
    policy: Policy | None = None,
    *,
    label: str = "api",
    accepted: int = 0,
    rejected: int = 0,
) -> LearnedBar:
    seen = {label: Feedback(accepted=accepted, rejected=rejected)}
    return LearnedBar(policy or Policy(), TERMS, seen)


class TestBase:
    """What is asked for before anybody judged."""

    @pytest.mark.parametrize(
        ("label", "policy", "expected"),
        [
            ("api", Policy(), 0.5),
            ("api", Policy(apply_at=0.7), 0.7),
            ("strict", Policy(apply_at=0.9), 0.8),
            ("strict", Policy(thresholds={"strict": 0.3}), 0.3),
            ("strict", Policy(thresholds={"strict": 0.0}), 0.0),
            ("unknown", Policy(), 0.5),
        ],
    )
    def test_the_nearest_word_holds(
        self, label: str, policy: Policy, expected: float
    ) -> None:
        """The policy's on that label, else the vocabulary's, else the policy's on all."""
        assert LearnedBar(policy, TERMS, {}).apply_at(label) == expected

    def test_suggestions_have_a_bar_of_their_own(self) -> None:
        """Nobody's judgement moves it."""
        assert bar(Policy(suggest_at=0.3), rejected=100).suggest_at == 0.3


class TestRaised:
    """What rejections do."""

    @pytest.mark.parametrize(
        ("accepted", "rejected", "expected"),
        [
            (0, 2, 0.5),
            (0, 3, 0.6),
            (0, 5, 0.6),
            (0, 6, 0.7),
            (3, 5, 0.5),
            (3, 6, 0.6),
            (9, 3, 0.5),
            (0, 15, 1.0),
            (0, 18, 1.01),
            (0, 1000, 1.01),
        ],
    )
    def test_three_more_no_than_yes_are_a_step(
        self, accepted: int, rejected: int, expected: float
    ) -> None:
        """Until nobody is sure enough."""
        assert bar(accepted=accepted, rejected=rejected).apply_at("api") == expected

    def test_bar_that_is_above_all_is_not_lowered(self) -> None:
        """A policy may ask always."""
        policy = Policy(thresholds={"api": 1.5})

        assert bar(policy, rejected=30).apply_at("api") == 1.5

    def test_other_labels_are_not_concerned(self) -> None:
        """A judgement is about one label."""
        assert bar(rejected=30).apply_at("strict") == 0.8

    def test_policy_may_forbid_learning(self) -> None:
        """Then judgements are counted, and change nothing."""
        assert bar(Policy(learn_from_reviews=False), rejected=30).apply_at("api") == 0.5


class TestUnlocked:
    """Labels that need no asking any more."""

    @pytest.mark.parametrize(
        ("accepted", "rejected", "expected"),
        [
            (20, 0, "unlocked"),
            (19, 1, "unlocked"),
            (19, 0, "asked"),
            (18, 2, "asked"),
            (190, 10, "unlocked"),
            (189, 11, "asked"),
        ],
    )
    def test_sample_and_share_decide(
        self, accepted: int, rejected: int, expected: str
    ) -> None:
        """Nineteen of twenty."""
        policy = Policy(unlock_auto=True)
        found = bar(policy, accepted=accepted, rejected=rejected).is_unlocked("api")

        assert found is (expected == "unlocked")

    def test_policy_must_allow_it(self) -> None:
        """By itself nothing is unlocked."""
        assert bar(accepted=1000).is_unlocked("api") is False

    @pytest.mark.parametrize(("after", "accepted"), [(0, 0), (1, 0), (5, 4)])
    def test_no_sample_unlocks_nothing(self, after: int, accepted: int) -> None:
        """Not even where a policy asks for none."""
        policy = Policy(unlock_auto=True, unlock_after=after)

        assert bar(policy, accepted=accepted).is_unlocked("api") is False

    def test_one_acceptance_is_a_sample_where_the_policy_says_so(self) -> None:
        """The sample is the policy's to choose."""
        policy = Policy(unlock_auto=True, unlock_after=1)

        assert bar(policy, accepted=1).is_unlocked("api") is True

    def test_label_that_nobody_judged_is_asked_about(self) -> None:
        """What people said of others says nothing of it."""
        policy = Policy(unlock_auto=True, unlock_after=1)
        found = bar(policy, label="other", accepted=9)

        assert found.is_unlocked("api") is False
        assert found.why("api") == "from 0.50 on without asking"


RAISED = "from 0.70 on without asking (raised from 0.50: rejected 7 times, accepted 1)"


class TestWhy:
    """How a bar is explained."""

    @pytest.mark.parametrize(
        ("policy", "accepted", "rejected", "told"),
        [
            (Policy(), 0, 0, "from 0.50 on without asking"),
            (Policy(), 1, 7, RAISED),
            (
                Policy(unlock_auto=True),
                20,
                0,
                "from 0.50 on without asking; accepted 20 of 20 times, so not asked about",
            ),
        ],
    )
    def test_in_words(
        self, policy: Policy, accepted: int, rejected: int, told: str
    ) -> None:
        """With the numbers that moved it."""
        assert bar(policy, accepted=accepted, rejected=rejected).why("api") == told


class TestByTerm:
    """Tests for app.domain.teaching.by_term()."""

    def test_names_of_one_term_are_judged_together(self) -> None:
        """Synonyms and spellings count for the term; strangers for themselves."""
        told = {
            "strict": Feedback(accepted=1),
            "streng": Feedback(accepted=2, rejected=1),
            "STRENG": Feedback(rejected=4),
            "stranger": Feedback(rejected=1),
        }

        assert by_term(told, TERMS) == {
            "strict": Feedback(accepted=3, rejected=5),
            "stranger": Feedback(rejected=1),
        }
