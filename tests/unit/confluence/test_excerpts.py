"""Tests for app.confluence.excerpts."""

from __future__ import annotations

import time
from itertools import takewhile

import pytest
from hypothesis import given, settings

from app.confluence.excerpts import excerpt, with_excerpt
from app.confluence.markup import StorageMarkup
from app.confluence.markup_tree import read_markup
from app.domain.fingerprint import content_hash
from app.domain.pages import OWN_EXCERPT
from app.errors import MarkupAmbiguous
from tests.unit.confluence.doubles import read
from tests.unit.confluence.storage_bodies import BODIES, LINES

NAME = "ours"


def block(inside: str = "<p>Сказано.</p>", name: str = NAME, **more: str) -> str:
    """Return an excerpt block as a site gives it back."""
    added = "".join(f' ac:{key.replace("_", "-")}="{more[key]}"' for key in more)
    return (
        f'<ac:structured-macro{added} ac:name="excerpt" >'
        f'<ac:parameter ac:name="hidden">true</ac:parameter>\n'
        f'<ac:parameter ac:name="name"> {name} </ac:parameter>'
        f"<ac:rich-text-body>{inside}</ac:rich-text-body></ac:structured-macro>"
    )


def ours(text: str) -> str:
    """Return a fresh block with one paragraph."""
    return (
        '<ac:structured-macro ac:name="excerpt" ac:schema-version="1">'
        '<ac:parameter ac:name="name">ours</ac:parameter>'
        f"<ac:rich-text-body><p>{text}</p></ac:rich-text-body></ac:structured-macro>"
    )


class TestExcerpt:
    """Tests for excerpt()."""

    @pytest.mark.parametrize(
        ("inside", "text"),
        [
            ("<p>Одне.</p><p>Two &amp; three&nbsp;.</p>", "Одне.\nTwo & three\u00a0."),
            ("<p>a</p><p /><p> b </p>", "a\n\n b "),
            ("", ""),
            ("<p></p>", ""),
            (" \n <p>a</p>\n ", "a"),
            ("loose <b>text</b>", "loose text"),
            ("<p>a<br/>b</p>", "a\nb"),
            ("<ul><li><p>a</p></li> <li>b</li></ul>", "a\nb"),
            ("before<p>in</p>after", "before\nin\nafter"),
            ("<p><![CDATA[<b>]]>&lt;</p>", "<b><"),
            (
                '<p><ac:inline-comment-marker ac:ref="1">x</ac:inline-comment-marker>y</p>',
                "xy",
            ),
            (
                (
                    '<ac:structured-macro ac:name="status"><ac:parameter ac:name="title">DONE'
                    "</ac:parameter></ac:structured-macro><p>x</p>"
                ),
                "x",
            ),
        ],
    )
    def test_text(self, inside: str, text: str) -> None:
        """Paragraphs and the like are lines; entities and CDATA are what they stand for."""
        assert excerpt(f"<p>1</p>{block(inside)}<p>2</p>", NAME) == text

    @pytest.mark.parametrize(
        "body",
        [
            block(macro_id="0", local_id="1", schema_version="1"),
            (
                f"<ac:layout><ac:layout-section><ac:layout-cell>{block()}</ac:layout-cell>"
                "</ac:layout-section></ac:layout>"
            ),
            f"<table><tr><td>{block()}</td></tr></table>",
            block().replace("structured-macro", "macro"),
        ],
        ids=["attributes", "layout", "table", "old macro"],
    )
    def test_found(self, body: str) -> None:
        """Wherever it stands and whatever the site added, it is found."""
        assert excerpt(body, NAME) == "Сказано."

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "<p>x</p>",
            f"<!-- {block()} -->",
            f"<p><![CDATA[{block()}]]></p>",
            block(name="theirs"),
            block().replace('"excerpt"', '"excerpt-include"'),
            block().replace('ac:name="name"', 'ac:name="title"'),
            (
                f'<ac:structured-macro ac:name="excerpt"><ac:rich-text-body>{NAME}'
                "</ac:rich-text-body></ac:structured-macro>"
            ),
        ],
        ids=["empty", "none", "comment", "cdata", "name", "include", "title", "text"],
    )
    def test_not_there(self, body: str) -> None:
        """What only looks like it is not ours."""
        assert excerpt(body, NAME) is None

    def test_without_a_body(self) -> None:
        """A block without a body says nothing."""
        bare = block().partition("<ac:rich-text-body>")[0] + "</ac:structured-macro>"

        assert excerpt(bare, NAME) == ""
        assert excerpt(with_excerpt(bare, NAME, "Now"), NAME) == "Now"

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (block() + block(), "2 excerpt blocks"),
            (block(block()), "2 excerpt blocks"),
            (
                block("<p>a</p></ac:rich-text-body><ac:rich-text-body>"),
                "several bodies",
            ),
            ("<p>", "not well-formed"),
            ("</page><page>", "not well-formed"),
            ("<!DOCTYPE x>", "not well-formed"),
            ("a & b", "not well-formed"),
            ("&unheard;", "unknown entity"),
            ("\ud800", "not well-formed"),
            ("\x00", "not well-formed"),
            ("<a>" * 300 + "</a>" * 300, "nested too deep"),
        ],
    )
    def test_ambiguous(self, body: str, reason: str) -> None:
        """No guess is made, neither in reading nor in writing."""
        with pytest.raises(MarkupAmbiguous, match=reason):
            excerpt(body, NAME)
        with pytest.raises(MarkupAmbiguous, match=reason):
            with_excerpt(body, NAME, "x")


class TestWithExcerpt:
    """Tests for with_excerpt()."""

    def test_a_new_block_stands_at_the_top(self) -> None:
        """Before anything else, one paragraph a line, escaped."""
        body = " <p>a</p>"

        written = with_excerpt(body, NAME, 'Ґ < 1 & "2"\n<b>')

        assert written == ours('Ґ &lt; 1 &amp; "2"</p><p>&lt;b&gt;') + body

    def test_a_new_block_in_a_layout(self) -> None:
        """A page with a layout keeps all its content in cells."""
        body = (
            '<ac:layout><ac:layout-section ac:type="x"><ac:layout-cell><p>a</p>'
            "</ac:layout-cell><ac:layout-cell/></ac:layout-section></ac:layout>"
        )

        written = with_excerpt(body, NAME, "S")

        assert written == body.replace("<p>a</p>", ours("S") + "<p>a</p>")

    def test_an_empty_cell_is_opened(self) -> None:
        """A cell that is one tag becomes two."""
        cell = "<ac:layout><ac:layout-section>{}</ac:layout-section></ac:layout>"

        written = with_excerpt(cell.format("<ac:layout-cell />"), NAME, "S")

        assert written == cell.format(f"<ac:layout-cell>{ours('S')}</ac:layout-cell>")

    def test_a_layout_without_cells(self) -> None:
        """There is nowhere to write."""
        with pytest.raises(MarkupAmbiguous, match="without a cell"):
            with_excerpt("<ac:layout></ac:layout>", NAME, "S")

    def test_an_old_block_keeps_place_and_parameters(self) -> None:
        """Only the text inside changes."""
        body = f"<p>1</p>{block(macro_id='7')}<p>2</p>"

        written = with_excerpt(body, NAME, "New")

        assert written == body.replace("<p>Сказано.</p>", "<p>New</p>")

    def test_a_shut_body_is_opened(self) -> None:
        """As a site writes a body that is empty."""
        body = block("").replace(
            "<ac:rich-text-body></ac:rich-text-body>", "<ac:rich-text-body />"
        )

        assert with_excerpt(body, NAME, "New") == block("<p>New</p>")

    def test_what_is_said_already_keeps_its_bytes(self) -> None:
        """Ids and marks inside survive where the text is the same."""
        body = block('<p local-id="1">Сказано&#46;</p>')

        assert with_excerpt(body, NAME, "Сказано.") == body

    def test_removal(self) -> None:
        """The block goes, all else stays; none being there is no error."""
        assert (
            with_excerpt(f"<p>1</p>{block()} <p>2</p>", NAME, None)
            == "<p>1</p> <p>2</p>"
        )
        assert with_excerpt("<p>1</p>", NAME, None) == "<p>1</p>"

    def test_what_xml_cannot_hold_is_left_out(self) -> None:
        """Control characters, surrogates and noncharacters vanish; lines end in one way."""
        written = with_excerpt("", NAME, "a\x00\x1b[1m\ud800\uffff\r\nb\rc")

        assert excerpt(written, NAME) == "a[1m\nb\nc"

    def test_a_name_is_text(self) -> None:
        """A name with markup in it is a name."""
        written = with_excerpt("", "<a&b>", "x")

        assert "&lt;a&amp;b&gt;" in written
        assert excerpt(written, "<a&b>") == "x"

    def test_our_own_block_is_not_read_back_as_text(self) -> None:
        """The page's text leaves out the block that the summary is written to."""
        body = with_excerpt("<p>Text</p>", OWN_EXCERPT, "Summary")

        assert read(body).text == "Text"

    @pytest.mark.parametrize(
        "around",
        [
            "<p>a</p>\r\n<p>b\r\n</p>\r",
            "<p>\ta\u2028\ufeff</p>\n\n",
            "<p>👩\u200d💻🙂</p><p>е\u0301</p>",
            "<p>&nbsp;&#13;&#x41;&mdash;</p >",
            "<p a='1'  b = \"2\"\r\n>x</p\n>",
            "<p><![CDATA[]]]]><![CDATA[>\r\n<ac:macro>]]></p>",
            "<!-- a\r\n--><?x y?>",
        ],
        ids=["crlf", "bom", "emoji", "entities", "spaces in tags", "cdata", "comment"],
    )
    def test_bytes_around_the_block_stay(self, around: str) -> None:
        """Line ends, references and white space are no business of ours."""
        body = around + block("<p>Old\r\nwords</p>") + around

        written = with_excerpt(body, NAME, "New")

        assert written == around + block("<p>New</p>") + around
        assert with_excerpt(body, NAME, None) == around + around
        assert with_excerpt(around, NAME, "S") == ours("S") + around

    def test_a_block_that_people_moved_and_filled(self) -> None:
        """In a panel in a layout, with a macro and a comment in it: it alone changes."""
        inside = (
            '<p><ac:inline-comment-marker ac:ref="1">Old</ac:inline-comment-marker> '
            'words.</p><ac:structured-macro ac:name="info"><ac:rich-text-body>'
            "<p>More.</p></ac:rich-text-body></ac:structured-macro>"
        )
        page = (
            '<ac:layout><ac:layout-section ac:type="two_equal"><ac:layout-cell><p>1</p>'
            "</ac:layout-cell><ac:layout-cell><ac:structured-macro ac:name="
            '"panel"><ac:rich-text-body>{}<p>2</p></ac:rich-text-body>'
            "</ac:structured-macro></ac:layout-cell></ac:layout-section></ac:layout>"
        )

        assert excerpt(page.format(block(inside)), NAME) == "Old words.\nMore."
        written = with_excerpt(page.format(block(inside)), NAME, "New")
        assert written == page.format(block("<p>New</p>"))

    def test_a_large_page_comes_to_an_end(self) -> None:
        """Work grows with the page and no faster."""
        cell = '<td><p>Комірка <b>a</b></p></td><td><ri:user ri:account-id="1" /></td>'
        body = f"<table>{f'<tr>{cell}</tr>' * 2_400}</table>"
        started = time.process_time()

        written = with_excerpt(body, NAME, "Summary")

        assert time.process_time() - started < 20  # quadratic work would take minutes
        assert written == ours("Summary") + body


def _alike(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    same = takewhile(lambda pair: pair[0] == pair[1], pairs)
    return sum(1 for _ in same)


def _changed(before: str, after: str) -> tuple[str, str]:
    """Return what differs between two texts: a part of each."""
    start = _alike(before, after)
    before, after = before[start:], after[start:]
    end = _alike(before[::-1], after[::-1])
    return before[: len(before) - end], after[: len(after) - end]


class TestAnyBody:
    """Tests over generated storage format."""

    @settings(max_examples=150, deadline=None)
    @given(body=BODIES, text=LINES, other=LINES)
    def test_splice(self, body: str, text: str, other: str) -> None:
        """One insertion, read back as it was, idempotent, and removed without a trace."""
        written = with_excerpt(body, NAME, text)
        again = with_excerpt(written, NAME, other)

        removed, added = _changed(body, written)
        assert removed == ""
        assert len(added) == len(written) - len(body)
        assert excerpt(body, NAME) is None
        assert excerpt(written, NAME) == text
        assert excerpt(again, NAME) == other
        assert with_excerpt(written, NAME, text) == written
        assert with_excerpt(again, NAME, text) == written
        assert with_excerpt(written, NAME, None) == body
        assert with_excerpt(again, NAME, None) == body

    @settings(max_examples=80, deadline=None)
    @given(body=BODIES, text=LINES)
    def test_the_page_says_the_same(self, body: str, text: str) -> None:
        """Our own block changes nothing of what is read, so no AI is asked for it."""
        written = with_excerpt(body, OWN_EXCERPT, text)

        assert content_hash(read(written)) == content_hash(read(body))

    @settings(max_examples=80, deadline=None)
    @given(body=BODIES, text=LINES)
    def test_everything_else_survives(self, body: str, text: str) -> None:
        """All elements with their references are there still, in their order."""

        def told(markup: str) -> list[tuple[str, dict[str, str]]]:
            nodes = read_markup(markup).root.walk()
            return [(node.name, dict(node.attributes)) for node in nodes]

        before, after = told(body), told(with_excerpt(body, NAME, text))
        place = next(
            (at for at, one in enumerate(after) if one[1] == told(ours(""))[0][1]), 0
        )
        new = len(after) - len(before)

        assert after[:place] + after[place + new :] == before

    @settings(max_examples=80, deadline=None)
    @given(body=BODIES, before=LINES, after=LINES)
    def test_replacement_in_place(self, body: str, before: str, after: str) -> None:
        """A block that stands at the bottom is changed there, and there only."""
        head = body + block("").partition("<ac:rich-text-body>")[0]
        old = with_excerpt(body + block("<p>?</p>"), NAME, before)

        new = with_excerpt(old, NAME, after)

        assert new.startswith(head)
        assert excerpt(new, NAME) == after
        assert with_excerpt(new, NAME, before) == old


def test_port() -> None:
    """The class for the rest of the house says the same."""
    markup = StorageMarkup()

    written = markup.with_excerpt("<h1>A</h1>", NAME, "x")

    assert markup.excerpt(written, NAME) == "x"
    assert [one.heading for one in markup.sections(written)] == ["", "A"]
    assert markup.with_section("<h1>A</h1>", "A", None) == ""
    assert markup.from_text("a") == "<p>a</p>"
