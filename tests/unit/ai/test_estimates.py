"""Tokens told without a tokenizer, and what true usage teaches."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from app.ai.estimates import (
    OVERHEAD,
    estimate,
    estimate_input,
)
from app.ai.wire import Question

#: Texts and what two real tokenizers (o200k_base, Gemma 3) made of them.
_COUNTED = [
    ("На этой странице показано, как восстановить базу данных из копии.", 16, 15),
    ("Привіт, світе! Hello world 12345", 12, 14),
    ("Резервні копії бази даних, 2024-11-22 https://example.com/x", 23, 28),
    ('{"name":"alpha","values":[1,2,3,4.5],"nested":{"a":true,"b":null}}', 27, 27),
    ("本页说明如何从备份中恢复数据库,以及在恢复之后需要检查哪些设置。", 20, 19),
    ("이 페이지에서는 백업에서 데이터베이스를 복원하는 방법을 설명합니다.", 18, 16),
    ("דף זה מסביר כיצד לשחזר את מסד הנתונים מגיבוי.", 18, 22),
    ("Αυτή η σελίδα εξηγεί πώς να επαναφέρετε τη βάση δεδομένων.", 23, 25),
]


class TestEstimate:
    """Tests for app.ai.estimates.estimate()."""

    @pytest.mark.parametrize(("text", "first", "second"), _COUNTED)
    def test_scripts_cost_about_what_tokenizers_say(
        self, text: str, first: int, second: int
    ) -> None:
        """Short texts in many scripts are told closely, rather too high."""
        truth = max(first, second)

        assert truth * 0.9 <= estimate(text) <= truth * 1.5

    def test_nothing_costs_nothing(self) -> None:
        """Only the empty text is free."""
        assert estimate("") == 0
        assert estimate("a") >= 1
        assert estimate(" ") >= 1

    def test_cyrillic_costs_more_than_latin(self) -> None:
        """A Ukrainian sentence costs more than an English one of the same length."""
        assert estimate("Резервні копії лежать тут.") > estimate(
            "The backups are kept here."
        )

    def test_a_lone_surrogate_is_a_character_like_others(self) -> None:
        """Broken text is counted, not refused."""
        assert estimate("a\ud800b") >= 1

    @given(st.text(), st.text())
    def test_more_text_costs_no_less(self, first: str, second: str) -> None:
        """A text costs at least what its first part costs, but for rounding."""
        assert estimate(first + second) >= estimate(first) - 1

    @given(st.text(max_size=200))
    def test_no_character_costs_more_than_a_few_tokens(self, text: str) -> None:
        """A hostile text cannot make an estimate explode."""
        assert 0 <= estimate(text) <= 4 * len(text) + 2

    def test_a_megabyte_comes_to_an_end(self) -> None:
        """Work grows with the text and no faster."""
        text = "The backup is kept for 30 days. Копія зберігається тут. " * 18_000
        began = time.process_time()

        estimate(text)

        assert time.process_time() - began < 20  # quadratic work would take minutes


class TestEstimateInput:
    """Tests for app.ai.estimates.estimate_input()."""

    def test_everything_that_is_sent_counts(self) -> None:
        """Instructions, text and schema each add to the sum."""
        question = Question(
            instructions="Label the page.",
            text="A page.",
            schema={"type": "object"},
            max_output_tokens=10,
            cache_key="k",
        )

        assert estimate_input(question) == OVERHEAD + sum(
            map(estimate, ("Label the page.", "A page.", '{"type": "object"}'))
        )
