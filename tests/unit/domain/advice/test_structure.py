"""Tests for app.domain.advice.structure and app.domain.advice.views."""

from __future__ import annotations

import pytest

from app.domain.advice.structure import broken_structure
from tests.unit.domain.advice.pages import prose, seen, signals, told


class TestLength:
    """Pieces that are too long."""

    def test_long_page_without_headings(self) -> None:
        """Told with its length, in fifties."""
        (found,) = broken_structure(seen(prose(90) * 8))

        assert (found.signal, found.facts["words"]) == ("no_headings", "700")

    @pytest.mark.parametrize("body", [prose(80) * 8, prose(200) * 4, "", prose(3)])
    def test_short_pages_need_none(self, body: str) -> None:
        """Nor does one of a few paragraphs."""
        assert list(broken_structure(seen(body))) == []

    def test_giant_section(self) -> None:
        """What lies in its own sub-sections does not count."""
        inside = f"<h2>Parts</h2>{prose(100) * 8}<h3>One</h3>{prose(100) * 8}"

        assert told(broken_structure(seen(f"<h2>Whole</h2>{prose(100) * 16}"))) == [
            ("giant_section", "Whole", "Whole")
        ]
        assert list(broken_structure(seen(inside))) == []

    def test_wall_of_text(self) -> None:
        """A paragraph that nobody reads to its end."""
        (found,) = broken_structure(seen(f"<h2>Whole</h2>{prose(260)}"))

        assert (found.signal, found.heading) == ("wall_of_text", "Whole")
        assert found.facts["words"] == "250"
        assert found.passage.endswith("…")


class TestHeadings:
    """Order and names of headings."""

    @pytest.mark.parametrize(
        ("levels", "jumps"),
        [("123", 0), ("24", 1), ("14", 1), ("313", 1), ("1231", 0), ("3", 0)],
    )
    def test_levels(self, levels: str, jumps: int) -> None:
        """One may go any way up, and one step down."""
        body = "".join(
            f"<h{level}>Heading {at}</h{level}>{prose(5)}"
            for at, level in enumerate(levels)
        )

        assert signals(broken_structure(seen(body))) == ["level_jump"] * jumps

    def test_headings_that_repeat(self) -> None:
        """Beside one another; under different ones they may."""
        beside = f"<h2>A</h2>{prose(3)}<h2>B</h2>{prose(3)}<h2> a </h2>{prose(3)}"
        apart = (
            f"<h2>A</h2><h3>Example</h3>{prose(3)}<h2>B</h2><h3>Example</h3>{prose(3)}"
        )

        (found,) = broken_structure(seen(beside))
        assert (found.signal, found.heading) == ("repeated_heading", "a")
        assert list(broken_structure(seen(apart))) == []
        assert [one.place for one in seen(apart).parts][-1] == "Example #2"

    def test_cells_of_a_layout_do_not_lie_in_one_another(self) -> None:
        """A deeper heading in the next cell is no jump."""
        cell = "<ac:layout-cell>{}</ac:layout-cell>"
        body = (
            '<ac:layout><ac:layout-section ac:type="two_equal">'
            + cell.format(f"<h1>One</h1>{prose(3)}")
            + cell.format(f"<h4>Four</h4>{prose(3)}<h5>Five</h5>{prose(3)}")
            + "</ac:layout-section></ac:layout>"
        )

        page = seen(body)
        assert list(broken_structure(page)) == []
        assert [one.parent for one in page.parts] == [None, None, 1]

    def test_sections_hold_their_own_words_alone(self) -> None:
        """Each paragraph of the page belongs to one part."""
        body = f"{prose(3)}<h1>A</h1>{prose(4)}<h2>B</h2>{prose(5)}<h2>C</h2>{prose(6)}"

        page = seen(body)
        assert [one.words for one in page.parts] == [3, 4, 5, 6]
        assert [one.parent for one in page.parts] == [None, None, 1, 1]
        assert page.words == 18


class TestLists:
    """Lists that are typed."""

    @pytest.mark.parametrize(
        "body",
        [
            "<p>- one</p><p>- two</p><p>- three</p>",
            "<p>- one<br />- two<br/>- three</p>",
            "<p>Text.</p><p>• <strong>one</strong></p>\n<p>• two</p>\n<p>• three</p>",
            "<p>- a</p><p>x</p><p>- one</p><p>- two</p><p>- three</p>",
        ],
    )
    def test_typed(self, body: str) -> None:
        """In paragraphs or with line breaks; told once a section."""
        (found,) = broken_structure(seen(body + body))

        assert found.signal == "typed_list"
        assert "one" in found.passage

    @pytest.mark.parametrize(
        "body",
        [
            "<ul><li>- one</li><li>- two</li><li>- three</li></ul>",
            "<p>- one</p><p>- two</p><h2>x</h2><p>- three</p>",
            "<p>- one</p><p>- two</p><hr /><p>- three</p>",
            "<p>— Привіт!</p><p>— Добрий день!</p><p>— Як справи?</p>",
            "<p>-5 °C</p><p>--</p><p>- </p><p>---</p>",
            "<pre>- one<br/>- two<br/>- three</pre>",
            "<p>one - two<br/>three - four<br/>five - six</p>",
        ],
    )
    def test_other_dashes(self, body: str) -> None:
        """Real lists, dialogues, numbers, rules, code."""
        assert list(broken_structure(seen(body))) == []


class TestTables:
    """Tables whose columns nobody has named."""

    ROW = "<tr><td>a</td><td>b</td></tr>"

    def test_without_header(self) -> None:
        """Told with its first row."""
        table = f"<table><tbody>{self.ROW * 3}</tbody></table>"

        (found,) = broken_structure(seen(table + table))
        assert (found.signal, found.passage) == ("headless_table", "a b")

    @pytest.mark.parametrize(
        "rows",
        [
            "<tr><th>A</th><th>B</th></tr>" + ROW * 3,
            "<tr><th>A</th><td>b</td></tr>" * 3,
            ROW * 2,
            "<tr><td>a</td></tr>" * 5,
        ],
    )
    def test_with_header_or_none_needed(self, rows: str) -> None:
        """At its top, at its side; a table of two rows or one column needs none."""
        assert (
            list(broken_structure(seen(f"<table><tbody>{rows}</tbody></table>"))) == []
        )
