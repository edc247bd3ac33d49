"""Tests for app.confluence.markup_tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from app.confluence.markup_tree import is_same_markup, read_markup
from tests.unit.confluence.storage_bodies import BODIES


class TestPositions:
    """Tests for read_markup()."""

    @pytest.mark.parametrize(
        ("body", "whole", "inside"),
        [
            ("ї<p>x</p>я", "<p>x</p>", "x"),
            ("<p/>", "<p/>", ""),
            ("🙂<p a='/>'>/</p >", "<p a='/>'>/</p >", "/"),
            ('<p a="x > y" />z', '<p a="x > y" />', ""),
            ("<p\n>&nbsp;<b/></p\n>", "<p\n>&nbsp;<b/></p\n>", "&nbsp;<b/>"),
            ("<p><!-- </p> --></p>", "<p><!-- </p> --></p>", "<!-- </p> -->"),
        ],
    )
    def test_of_the_first_element(self, body: str, whole: str, inside: str) -> None:
        """Positions are bytes of what was read."""
        markup = read_markup(body)
        node = next(markup.root.children)

        assert markup.between(node.start, node.end) == whole
        assert markup.between(node.inner, node.close) == inside
        assert node.is_shut == whole.endswith("/>")

    @settings(max_examples=80, deadline=None)
    @given(BODIES)
    def test_every_element_stands_where_it_says(self, body: str) -> None:
        """Tags begin and end there, whatever stands around them."""
        markup = read_markup(body)

        assert markup.between(markup.root.inner, markup.root.close) == body
        for node in markup.root.walk():
            whole = markup.between(node.start, node.end)
            assert whole.startswith(f"<{node.name}")
            assert whole.endswith(">")
            if not node.is_shut:
                end = markup.between(node.close, node.end)
                assert end.startswith(f"</{node.name}")

    def test_text(self) -> None:
        """Entities and CDATA are what they stand for."""
        root = read_markup("a&nbsp;<b>&amp;&#1111;</b><![CDATA[<i>&x;]]>").root

        assert root.text == "a\u00a0&ї<i>&x;"


class TestIsSameMarkup:
    """Tests for is_same_markup()."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("<p/>", "<p></p>"),
            ("<p>&nbsp;x</p>", "<p>\u00a0x</p>"),
            (
                '<ac:structured-macro ac:name="toc"/>',
                ('<ac:structured-macro ac:macro-id="1" ac:schema-version="1" '
                'ac:local-id="2" ac:name="toc" />'),
            ),
            ("<p>x</p>", '<p local-id="1">x</p>'),
            ('<ri:page ri:content-title="x"/>', '<ri:page ri:content-title="x" ri:version-at-save="3" />'),
            ("a &amp; b", "a <![CDATA[&]]> b"),
            ("<p>broken", "<p>broken"),
            ("a<!-- x -->b", "ab"),
        ],
    )  # fmt: skip
    def test_same(self, one: str, other: str) -> None:
        """What a site adds in saving makes no difference."""
        assert is_same_markup(one, other)
        assert is_same_markup(other, one)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("<p>a</p>", "<p>b</p>"),
            ("<p>a</p>", "<p>a</p> "),
            ("<p>a</p>", "<h1>a</h1>"),
            ("<b>a</b>b", "<b>ab</b>"),
            ('<a href="1"/>', '<a href="2"/>'),
            ("<p>broken", "<p>broken</p>"),
        ],
    )
    def test_different(self, one: str, other: str) -> None:
        """What people would see makes one."""
        assert not is_same_markup(one, other)
