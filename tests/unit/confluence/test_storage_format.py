"""Tests for app.confluence.storage_format.read_storage()."""

from __future__ import annotations

import pytest

from app.confluence.storage_format import MAX_BODY
from tests.unit.confluence.doubles import read


def _macro(name: str, content: str) -> str:
    return f'<ac:structured-macro ac:name="{name}">{content}</ac:structured-macro>'


@pytest.mark.parametrize(
    ("body", "paragraphs"),
    [
        pytest.param("<p>one</p><p>two</p>", ("one", "two"), id="paragraphs"),
        pytest.param("bare<p>two</p>tail", ("bare", "two", "tail"), id="bare-text"),
        pytest.param("<p>a<b>b</b>c</p>", ("abc",), id="inline-joins"),
        pytest.param("<p>a<br/>b</p>", ("a b",), id="break-is-a-space"),
        pytest.param("<p>a<br/> <br/>b</p>", ("a", "b"), id="two-breaks-are-an-end"),
        pytest.param("<div>a<div>b</div>c</div>", ("a", "b", "c"), id="nested-blocks"),
        pytest.param("<p>a<ac:image/>b</p>", ("a b",), id="image-between-words"),
        pytest.param("<p>a&nbsp;&auml;&#x42;&mdash;</p>", ("a äB—",), id="entities"),
        pytest.param("<p>&amp;nbsp; &lt;b&gt;</p>", ("&nbsp; <b>",), id="escaped"),
        pytest.param("<p>&#150;</p>", ("–",), id="windows-dash"),
        pytest.param("<p>и\u0306</p>", ("й",), id="nfc"),
        pytest.param("<p>ab\u200b\u200dc\u00ad</p>", ("abc",), id="invisible"),
        pytest.param("<p>👩\u200d💻</p>", ("👩\u200d💻",), id="joined-emoji"),
        pytest.param(
            "<p>Done <ac:emoticon ac:emoji-fallback='✅'/>.</p>",
            ("Done ✅.",),
            id="emoji-before-a-full-stop",
        ),
        pytest.param("<p>a<!-- x --><?pi y?>b</p>", ("ab",), id="comment-and-pi"),
        pytest.param(
            "<ac:link ac:anchor='part'><ac:link-body></ac:link-body></ac:link>",
            (),
            id="empty-link-body",
        ),
        pytest.param(
            '<div xmlns="http://www.w3.org/1999/xhtml">a<b>b</b></div>',
            ("ab",),
            id="declared-xhtml",
        ),
        pytest.param(
            '<ac:link xmlns:ac="http://www.atlassian.com/schema/confluence/4/ac/">'
            "<ac:link-body>a</ac:link-body></ac:link>b",
            ("a b",),
            id="declared-prefix",
        ),
        pytest.param("<ac:link ac:anchor='part'/>", ("part",), id="anchor-link"),
        pytest.param(
            "<ac:adf-extension><ac:adf-fallback><p>only</p></ac:adf-fallback>"
            "</ac:adf-extension>",
            ("only",),
            id="fallback-without-content",
        ),
    ],
)
def test_paragraphs(body: str, paragraphs: tuple[str, ...]) -> None:
    """Blocks become paragraphs, and words neither glue nor split."""
    text = read(body)

    assert text.paragraphs == paragraphs
    assert not text.damaged


def test_headings_are_apart_from_prose() -> None:
    """A heading is no paragraph, however much is inside it."""
    text = read("<h2>Über <em>uns</em></h2><p>Text</p><h3><p>Inner</p></h3>")

    assert text.headings == ("Über uns", "Inner")
    assert text.paragraphs == ("Text",)
    assert text.text == "Über uns\n\nText\n\nInner"


def test_table_rows_are_lines() -> None:
    """Cells of a row stand on one line, rows below one another."""
    row = "<tr><td>{0}1</td><td><p>{0}2</p></td></tr>"
    body = f"<p>x</p><table><tbody>{row.format('a')}{row.format('b')}</tbody></table><p>y</p>"

    text = read(body)

    assert text.text == "x\na1 | a2\nb1 | b2\n\ny"
    assert text.paragraphs == ("x", "a1", "a2", "b1", "b2", "y")


def test_code_in_a_table_cell_keeps_its_fence() -> None:
    """A fence never shares its line with a cell border."""
    code = _macro("code", "<ac:plain-text-body><![CDATA[x = 1]]></ac:plain-text-body>")

    text = read(f"<table><tr><td>a</td><td>{code}</td><td>b</td></tr></table>")

    assert text.text == "a\n```\nx = 1\n```\nb"


def test_code_keeps_its_lines() -> None:
    """Indentation, empty lines and what looks like markup stay in code."""
    source = "\n  if a &lt; b:\r\n\n      go()   \n"
    body = f"<ac:plain-text-body><![CDATA[{source}]]></ac:plain-text-body>"

    text = read(_macro("code", body))

    assert text.code == ("  if a &lt; b:\n\n      go()",)
    assert text.paragraphs == ()


def test_cdata_end_inside_cdata() -> None:
    """A split `]]>` is put together again."""
    body = "<ac:plain-text-body><![CDATA[a]]]]><![CDATA[>b]]></ac:plain-text-body>"

    text = read(_macro("noformat", body))

    assert text.code == ("a]]>b",)


def test_own_summary_is_left_out_wherever_its_name_stands() -> None:
    """Our excerpt is skipped even if the name follows the body."""
    summary = "<ac:rich-text-body><p>ours</p></ac:rich-text-body>"
    name = '<ac:parameter ac:name="name">confluence-ai</ac:parameter>'

    text = read(_macro("excerpt", summary + name) + "<p>theirs</p>")

    assert text.paragraphs == ("theirs",)


def test_text_after_a_dropped_element_is_kept() -> None:
    """Only the element vanishes, not what follows it."""
    text = read("<p>a <ac:placeholder>x</ac:placeholder> b</p>")

    assert text.paragraphs == ("a b",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("<p>a</b>c</p><p>d</p>", "a c d", id="stray-end"),
        pytest.param("</page><p>after</p>", "after", id="wrapper-end"),
        pytest.param("<p>un<b>closed", "unclosed", id="unclosed"),
        pytest.param("<p>x<br>y<hr>z</p>", "x y z", id="void-elements"),
        pytest.param("<p a=b c>attr</p>", "attr", id="bad-attributes"),
        pytest.param("<p a='1' a='2'>twice</p>", "twice", id="doubled-attribute"),
        pytest.param("<o:p>Word</o:p>", "Word", id="unknown-prefix"),
        pytest.param("a < b & c", "a < b & c", id="bare-signs"),
        pytest.param("AT&T &bogus; x", "AT&T &bogus; x", id="unknown-entity"),
        pytest.param("<p>a\x00b\ud800c</p>", "abc", id="not-xml"),
        pytest.param("<p>x</p>]]><p>y</p>", "x ]]> y", id="cdata-end"),
        pytest.param("<p>a</p><![CDATA[open <b>", "a open <b>", id="open-cdata"),
        pytest.param("<p>cut</p><p class='", "cut", id="cut-in-a-tag"),
        pytest.param("<?xml version='1.0'?><p>q</p>", "q", id="xml-declaration"),
        pytest.param("<P>Upper</P><p>x</p></P>", "Upper x", id="upper-case"),
        pytest.param("<!DOCTYPE a SYSTEM 'file:///x'><p>t</p>", "t", id="doctype"),
    ],
)
def test_broken_markup_keeps_its_text(body: str, words: str) -> None:
    """Damage is told, and no word is lost for it."""
    text = read(body)

    assert " ".join(text.text.split()) == words
    assert text.damaged


def test_entity_bomb_does_not_expand() -> None:
    """Declared entities are never resolved."""
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    body = f'<!DOCTYPE x [<!ENTITY a0 "boom">{levels}]><p>&a8; end</p>'

    text = read(body)

    assert len(text.text) < 100
    assert text.text.endswith("end")
    assert text.damaged


def test_external_entity_is_not_read() -> None:
    """A body cannot make us read a file."""
    body = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><p>&f;</p>'

    text = read(body)

    assert "root:" not in text.text


def test_missing_end_of_a_parameter_hides_nothing() -> None:
    """A parameter that is never closed does not swallow the page."""
    body = (
        '<ac:structured-macro ac:name="info"><ac:parameter ac:name="icon">x<p>kept</p>'
    )

    text = read(body)

    assert text.paragraphs == ("kept",)


@pytest.mark.parametrize("depth", [199, 260, 5_000])
def test_deep_nesting_keeps_all_text(depth: int) -> None:
    """However deep the elements nest, the words inside and after are read."""
    body = "<div>a" * depth + "deep" + "</div>" * depth + "<p>after</p>"

    text = read(body)

    assert text.text.split() == ["a"] * (depth - 1) + ["adeep", "after"]


def test_huge_body_is_cut_and_told() -> None:
    """Beyond 5 MB nothing is read, and the page counts as damaged."""
    paragraph = "<p>" + "слово word " * 100 + "</p>"
    body = paragraph * (MAX_BODY // len(paragraph) + 1) + "<p>last</p>"

    text = read(body)

    assert text.damaged
    assert text.paragraphs[0].startswith("слово word слово")
    assert "last" not in text.paragraphs


def test_deep_end_tags_close_what_they_opened() -> None:
    """Beyond the depth that is kept, tags vanish in pairs."""
    body = "<div>" * 300 + "<h1>t</h1>" + "</div>" * 300 + "<h1>Head</h1>"

    text = read(body)

    assert text.headings == ("Head",)
