"""A page as sections of lines."""

from __future__ import annotations

from hypothesis import given, strategies as st

from app.domain.pages import PageText
from app.domain.passages import Section, sections
from tests.unit.domain.site_pages import make_text


def test_headings_code_and_rows() -> None:
    """Lines stand under their heading; fences are no lines."""
    page = PageText(
        title="T",
        paragraphs=(),
        headings=("One", "Two", "Empty"),
        text=(
            "Before.\n\nOne\n\nA.\nOne\nB | C\n\n````\n```\nx = 1\n\n````\n\n"
            "Two\n\n```\ny\n\nEmpty"
        ),
    )

    assert sections(page) == [
        Section(heading="", lines=["Before."]),
        Section(heading="One", lines=["A.", "One", "B | C"], code=["```", "x = 1", ""]),
        Section(heading="Two", lines=["y"]),
        Section(heading="Empty"),
    ]


def test_paragraphs_where_there_is_no_text() -> None:
    """A page that is known by its paragraphs alone has one section."""
    page = PageText(title="T", paragraphs=("A.", "B."))

    assert sections(page) == [Section(lines=["A.", "B."])]
    assert sections(make_text("T")) == []


@given(st.text(alphabet="a`\n |", max_size=80))
def test_no_line_is_lost(text: str) -> None:
    """But for blank ones and fences, all lines are there in their order."""
    page = PageText(title="", paragraphs=(), text=text)

    found = [line for one in sections(page) for line in (*one.lines, *one.code)]

    wanted = [line for line in text.split("\n") if line.strip(" `")]
    assert sorted(line for line in found if line.strip(" `")) == sorted(wanted)
