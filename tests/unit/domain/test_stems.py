"""Words, stems and weights of a page."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from app.domain.stems import (
    MAX_CHARACTERS,
    MAX_STEMS,
    STEMS_VERSION,
    name_stems,
    stem,
    stems,
    weigh,
    words,
)
from tests.unit.domain.site_pages import make_text


class TestWords:
    """Tests for app.domain.stems.words()."""

    @pytest.mark.parametrize(
        "spelling",
        ["об'єкт", "об’єкт", "обʼєкт", "ОБ’ЄКТ", "об`єкт", "об\u00ad’єкт"],
    )
    def test_apostrophes_and_case_make_no_difference(self, spelling: str) -> None:
        """Every spelling of a Ukrainian word with an apostrophe is one word."""
        found = words(spelling)

        assert found == ["обєкт"]

    def test_decomposed_letters_are_composed(self) -> None:
        """A й written as и with a breve is the letter й; a stress mark vanishes."""
        found = words("Украї\u0301нськии\u0306 за\u0301мок")

        assert found == ["український", "замок"]

    def test_possessives_lose_their_s(self) -> None:
        """An English genitive is the word itself."""
        found = words("the site's owner don't")

        assert found == ["the", "site", "owner", "dont"]

    @pytest.mark.parametrize("text", ["", "   ", "🙂🙃", "--- ***", "\x00\x01"])
    def test_text_without_letters_has_no_words(self, text: str) -> None:
        """Emoji, rules and control characters are no words."""
        found = words(text)

        assert found == []

    @given(st.text())
    def test_any_text_can_be_read(self, text: str) -> None:
        """No text makes it fail, and no word is empty."""
        found = words(text)

        assert all(found)


class TestStem:
    """Tests for app.domain.stems.stem()."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("мережевий", "мережевої"),
            ("трейсинг", "трейсингу"),
            ("налаштування", "налаштуванням"),
            ("anmeldung", "anmeldungen"),
            ("label", "labels"),
            ("deploy", "deploys"),
        ],
    )
    def test_inflected_forms_meet(self, one: str, other: str) -> None:
        """Forms of one word share a stem."""
        assert stem(one) == stem(other)

    @pytest.mark.parametrize("word", ["access", "status", "basis", "dns", "як"])
    def test_an_s_that_is_no_plural_stays(self, word: str) -> None:
        """Words that merely end in s are left alone."""
        assert stem(word) == word[:6]


def test_stop_words_and_lone_letters_carry_no_stem() -> None:
    """What every page says is left out."""
    found = list(stems("The cluster and the x of a мережа та її вузли"))

    assert found == ["cluste", "мережа", "вузли"]


def test_scripts_without_spaces_yield_pairs() -> None:
    """Japanese prose is cut into pairs of characters."""
    found = list(stems("東京都"))

    assert found == ["東京", "京都"]


def test_a_label_of_common_words_keeps_them() -> None:
    """A label such as how-to has a name to look for although both words are common."""
    found = name_stems("how_to")

    assert found == ("how", "to")


class TestWeigh:
    """Tests for app.domain.stems.weigh()."""

    def test_title_and_headings_weigh_more(self) -> None:
        """Title counts three times, a heading twice, prose once; code not at all."""
        page = make_text("Backup", "restore backup", headings=["Backup"])

        weights = weigh(page)

        assert weights == {"backup": 6.0, "restor": 1.0}

    def test_only_the_heaviest_stems_are_kept(self) -> None:
        """A page with thousands of different words costs bounded memory."""
        many = " ".join(f"w{number:05}" for number in range(5_000))
        page = make_text("Rarity", many, "often often often")

        weights = weigh(page)

        assert len(weights) == MAX_STEMS
        assert weights["rarity"] == weights["often"] == 3.0

    def test_the_order_of_kept_stems_is_fixed(self) -> None:
        """Of equally heavy stems the first in the alphabet are kept."""
        words_ = [f"w{number:05}" for number in range(1_000)]

        forward = weigh(make_text("", " ".join(words_)))
        backward = weigh(make_text("", " ".join(reversed(words_))))

        assert forward == backward

    def test_only_the_beginning_of_a_dump_is_read(self) -> None:
        """Prose beyond the limit adds nothing."""
        page = make_text("", "soon " * (MAX_CHARACTERS // 5), "late")

        weights = weigh(page)

        assert set(weights) == {"soon"}

    @pytest.mark.parametrize(
        "text",
        ["word " * 200_000, "x" * 1_000_000, "🙂" * 300_000, "а́" * 300_000],
        ids=["one word", "no spaces", "emoji", "stress marks"],
    )
    def test_a_megabyte_of_nonsense_is_quick(self, text: str) -> None:
        """Hostile text costs well under a second and yields hardly any stem."""
        begin = time.process_time()

        weights = weigh(make_text("", text))

        assert len(weights) <= 1
        assert time.process_time() - begin < 20  # quadratic work would take minutes


def test_other_stems_have_another_version() -> None:
    """Whoever changes what a text yields raises the version, and then this test."""
    page = make_text(
        "Резервні копії",
        "Копії бази даних: the databases' backups, 2 a night.",
        headings=["Wiederherstellung"],
    )

    assert (STEMS_VERSION, weigh(page)) == (
        1,
        {
            "резерв": 3.0,
            "копії": 4.0,
            "wieder": 2.0,
            "бази": 1.0,
            "даних": 1.0,
            "databa": 1.0,
            "backup": 1.0,
            "night": 1.0,
        },
    )
