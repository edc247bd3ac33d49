"""Tests for app.confluence.sections."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from app.confluence.sections import sections, with_section
from app.errors import MarkupAmbiguous
from tests.unit.confluence.storage_bodies import BODIES

PAGE = (
    "<p>lead</p>\n<h1>A</h1><p>a</p><h2>A1</h2><p>a1</p><h3>A11</h3>"
    "<h2>A2</h2>x<h1>Б &amp; Б</h1><p>b</p> "
)


def cells(*inside: str) -> str:
    """Return a layout of one row."""
    row = "".join(f"<ac:layout-cell>{one}</ac:layout-cell>" for one in inside)
    return f"<ac:layout><ac:layout-section>{row}</ac:layout-section></ac:layout>"


def told(body: str) -> list[tuple[str, int, str]]:
    """Return the sections of a body as tuples."""
    return [(one.heading, one.level, one.markup) for one in sections(body)]


class TestSections:
    """Tests for sections()."""

    def test_nesting(self) -> None:
        """A section goes on to the next heading of its level or above."""
        assert told(PAGE) == [
            ("", 0, "<p>lead</p>\n"),
            ("A", 1, PAGE[12 : PAGE.index("<h1>Б")]),
            ("A1", 2, "<h2>A1</h2><p>a1</p><h3>A11</h3>"),
            ("A11", 3, "<h3>A11</h3>"),
            ("A2", 2, "<h2>A2</h2>x"),
            ("Б & Б", 1, "<h1>Б &amp; Б</h1><p>b</p> "),
        ]

    @pytest.mark.parametrize(
        "body",
        [
            "",
            " \n",
            "<p></p><p />",
            '<p local-id="1"><br/></p>&nbsp;',
            (
                "<ac:layout><ac:layout-section><p /><ac:layout-cell />"
                "</ac:layout-section></ac:layout>"
            ),
        ],
    )
    def test_nothing(self, body: str) -> None:
        """Empty paragraphs make no section."""
        assert told(body) == []

    def test_what_has_no_words_may_be_something(self) -> None:
        """A macro before the first heading is a part of the page."""
        macro = '<ac:structured-macro ac:name="toc" />'

        assert told(f"{macro}<h1>A</h1>") == [("", 0, macro), ("A", 1, "<h1>A</h1>")]

    @pytest.mark.parametrize(
        "inside",
        [
            (
                '<ac:structured-macro ac:name="panel"><ac:rich-text-body><h1>B</h1>'
                "</ac:rich-text-body></ac:structured-macro>"
            ),
            "<table><tbody><tr><td><h1>B</h1></td></tr></tbody></table>",
            "<blockquote><h1>B</h1></blockquote>",
            "<pre>&lt;h1&gt;</pre><![CDATA[<h1>B</h1>]]><!-- <h1>B</h1> -->",
        ],
        ids=["macro", "table", "quotation", "text"],
    )
    def test_headings_inside_something(self, inside: str) -> None:
        """They divide that, not the page."""
        assert told(f"<h2>A</h2>{inside}") == [("A", 2, f"<h2>A</h2>{inside}")]

    def test_headings_read_as_on_the_page(self) -> None:
        """White space is one, invisible characters are none, entities resolved."""
        heading = "<h2> a\n\u200b<b>b</b>&nbsp;&ndash; <ac:emoticon ac:name='x'/></h2>"

        assert sections(heading)[0].heading == "a b –"

    def test_layouts(self) -> None:
        """Sections end with their cell; what is outside of layouts counts as well."""
        layout = cells("<p>1</p><h1>A</h1>2", "<h2>B</h2>", "<p />")

        assert told(f"<h1>Top</h1>{layout}<h3>End</h3>") == [
            ("Top", 1, "<h1>Top</h1>"),
            ("", 0, "<p>1</p>"),
            ("A", 1, "<h1>A</h1>2"),
            ("B", 2, "<h2>B</h2>"),
            ("End", 3, "<h3>End</h3>"),
        ]

    def test_broken_markup(self) -> None:
        """No guess is made."""
        with pytest.raises(MarkupAmbiguous, match="not well-formed"):
            sections("<h1>A</h2>")


class TestWithSection:
    """Tests for with_section()."""

    def test_replaced(self) -> None:
        """With its sub-sections; all else stays."""
        new = "<h1>A</h1><p>ново</p>"

        assert with_section(PAGE, "A", new) == (
            "<p>lead</p>\n" + new + PAGE[PAGE.index("<h1>Б") :]
        )

    def test_lead_replaced(self) -> None:
        """The part before the first heading has no heading."""
        assert with_section(PAGE, "", "<p>new</p>") == "<p>new</p>" + PAGE[12:]

    def test_removed(self) -> None:
        """Bytes of others stay; what is not there is no error."""
        assert with_section(PAGE, "A11", None) == PAGE.replace("<h3>A11</h3>", "")
        assert with_section(PAGE, "C", None) == PAGE

    def test_back_again(self) -> None:
        """Replacing and putting back leaves no trace."""
        old = sections(PAGE)[2]
        new = with_section(PAGE, "A1", "<h2>A1</h2>")

        assert with_section(new, "A1", old.markup) == PAGE

    @pytest.mark.parametrize(
        ("body", "heading", "written"),
        [
            ("<p>1</p>", "N", "<p>1</p>{}"),
            ("", "N", "{}"),
            ("<h1>A</h1>", "", "{}<h1>A</h1>"),
            (cells("1", "<h1>A</h1>"), "N", cells("1", "<h1>A</h1>{}")),
            (cells("<h1>A</h1>", "2"), "N", cells("<h1>A</h1>", "2{}")),
            (
                cells("<h1>A</h1>").replace("</ac:layout-section>", "<ac:layout-cell/></ac:layout-section>"),
                "N",
                cells("<h1>A</h1>", "{}"),
            ),
        ],
    )  # fmt: skip
    def test_added(self, body: str, heading: str, written: str) -> None:
        """What is not there is appended; what has no heading goes to the top."""
        new = "<h1>N</h1><p>n</p>"

        assert with_section(body, heading, new) == written.format(new)

    def test_comes_back_where_it_stood(self) -> None:
        """Before the section that it preceded; that gone, or several: at the end."""
        body = "<h1>A</h1><h1>B</h1><p>b</p><h1>C</h1>"
        section = "<h1>B</h1><p>b</p>"
        without = with_section(body, "B", None)

        assert with_section(without, "B", section, precedes="C") == body
        assert with_section(without, "B", section, precedes="X") == without + section
        assert with_section("<h1>C</h1>" * 2, "B", section, precedes="C").endswith(
            section
        )
        assert with_section("<h1>C</h1>", "", "<p/>", precedes="C") == "<p/><h1>C</h1>"

    def test_several(self) -> None:
        """Which of them is meant nobody knows."""
        with pytest.raises(MarkupAmbiguous, match="2 sections"):
            with_section("<h1>A</h1><h2>A</h2>", "A", "<p/>")
        with pytest.raises(MarkupAmbiguous, match="2 sections"):
            with_section(cells("1", "2"), "", "<p/>")

    @pytest.mark.parametrize(
        "markup", ["<p>", "</ac:layout-cell><ac:layout-cell>", "a & b", "]]>&x;"]
    )
    def test_broken_markup(self, markup: str) -> None:
        """Markup that would break out of its place is refused."""
        with pytest.raises(MarkupAmbiguous):
            with_section("<h1>A</h1>", "A", markup)

    def test_nowhere_to_write(self) -> None:
        """A layout without cells takes nothing."""
        with pytest.raises(MarkupAmbiguous, match="without a cell"):
            with_section("<ac:layout />", "A", "<h1>A</h1>")


class TestAnyBody:
    """Tests over generated storage format."""

    @settings(max_examples=120, deadline=None)
    @given(body=BODIES)
    def test_sections_are_the_body(self, body: str) -> None:
        """Each is found in the body; put in its own place it changes nothing."""
        found = sections(body)
        headings = [one.heading for one in found]

        for one in found:
            assert one.markup in body
            if headings.count(one.heading) == 1:
                assert with_section(body, one.heading, one.markup) == body

    @settings(max_examples=80, deadline=None)
    @given(body=BODIES)
    def test_a_new_section_is_the_last(self, body: str) -> None:
        """It comes and goes without a trace."""
        new = "<h1>Цілком нове</h1><p>x</p>"

        written = with_section(body, "Цілком нове", new)

        assert sections(written)[-1].markup == new
        assert with_section(written, "Цілком нове", None) == body
