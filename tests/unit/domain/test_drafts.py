"""The sentences that stand for a page where no AI says better."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from app.domain.drafts import LENGTHS, draft, drafted, length_for
from app.domain.pages import PageText
from app.domain.sentences import sentences
from app.domain.summaries import MAX_WORDS, MOST_CHARACTERS, summarise
from tests.unit.domain.site_pages import make_text, sample_lines, sample_text

FIRST = "This page shows how the wiki's database is backed up and restored."
SCHEDULE = "Backups of the wiki are written to the second disk every single night."
OWNERS = "The platform team restores a backup within four hours of a request."


def page(*sections: tuple[str, str], title: str = "Backup of the wiki") -> PageText:
    """Return a page whose sections are (heading, prose)."""
    blocks = [part for one in sections for part in one if part]
    return PageText(
        title=title,
        paragraphs=tuple(prose for _, prose in sections),
        headings=tuple(heading for heading, _ in sections if heading),
        text="\n\n".join(blocks),
    )


PAGE = page(("", FIRST), ("Schedule", SCHEDULE), ("Owners", OWNERS))


class TestLength:
    """How many sentences a page gets."""

    @pytest.mark.parametrize(
        ("count", "most", "sentences_"),
        [
            (0, 3, 1),
            (LENGTHS[0] - 1, 3, 1),
            (LENGTHS[0], 3, 2),
            (LENGTHS[1] - 1, 3, 2),
            (LENGTHS[1], 3, 3),
            (100_000, 3, 3),
            (100_000, 2, 2),
            (100_000, 1, 1),
            (100_000, 0, 1),
        ],
    )
    def test_by_the_words_of_prose(
        self, count: int, most: int, sentences_: int
    ) -> None:
        """A short page has one, a long one as many as the policy lets it have."""
        prose = ["word " * 10] * (count // 10) + ["word " * (count % 10)]

        assert length_for(make_text("T", *prose), most) == sentences_


class TestDraft:
    """Tests for app.domain.drafts.drafted()."""

    def test_one_sentence_is_the_best_one(self) -> None:
        """On real pages just the measured scorer's, whatever else is there."""
        pages = [sample_text(line) for line in sample_lines()]

        assert [draft(one) for one in pages] == [summarise(one) for one in pages]

    def test_other_sections_come_to_word(self) -> None:
        """In reading order, each with its heading, quoting itself."""
        found = drafted(PAGE, 3)

        assert [one.sentence for one in found] == [FIRST, SCHEDULE, OWNERS]
        assert [one.section for one in found] == ["", "Schedule", "Owners"]
        assert all(one.quote == one.sentence and one.support == 1 for one in found)

    def test_the_last_section_is_not_too_far_away(self) -> None:
        """Of a thousand sections, all over the page is where sentences come from."""
        filler = "Server number {} of the wiki is a machine with disks and with memory."
        many = [(f"Server {at}", filler.format(at)) for at in range(1_000)]

        found = drafted(page(("", FIRST), *many, ("Owners", OWNERS)), 3)

        assert len({one.section for one in found}) == 3
        assert OWNERS in [one.sentence for one in found]

    @pytest.mark.parametrize(
        "other",
        [
            "This is especially useful for wikis that have many pages in them.",
            "Click the button of the wiki to make a backup of all of its pages.",
            "However, the backup of the wiki takes longer than people would like.",
            "For more information on backups of the wiki see the other page here.",
            "Backups of the wiki and its pages without any end of their sentence",
            "“Backups of the wiki are written to the second disk every single night.",
            "backups of the wiki are written to the second disk every single night.",
            "Backups of wikis are kept.",
            "Backups of the wiki are " + "verylongwords" * 40 + " on the second disk.",
            "As mentioned, backups of the wiki are written to the second disk daily.",
            "The wiki | is backed up | to the second disk | each and every night.",
            FIRST,
            FIRST.replace("shows how", "shows well how"),
        ],
    )
    def test_what_cannot_stand_alone_is_left_out(self, other: str) -> None:
        """Steps, leanings, fragments, rows and repetitions add nothing."""
        assert draft(page(("", FIRST), ("More", other)), 3) == FIRST

    @pytest.mark.parametrize("heading", ["What's next", "See also", "Що далі"])
    def test_afterwords_are_left_out(self, heading: str) -> None:
        """What points to other pages is not what this one says."""
        assert draft(page(("", FIRST), (heading, SCHEDULE)), 3) == FIRST

    def test_the_title_stands_alone(self) -> None:
        """A page without prose is its title, from no section."""
        (found,) = drafted(make_text("Backup"), 3)

        assert (found.sentence, found.section) == ("Backup", "")
        assert drafted(make_text(""), 3) == ()

    @pytest.mark.parametrize("text", ["x" * 5_000, "слово" * 700 + " а б в г ґ д"])
    def test_an_endless_word_is_cut(self, text: str) -> None:
        """Nothing without an end makes a summary without one."""
        assert len(draft(make_text("", text, text), 3)) <= MOST_CHARACTERS

    def test_real_pages(self) -> None:
        """Each sentence is the page's own, short enough, and says something new."""
        for line in sample_lines():
            text = sample_text(line)
            found = drafted(text, 3)
            own = {one for part in text.paragraphs for one in sentences(part)}
            assert {one.sentence for one in found} <= own
            assert all(len(one.sentence.split()) <= MAX_WORDS for one in found)
            assert len({one.sentence for one in found}) == len(found)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.text(max_size=60), max_size=6), st.integers(-1, 4))
    def test_any_page(self, paragraphs: list[str], count: int) -> None:
        """Nothing makes it fail or be longer than asked for."""
        assert len(drafted(make_text("T", *paragraphs), count)) <= max(1, count)

    def test_a_huge_page(self) -> None:
        """Of 2 MB some is looked at from all over, not all of it; it comes to an end."""
        many = [(f"Section {at}", f"{SCHEDULE} {OWNERS} " * 8) for at in range(1_800)]
        huge = page(("", FIRST), *many)
        began = time.process_time()

        made = drafted(huge, 3)

        assert made
        assert {one.sentence for one in made} <= {FIRST, SCHEDULE, OWNERS}
        assert time.process_time() - began < 40  # quadratic work would take hours
