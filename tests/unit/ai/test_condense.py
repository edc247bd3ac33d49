"""A long page within a budget of tokens."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from app.ai.condense import LEFT_OUT, condense
from app.ai.estimates import estimate
from app.confluence.reading import read_page
from app.domain.pages import Page, PageText

_SENTENCES = tuple(
    f"This page shows how part {number} of the backup is restored on the server."
    for number in range(200)
)


def _read(body: str, title: str = "Backup") -> PageText:
    """Return a body's text as the app itself reads it."""
    return read_page(
        Page(id="1", title=title, status="current", space_id="1", version=1, body=body)
    )


def _sections(count: int, *, paragraphs: int = 6, words: str = "details") -> PageText:
    return _read(
        "".join(
            f"<h2>Part {one}</h2>"
            + "".join(
                f"<p>Paragraph {at} of part {one} tells {words} about the topic. "
                f"It goes on with more {words} for a while.</p>"
                for at in range(paragraphs)
            )
            for one in range(count)
        )
    )


class TestCondense:
    """Tests for app.ai.condense.condense()."""

    def test_a_page_that_fits_is_unchanged(self) -> None:
        """What is within the budget stays letter by letter."""
        page = _sections(3)

        assert condense(page, 5_000) == page.text

    def test_an_empty_page_stays_empty(self) -> None:
        """There is nothing to leave out of nothing."""
        assert condense(PageText(title="Title", paragraphs=()), 100) == ""

    def test_white_space_alone_is_nothing(self) -> None:
        """A text of line breaks has nothing to say."""
        page = PageText(title="T", paragraphs=(), text="\n \n" * 10_000)

        assert condense(page, 5) == ""

    def test_a_monstrous_heading_is_cut(self) -> None:
        """Where not even the heading fits, its first words are all there is."""
        condensed = condense(_read(f"<h1>{'word ' * 9_000}</h1><p>Text.</p>"), 50)

        assert condensed.startswith("word word")
        assert estimate(condensed) <= 50

    @pytest.mark.parametrize("tokens", [0, -1])
    def test_no_budget_yields_nothing(self, tokens: int) -> None:
        """Without room there is no text."""
        assert condense(_sections(3), tokens) == ""

    @pytest.mark.parametrize("tokens", [10, 60, 200, 600])
    def test_the_budget_is_kept_and_used(self, tokens: int) -> None:
        """The result never costs more than allowed, and not much less."""
        condensed = condense(_sections(12), tokens)

        assert tokens * 0.5 <= estimate(condensed) <= tokens

    def test_every_section_keeps_its_heading_and_speaks(self) -> None:
        """Each section is there with its heading and a sentence, in order."""
        condensed = condense(_sections(8), 500)

        places = [condensed.index(f"Part {one}\n") for one in range(8)]
        assert places == sorted(places)
        for one in range(8):
            assert f"of part {one} tells" in condensed

    def test_the_beginning_gets_more(self) -> None:
        """The first section keeps more sentences than the last."""
        condensed = condense(_sections(8), 500)

        assert condensed.count("of part 0 ") > condensed.count("of part 7 ")

    def test_what_is_left_out_is_marked(self) -> None:
        """A mark stands in the gaps, and at the end if the end is missing."""
        condensed = condense(_read(f"<p>{' '.join(_SENTENCES)}</p>"), 200)

        assert LEFT_OUT in condensed
        assert condensed.endswith(LEFT_OUT)
        assert f"{LEFT_OUT}\n\n{LEFT_OUT}" not in condensed

    def test_sentences_stay_whole(self) -> None:
        """All that is kept are sentences of the page."""
        condensed = condense(_read(f"<p>{' '.join(_SENTENCES)}</p>"), 300)

        kept = condensed.replace(LEFT_OUT, "").replace("server.", "server.\n")
        found = [line.strip() for line in kept.splitlines() if line.strip()]
        assert found
        assert set(found) <= set(_SENTENCES)

    def test_the_telling_sentence_is_preferred(self) -> None:
        """A sentence about the page's topic is kept before small talk."""
        talk = [f"Then somebody went for coffee number {one}." for one in range(30)]
        telling = "This page shows how to restore the backup of the database."
        text = " ".join((*talk[:20], telling, *talk[20:]))

        condensed = condense(_read(f"<p>{text}</p>", "Restore the backup"), 120)

        assert telling in condensed
        assert talk[19] not in condensed

    def test_code_goes_before_tables_and_tables_before_prose(self) -> None:
        """With less and less room code is shortened, then rows go, then sentences."""
        rows = "".join(f"<tr><td>row {n}</td><td>cell</td></tr>" for n in range(40))
        code = "\n".join(f"command --number {n}" for n in range(60))
        page = _read(
            "<p>The backup is made every night. It is kept for thirty days.</p>"
            f"<table><tbody>{rows}</tbody></table>"
            '<ac:structured-macro ac:name="code"><ac:plain-text-body>'
            f"<![CDATA[{code}]]></ac:plain-text-body></ac:structured-macro>"
            "<p>Ask the operators for the key.</p>"
        )
        whole = estimate(page.text)

        less = condense(page, int(whole * 0.8))
        little = condense(page, int(whole * 0.25))
        least = condense(page, 32)

        assert less.count("row ") == 40
        assert 0 < less.count("command") < 60
        assert less.count("```") == 2
        assert 0 < little.count("row ") < 40
        assert "operators" in little
        assert "row " not in least
        assert "every night" in least

    def test_a_page_of_code_alone_shows_its_first_lines(self) -> None:
        """Where no prose is, the code's beginning speaks, its fence closed."""
        code = "\n".join(f"step_{n}()" for n in range(500))
        page = _read(
            '<ac:structured-macro ac:name="code"><ac:plain-text-body>'
            f"<![CDATA[{code}]]></ac:plain-text-body></ac:structured-macro>"
        )

        condensed = condense(page, 200)

        assert condensed.startswith("```\nstep_0()")
        assert condensed.count("```") == 2
        assert LEFT_OUT in condensed

    def test_a_monstrous_sentence_is_cut_at_a_word(self) -> None:
        """A dump without full stops keeps its first words and an ellipsis."""
        page = _read(f"<p>{'слово ' * 20_000}</p><p>А це справжнє речення.</p>")

        condensed = condense(page, 400)

        assert "слово…" in condensed
        assert "А це справжнє речення." in condensed

    def test_one_endless_word_is_cut_too(self) -> None:
        """Even without a word's end something short remains."""
        condensed = condense(_read(f"<p>{'x' * 100_000}</p>"), 100)

        assert condensed.startswith("xxx")
        assert "…" in condensed
        assert estimate(condensed) <= 100

    def test_too_many_headings_are_thinned_out(self) -> None:
        """A page that is mostly headings keeps some of them, and some prose."""
        page = _read(
            "".join(f"<h2>Heading {n}</h2><p>Text {n}.</p>" for n in range(900))
        )

        condensed = condense(page, 300)

        assert "Heading 0\n" in condensed
        assert "Text " in condensed
        assert estimate(condensed) <= 300

    def test_a_list_item_named_like_a_heading_is_no_heading(self) -> None:
        """A table of contents does not take the headings' place."""
        page = _read(
            "<ul><li>Restore</li><li>Keys</li></ul>"
            f"<h2>Restore</h2><p>{' '.join(_SENTENCES[:20])}</p>"
            f"<h2>Keys</h2><p>{' '.join(_SENTENCES[20:40])}</p>"
        )

        condensed = condense(page, 250)

        assert "\n\nRestore\n\n" in condensed
        assert "\n\nKeys\n\n" in condensed

    def test_a_fence_that_nobody_closes_is_text(self) -> None:
        """A paragraph of three backticks does not swallow the page."""
        page = _read(f"<p>```</p><p>{' '.join(_SENTENCES)}</p>")

        assert "part 0 of the backup" in condense(page, 150)

    @pytest.mark.parametrize(
        "text",
        [
            "A sentence of the page that is like all others. " * 40_000,
            "Рядок сторінки, який схожий на інші.\n\n" * 50_000,
            "a | b | c\n" * 60_000,
            "```\n" * 60_000,
            "\n".join("`" * (3 + n) for n in range(1_500)),
            "." * 2_000_000,
        ],
        ids=["line", "paragraphs", "table", "fences", "unlike-fences", "stops"],
    )
    def test_a_huge_page_comes_to_an_end(self, text: str) -> None:
        """Work grows with the page and no faster; the budget holds."""
        began = time.process_time()
        condensed = condense(PageText(title="T", paragraphs=(), text=text), 2_000)

        assert time.process_time() - began < 20  # quadratic work would take minutes
        assert 0 < estimate(condensed) <= 2_000

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                (*_SENTENCES[:5], "Heading", "```", "a | b", "", "Привіт, світе! Так.")
            ),
            max_size=60,
        ),
        st.integers(1, 300),
    )
    def test_no_page_breaks_the_budget(self, lines: list[str], tokens: int) -> None:
        """Whatever the lines, the result costs at most what is allowed."""
        page = PageText(
            title="T", paragraphs=(), headings=("Heading",), text="\n".join(lines)
        )

        assert estimate(condense(page, tokens)) <= tokens

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=500), st.integers(1, 100))
    def test_any_text_is_taken(self, text: str, tokens: int) -> None:
        """Nobody's text makes it fail, and a second time nothing changes."""
        page = PageText(title="", paragraphs=(), text=text)

        condensed = condense(page, tokens)

        again = PageText(title="", paragraphs=(), text=condensed)
        assert condense(again, tokens) == condensed
