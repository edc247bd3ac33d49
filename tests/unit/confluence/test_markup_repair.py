"""Tests for app.confluence.markup_repair."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from lxml import etree

from app.confluence.markup_repair import repair, resolve_references


@pytest.mark.parametrize(
    ("body", "resolved", "faulty"),
    [
        pytest.param("&auml;&nbsp;", "ä\u00a0", False, id="html"),
        pytest.param("&amp;&lt;&gt;&quot;&apos;", None, False, id="xml-stays"),
        pytest.param("&LT;&AMP;", "&lt;&amp;", False, id="markup-stays-escaped"),
        pytest.param("&#228;&#xE4;&#60;", "ää&lt;", False, id="numbers"),
        pytest.param("&#1;&#xFFFFFF;", "\ufffd", True, id="no-characters"),
        pytest.param("<![CDATA[&auml; & ]]>&auml;", None, False, id="cdata"),
        pytest.param("a & b &x; &;", "a &amp; b &amp;x; &amp;;", True, id="none"),
        pytest.param("a\x00b", "ab", True, id="control"),
    ],
)
def test_resolve_references(body: str, resolved: str | None, faulty: bool) -> None:  # noqa: FBT001 - a column of the table
    """HTML's entities become characters, XML's own stay, CDATA is left alone."""
    expected = body.replace("]]>&auml;", "]]>ä") if resolved is None else resolved

    assert resolve_references(body) == (expected, faulty)


@given(st.text("<>/p'\"= :ac-!?[]CDATA&;\n", max_size=80))
@settings(max_examples=300, deadline=None)
def test_repair_makes_well_formed_content(body: str) -> None:
    """Whatever goes in, what comes out parses strictly."""
    source, _ = resolve_references(body)

    wrapped = f'<x xmlns:ac="a:" xmlns:ri="r:">{repair(source)}</x>'

    assert etree.fromstring(wrapped) is not None


def test_well_formed_content_stays() -> None:
    """Repair changes nothing where nothing is broken."""
    body = '<p class="x">a<br/>b</p><ac:link ac:anchor="y"><b>c</b></ac:link>'

    assert repair(body) == body


def test_attributes_that_parse_are_kept() -> None:
    """Of an element's attributes those remain that XML can hold, each once."""
    body = """<ac:image ac:a="1" x:y="2" ac:a="3" b='4' ac:-="5" c=6></ac:image>"""

    assert repair(body) == """<ac:image ac:a="1" b='4'></ac:image>"""
