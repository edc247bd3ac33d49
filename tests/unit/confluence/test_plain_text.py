"""Tests for app.confluence.plain_text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from app.confluence.markup_tree import read_markup
from app.confluence.plain_text import from_text, links

_CODE = (
    '<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:plain-text-body>'
    "<![CDATA[{}]]></ac:plain-text-body></ac:structured-macro>"
)
#: What from_text() may write; nothing else is ever in its result.
_OURS = {
    *("page", "p", "br", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("ac:structured-macro", "ac:plain-text-body"),
}


class TestFromText:
    """Tests for from_text()."""

    @pytest.mark.parametrize(
        ("text", "markup"),
        [
            ("", ""),
            (" \n\t\n", ""),
            ("a", "<p>a</p>"),
            ("a\nb\n\n\nc", "<p>a<br />b</p><p>c</p>"),
            ("a\r\nb\r\rc", "<p>a<br />b</p><p>c</p>"),
            ("  a <b>&amp;</b>  ", "<p>a &lt;b&gt;&amp;amp;&lt;/b&gt;</p>"),
            ("# Один", "<h1>Один</h1>"),
            ("###### Six\n# One", "<h6>Six</h6><h1>One</h1>"),
            ("## A\n## B", "<h2>A</h2><h2>B</h2>"),
            ("####### seven", "<p>####### seven</p>"),
            ("#tag\n#", "<p>#tag<br />#</p>"),
            ("- a\n* b\n\n- c", "<ul><li><p>a</p></li><li><p>b</p></li></ul><ul><li><p>c</p></li></ul>"),
            ("1. a\n  27. b", "<ol><li><p>a</p></li><li><p>b</p></li></ol>"),
            ("- a\n1. b", "<ul><li><p>a</p></li></ul><ol><li><p>b</p></li></ol>"),
            ("-a\n1.b\n1) c\n-", "<p>-a<br />1.b<br />1) c<br />-</p>"),
            ("a\n- b\n## c\nd", "<p>a</p><ul><li><p>b</p></li></ul><h2>c</h2><p>d</p>"),
            ("```py\n  x = 1\n\n# no\n```\nafter", _CODE.format("  x = 1\n\n# no") + "<p>after</p>"),
            ("```\na ]]> b\n```", _CODE.format("a ]]]]><![CDATA[> b")),
            ("````\n```\n````", _CODE.format("```")),
            ("```\nunclosed", _CODE.format("unclosed")),
            ("```\na\n``` b\n````", _CODE.format("a\n``` b")),
            ("```\n```\n```\nx\n```", _CODE.format("") + _CODE.format("x")),
            ("``` a `b` ```", "<p>``` a `b` ```</p>"),
            ("```\n\x00<a>\x1b\n```", _CODE.format("<a>")),
            ("a\x00\x0b\ud800\ufffe\uffffb", "<p>ab</p>"),
            ("[a](javascript:b) {macro} **c**", "<p>[a](javascript:b) {macro} **c**</p>"),
        ],
    )  # fmt: skip
    def test_markup(self, text: str, markup: str) -> None:
        """Each kind of line becomes its own kind of block."""
        assert from_text(text) == markup

    @settings(max_examples=150, deadline=None)
    @given(
        st.text(
            st.one_of(st.sampled_from("<>&]['\"`#-*1. \n\tя"), st.characters()),
            max_size=60,
        )
    )
    def test_nothing_survives_as_markup(self, text: str) -> None:
        """Whatever the text: the result is well-formed and made of our own elements."""
        nodes = list(read_markup(from_text(text)).root.walk())

        assert {node.name for node in nodes} <= _OURS
        assert {name for node in nodes for name in node.attributes} <= {
            "ac:name",
            "ac:schema-version",
        }

    def test_a_huge_text(self) -> None:
        """A long text is read line by line."""
        assert from_text("- x\n" * 50_000).count("<li>") == 50_000


class TestLinks:
    """Tests for links()."""

    def test_titles_are_text(self) -> None:
        """Whatever they look like; what XML cannot hold is left out."""
        (item,) = read_markup(links(['<b>"ї" & \x00\'']) or "<p/>").root.children
        (page,) = [one for one in item.walk() if one.name == "ri:page"]

        assert page.attributes == {"ri:content-title": '<b>"ї" & \''}

    def test_none(self) -> None:
        """An empty list is no list."""
        assert links([]) == ""
