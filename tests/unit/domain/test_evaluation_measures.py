"""Tests for the measures of app.domain.evaluation, against numbers made by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from app.domain.evaluation import measures
from app.domain.evaluation.calibration import calibration, expected_error
from app.domain.evaluation.comparison import paired
from app.domain.pages import PageText

TEXT = st.text(alphabet="abc дїґ.’-0", max_size=40)


class TestLabels:
    """Precision, recall and F1 of labels."""

    @pytest.mark.parametrize(
        ("ranked", "expected"),
        [
            (["a", "b"], 1.0),
            (["x", "a", "b"], (1 / 2 + 2 / 3) / 2),
            (["a", "x"], 1 / 2),
            (["x"], 0.0),
            ([], 0.0),
        ],
    )
    def test_average_precision(self, ranked: list[str], expected: float) -> None:
        """A wanted label that is missing counts as a place at infinity."""
        found = measures.average_precision(ranked, {"a", "b"})

        assert found == pytest.approx(expected)

    def test_f1_at_five_counts_all_places(self) -> None:
        """Places that could not be filled well cost precision."""
        assert measures.overlap_f1(["a", "x"], {"a"}, 5) == pytest.approx(2 / 6)
        assert measures.overlap_f1([], {"a"}, 0) == 0.0
        assert measures.recall(["a", "x"], {"a", "b"}) == 0.5

    @pytest.mark.parametrize(
        ("wanted", "best"), [(1, 2 / 6), (2, 4 / 7), (5, 1.0), (9, 10 / 14)]
    )
    def test_ceiling_is_what_perfect_guesses_get(
        self, wanted: int, best: float
    ) -> None:
        """Five guesses cannot all be right where one label is."""
        names = [str(at) for at in range(wanted)]

        assert measures.ceiling(wanted, 5) == pytest.approx(best)
        assert measures.overlap_f1(names[:5], names, 5) == pytest.approx(best)


class TestSummaries:
    """ROUGE and what it does not see."""

    def test_rouge_reads_any_script(self) -> None:
        """Ukrainian words count as words; case and punctuation do not."""
        one, two, longest = measures.rouge("Кіт сів на дах!", "кіт на дах")

        assert one == pytest.approx(6 / 7)
        assert two == pytest.approx(2 / 5)
        assert longest == pytest.approx(6 / 7)

    def test_words_are_counted_as_often_as_they_are_said(self) -> None:
        """Saying a word thrice that was said once is right once."""
        one, _, _ = measures.rouge("cat cat cat", "the cat sat")

        assert one == pytest.approx(2 / 6)

    def test_order_counts_for_rouge_l_alone(self) -> None:
        """Turned round, two of four words are in common order."""
        one, two, longest = measures.rouge("c d a b", "a b c d")

        assert (one, two, longest) == pytest.approx((1.0, 4 / 6, 1 / 2))

    def test_rouge_of_nothing_is_nothing(self) -> None:
        """An empty answer shares no word, nor does an empty reference."""
        assert measures.rouge("", "one two") == (0.0, 0.0, 0.0)
        assert measures.rouge("one two", "…") == (0.0, 0.0, 0.0)

    @given(TEXT, TEXT)
    def test_rouge_is_fair_and_bounded(self, ours: str, theirs: str) -> None:
        """It does not matter who is held against whom; a copy is worth one."""
        found = measures.rouge(ours, theirs)

        assert found == pytest.approx(measures.rouge(theirs, ours))
        assert all(0.0 <= value <= 1.0 for value in found)
        if measures.words(ours):
            assert measures.rouge(ours, ours)[::2] == (1.0, 1.0)

    def test_title_said_again_is_seen(self) -> None:
        """By the share of its words."""
        overlap = measures.title_overlap("How backups are made.", "Backups, restored")

        assert overlap == 1 / 2
        assert measures.title_overlap("Anything", "—") is None

    def test_words_that_the_page_lacks_are_invented(self) -> None:
        """Numbers and names are listed as written, other words only counted."""
        page = PageText(
            title="Резервні копії",
            paragraphs=("Копії робить нічне завдання о 02:00.",),
            code=("cron 17",),
        )

        share, worst = measures.invented(
            "Копія нічного завдання від Олени: 02 17 23 рази", page
        )

        # Another form of a word is no invention: копія, нічного, завдання.
        assert worst == ("Олени", "23")
        assert share == pytest.approx(4 / 9)

    def test_a_number_must_be_there_digit_by_digit(self) -> None:
        """Numbers that begin alike are not forms of one number."""
        page = PageText(title="", paragraphs=("Order 20240015 is late",))

        assert measures.invented("20240015", page) == (0.0, ())
        assert measures.invented("20240018", page) == (1.0, ("20240018",))

    def test_nothing_said_is_nothing_invented(self) -> None:
        """An empty summary is bad in other ways."""
        assert measures.invented("", PageText(title="", paragraphs=())) == (0.0, ())


class TestCalibration:
    """Tests for calibration()."""

    def test_promises_are_held_against_what_came_true(self) -> None:
        """Bin by bin; bins without a promise are left out."""
        found = calibration([(0.9, True), (1.0, False), (0.2, False), (0.3, True)])

        assert [(one.low, one.high, one.n) for one in found] == [
            (0.2, 0.35, 2),
            (0.9, 1.0, 2),
        ]
        assert [one.predicted for one in found] == pytest.approx([0.25, 0.95])
        assert [one.observed for one in found] == [0.5, 0.5]
        assert expected_error(found) == pytest.approx((0.25 + 0.45) / 2)

    def test_a_modest_provider_is_calibrated(self) -> None:
        """Half right at one half is no error."""
        found = calibration([(0.5, True), (0.5, False)] * 10)

        assert expected_error(found) == pytest.approx(0.0)

    def test_no_promise_is_no_error(self) -> None:
        """It is not known, rather than good."""
        assert calibration([]) == ()
        assert expected_error([]) is None


class TestPaired:
    """Tests for paired()."""

    def test_a_steady_gain_is_certain(self) -> None:
        """The same on every page: the interval has no width."""
        found = paired([0.7] * 20, [0.5] * 20)

        assert found is not None
        assert (found.difference, found.low, found.high) == pytest.approx(
            (0.2, 0.2, 0.2)
        )

    def test_noise_may_be_chance(self) -> None:
        """As often better as worse: zero lies within."""
        ours = [float(at % 2) for at in range(100)]

        found = paired(ours, ours[::-1])

        assert found is not None
        assert found.low < 0.0 < found.high
        assert found.n == 100

    def test_the_interval_is_that_of_the_mean(self) -> None:
        """About two standard errors to either side."""
        gains = [float(at % 2) for at in range(400)]

        found = paired(gains, [0.0] * 400)

        assert found is not None
        error = 0.5 / math.sqrt(400)
        assert found.low == pytest.approx(0.5 - 1.96 * error, abs=0.006)
        assert found.high == pytest.approx(0.5 + 1.96 * error, abs=0.006)

    def test_the_seed_decides(self) -> None:
        """The same again each time."""
        gains = [at / 7 % 1 for at in range(50)]
        zero = [0.0] * 50

        assert paired(gains, zero, seed=1) == paired(gains, zero, seed=1)
        assert paired(gains, zero, seed=1) != paired(gains, zero, seed=2)

    def test_no_pages_no_difference(self) -> None:
        """And unequal ones are a mistake of ours."""
        assert paired([], []) is None
        with pytest.raises(ValueError, match="shorter"):
            paired([1.0, 2.0], [1.0])
