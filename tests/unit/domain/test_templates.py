"""Templates: values are text wherever they stand, and all other bytes stay."""

from __future__ import annotations

import pytest

from app.confluence.markup_tree import read_markup
from app.domain.templates import (
    checked_title,
    fill,
    fill_title,
    placeholders,
    require,
    values_of,
)
from app.errors import MalformedPayload


class TestFill:
    """Tests for fill()."""

    @pytest.mark.parametrize(
        ("template", "value", "filled"),
        [
            ("<p>{{x}}</p>", "<b>&amp;", "<p>&lt;b&gt;&amp;amp;</p>"),
            ("<p>{{ x }} {{x}}</p>", "ї", "<p>ї ї</p>"),
            ('<a href="{{x}}">y</a>', "a\"b'<", '<a href="a&quot;b&#x27;&lt;">y</a>'),
            ("<a href='{{x}}'/>", "a'b", "<a href='a&#x27;b'/>"),
            ("<![CDATA[{{x}}]]>", "a]]>b<", "<![CDATA[a]]]]><![CDATA[>b<]]>"),
            ("{{x}}", "{{x}}", "{{x}}"),
            ("<p>{{x.y}} {{1}} {{}} {x}</p>", "v", "<p>{{x.y}} {{1}} {{}} {x}</p>"),
            ('<p title="a > b">{{x}}</p>', "v", '<p title="a > b">v</p>'),
            ("<!-- {{1}} --><br/>{{x}}", "v", "<!-- {{1}} --><br/>v"),
        ],
    )
    def test_values_are_text(self, template: str, value: str, filled: str) -> None:
        """In text, attributes and CDATA, each as the place needs it."""
        assert fill(template, {"x": value}) == filled

    def test_everything_else_survives(self) -> None:
        """Macros, entities, odd spacing: byte for byte."""
        macro = (
            '<ac:structured-macro  ac:name="toc" ac:macro-id="1"/>&nbsp;<p\n>a</p>'
            "<ac:placeholder>Say who</ac:placeholder><ri:page ri:content-title='Ї'/>"
        )

        assert fill(f"{macro}{{{{x}}}}", {"x": "v"}) == f"{macro}v"

    @pytest.mark.parametrize(
        "template", ["<{{x}}>", "<p {{x}}>y</p>", "<!-- {{x}} -->", "<?x {{x}}?>"]
    )
    def test_no_place_for_text(self, template: str) -> None:
        """A name of an element is none, nor a remark; a value makes no element."""
        with pytest.raises(MalformedPayload, match="no text can"):
            fill(template, {"x": "v"})

    def test_result_stays_well_formed(self) -> None:
        """Whatever the values are."""
        template = '<p a="{{x}}">{{x}}</p><ac:l><![CDATA[{{x}}]]></ac:l>'

        filled = fill(template, {"x": "<]]>&\"'{{x}}\u202e</p>"})

        assert "\u202e" in read_markup(filled).root.text


class TestNames:
    """Names and values."""

    def test_each_once_in_order(self) -> None:
        """Of any script."""
        assert placeholders("{{b}} {{ а-б }} {{b}} {{a_1}}") == ("b", "а-б", "a_1")

    def test_pairs(self) -> None:
        """The first equals sign parts them."""
        assert values_of(("a=b=c", "ім'я=x"[0:2] + "=", "b=")) == {
            "a": "b=c",
            "ім": "",
            "b": "",
        }

    def test_bad_pairs_are_told_together(self) -> None:
        """No equals sign, no name, twice, too long, not for pages."""
        long, bad = "c=" + "x" * 20_001, "d=\x00"

        with pytest.raises(MalformedPayload) as told:
            values_of(("a", "1=x", "b=1", "b=2", long, bad))

        assert str(told.value).count(";") == 4
        assert "b is given twice" in str(told.value)

    def test_all_problems_at_once(self) -> None:
        """What is missing and what is unknown; what fits is no problem."""
        require(("a",), {"a": "x"})
        with pytest.raises(MalformedPayload, match=r"no value for a, b; .* ask for c"):
            require(("a", "b"), {"c": "x"})


class TestTitles:
    """Titles."""

    def test_filled_on_one_line(self) -> None:
        """White space of values is folded."""
        assert fill_title("Runbook: {{x}} ", {"x": " a\nb"}) == "Runbook: a b"

    @pytest.mark.parametrize("title", ["", " \n", "x" * 256, "a\u202eb", "a\x07"])
    def test_none_that_confluence_refuses(self, title: str) -> None:
        """Empty, too long, or with what nobody sees."""
        with pytest.raises(MalformedPayload, match="title"):
            checked_title(title)
