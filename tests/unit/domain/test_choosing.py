"""How many labels are put on a page without asking."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.choosing import best_count, decide
from app.domain.completions import Candidate
from app.domain.plans import APPLY_AT, SUGGEST_AT

_CHANCES = st.lists(st.floats(0.0, 1.0), max_size=30)


def _candidates(*chances: float) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(name=f"l{at:02}", score=chance, evidence="told")
        for at, chance in enumerate(chances)
    )


class TestBestCount:
    """Tests for app.domain.choosing.best_count()."""

    @pytest.mark.parametrize(
        ("chances", "expected", "count"),
        [
            ([], 2.0, 0),
            ([0.9], 1.0, 1),
            ([0.3], 0.3, 1),
            ([0.9, 0.2], 1.1, 1),
            ([0.9, 0.8, 0.7, 0.1], 2.5, 3),
            ([0.4, 0.4, 0.4, 0.4, 0.4], 4.0, 5),
            ([0.0, 0.0], 0.0, 1),
        ],
    )
    def test_as_many_as_pay(
        self, chances: list[float], expected: float, count: int
    ) -> None:
        """A label more is chosen while it makes the expected F1 greater."""
        assert best_count(chances, expected) == count

    @given(_CHANCES, st.floats(0.0, 10.0))
    def test_what_is_likelier_than_not_is_always_chosen(
        self, chances: list[float], more: float
    ) -> None:
        """No label that is more likely right than wrong is left out."""
        falling = sorted(chances, reverse=True)

        count = best_count(falling, sum(falling) + more)

        assert count >= sum(chance > APPLY_AT for chance in falling)


class TestDecide:
    """Tests for app.domain.choosing.decide()."""

    def test_true_chances_stay_where_they_suffice(self) -> None:
        """Above the line a confidence is the chance itself, and evidence is as told."""
        (sure, suggested) = decide(_candidates(0.9, 0.25), 5)

        assert (sure.confidence, sure.evidence) == (0.9, "told")
        assert (suggested.confidence, suggested.evidence) == (0.25, "told")

    def test_a_lifted_label_says_so(self) -> None:
        """Its evidence names the true chance."""
        (lifted, _) = decide(_candidates(0.35, 0.34), 2)

        assert APPLY_AT <= lifted.confidence < APPLY_AT + 0.02
        assert lifted.evidence == "told; 35% likely, yet among the page's best"

    def test_a_page_that_nothing_fits_gets_nothing(self) -> None:
        """What is not worth a suggestion is not applied either."""
        assert decide(_candidates(0.19, 0.1), 5) == ()

    @given(_CHANCES, st.integers(-1, 6))
    def test_order_and_limits_hold(self, chances: list[float], most: int) -> None:
        """Surest first as the chances say, no more than asked for, none below."""
        candidates = _candidates(*chances)
        chance = {one.name: one.score for one in candidates}

        chosen = decide(candidates, most)

        assert len(chosen) <= max(0, most)
        assert all(chance[one.name] >= SUGGEST_AT for one in chosen)
        assert all(one.confidence >= chance[one.name] for one in chosen)
        said = [one.confidence for one in chosen]
        assert said == sorted(said, reverse=True)
        assert [one.name for one in chosen] == [
            one.name
            for one in sorted(candidates, key=lambda one: (-one.score, one.name))
            if one.score >= SUGGEST_AT
        ][: len(chosen)]
