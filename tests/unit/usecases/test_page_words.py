"""Sections told apart, changed so that they go back, and shown line by line."""

from __future__ import annotations

from typing import Any

import pytest

from app.confluence.markup import StorageMarkup
from app.confluence.reading import read_page
from app.domain.changes import Change, ChangeKind, Item
from app.domain.pages import Page, PageStatus
from app.errors import Conflict, MarkupAmbiguous
from app.store.plan_items import StoredItem
from app.usecases.author_section import SectionWish, changed_section
from app.usecases.page_diffs import diff_of
from app.usecases.section_markup import content_of, heading_of, sections_of, topmost

MARKUP = StorageMarkup()
#: A heading that says what looks like its own end.
ODD = (
    "<h2><ac:link><ac:plain-text-link-body><![CDATA[</h2>]]>"
    "</ac:plain-text-link-body></ac:link></h2><p>x</p>"
)


def page(body: str | None, status: PageStatus = "current", **more: Any) -> Page:
    return Page(
        id="1", title="T", status=status, space_id="1", version=1, body=body, **more
    )


def shown(kind: ChangeKind, before: Any, after: Any, value: str = "") -> list[str]:
    change = Change(kind=kind, page_id="1", value=value, before=before, after=after)
    item = Item(id=1, plan_id=1, change=change, state="planned")
    return diff_of(read_page, StoredItem(item=item, page_title="T"))


class TestSections:
    """Headings and what stands below them."""

    def test_told_apart(self) -> None:
        """Byte for byte; the lead has no heading."""
        lead, section = MARKUP.sections("<p>a</p><h2 a='1'>B &amp; C</h2><p>d</p>")

        assert heading_of(MARKUP, lead) == ""
        assert content_of(MARKUP, lead) == "<p>a</p>"
        assert heading_of(MARKUP, section) == "<h2 a='1'>B &amp; C</h2>"
        assert content_of(MARKUP, section) == "<p>d</p>"

    @pytest.mark.parametrize("body", [ODD, "<h2 />", "<h2>A</h2 ><p>x</p>"])
    def test_heading_without_a_clear_end(self, body: str) -> None:
        """No guess is made."""
        (section,) = MARKUP.sections(body)

        with pytest.raises(MarkupAmbiguous, match="cannot be told"):
            content_of(MARKUP, section)

    def test_topmost(self) -> None:
        """Those that lie in no other; none of what is not well-formed."""
        found = sections_of(MARKUP, "x<h2>A</h2><h3>B</h3><h2>C</h2>")

        assert [one.heading for one in topmost(found)] == ["", "A", "C"]
        assert topmost(sections_of(MARKUP, "<p>")) == []


class TestChangedSection:
    """Pages that are not written to."""

    @pytest.mark.parametrize(
        ("one", "reason"),
        [
            (page("", is_live=True), "live doc"),
            (page(None), "live doc"),
            (page("", "archived"), "is archived"),
        ],
    )
    def test_refused(self, one: Page, reason: str) -> None:
        """And told why."""
        with pytest.raises(Conflict, match=reason):
            changed_section(
                MARKUP, one, SectionWish(page_id="1", heading="A", text="x")
            )

    def test_ukrainian_heading_in_any_case(self) -> None:
        """It is found as people read it, and kept as it is written."""
        body = "<h2>Власник  сторінки</h2><p>Олена</p>"
        wish = SectionWish(page_id="1", heading="власник сторінки", text="Петро")

        change = changed_section(MARKUP, page(body), wish)

        assert change.after == {
            "markup": "<h2>Власник  сторінки</h2><p>Петро</p>",
        }


class TestDiff:
    """What an item does, line by line."""

    def test_signs(self) -> None:
        """Titles, places, new pages, pages that go."""
        new = {"parent_id": None, "title": "N", "status": "draft", "body": "<p>a</p>"}

        assert shown("page_title", {"title": "A"}, {"title": "B"}) == [
            "@@ -1 +1 @@",
            "-A",
            "+B",
        ]
        assert shown("page_move", {"parent_id": "1"}, {"parent_id": None}) == [
            "- below page 1",
            "+ below no page",
        ]
        assert shown("page_create", None, {**new, "webui": "https://x/1"}) == [
            "+ draft page “N” below the homepage",
            "  at https://x/1",
            "@@ -0,0 +1 @@",
            "+a",
        ]
        assert shown("page_trash", {**new, "version": 1}, None)[-1] == "-a"

    def test_labels_need_none(self) -> None:
        """Their line in the table says it all."""
        assert shown("label_add", None, None, "backup") == []

    def test_what_cannot_be_read(self) -> None:
        """Macros are named; other markup is shown as it is."""
        macro = '<ac:structured-macro ac:schema-version="1" ac:name="html" />'

        named = shown("page_text", {"markup": "x"}, {"markup": f"x{macro}"}, "A")
        raw = shown("page_text", {"markup": "<b>x</b>"}, {"markup": "<i>x</i>"}, "A")

        assert "+[macro html]" in named
        assert raw[-2:] == ["-<b>x</b>", "+<i>x</i>"]

    def test_a_sentence_a_line(self) -> None:
        """So that one that changes is seen beside those that stay."""
        before = {"markup": "<p>It is so. It is blue. It stays.</p><p>End.</p>"}
        after = {"markup": "<p>It is so. It is red. It stays.</p><p>End.</p>"}

        assert shown("page_text", before, after, "A")[2:] == [
            " It is so.",
            "-It is blue.",
            "+It is red.",
            " It stays.",
            " ",
        ]

    def test_long_ones_are_cut(self) -> None:
        """And it is said how much is left."""
        body = "".join(f"<p>{number}</p>" for number in range(1_000))

        found = shown("page_text", None, {"markup": body})

        assert len(found) == 401
        assert found[-1].endswith("lines more")
