"""Tests for labels and properties of the site, and for storage format."""

from __future__ import annotations

import pytest

from sandbox import storage
from sandbox.refusals import (
    Malformed,
    PropertyMissing,
    PropertyTaken,
    TooLarge,
    VersionStale,
)
from tests.fakes.sandbox_site import add_page, eng, listen, make_site


class TestLabels:
    """Tests for labels on pages."""

    def test_white_space_splits_without_an_error(self) -> None:
        """A name with blanks becomes several labels, folded to lower case."""
        site = make_site()

        labels = site.add_labels(
            add_page(site), [("global", "Disaster  Recovery")], site.admin
        )

        assert [label.name for label in labels] == ["disaster", "recovery"]

    def test_adding_twice_tells_once(self) -> None:
        """A label that is there already changes nothing."""
        site = make_site()
        page_id = add_page(site)
        told = listen(site)

        site.add_labels(page_id, [("global", "a"), ("global", "a")], site.admin)
        site.add_labels(page_id, [("global", "A")], site.admin)

        assert [change.details["label"] for change in told] == ["a"]

    @pytest.mark.parametrize("name", ["a:b", "a,b", "c#", "wh?t", "", " ", "x" * 256])
    def test_refused_names_write_nothing(self, name: str) -> None:
        """One bad name among good ones leaves the page as it was."""
        site = make_site()
        page_id = add_page(site)

        with pytest.raises(Malformed):
            site.add_labels(page_id, [("global", "good"), ("global", name)], site.admin)

        assert site.pages[page_id].labels == {}

    def test_an_unknown_prefix_is_refused(self) -> None:
        """Only the prefixes that Confluence has may be written."""
        site = make_site()

        with pytest.raises(Malformed, match="prefix"):
            site.add_labels(add_page(site), [("system", "a")], site.admin)

    def test_a_label_exists_only_while_in_use(self) -> None:
        """Removal from its last page, or binning that page, ends a label."""
        site = make_site()
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "a"), ("global", "b")], site.admin)

        site.remove_label(page_id, "a", site.admin)
        only_b = [label.name for label in site.labels.in_use()]
        site.trash_page(page_id, site.admin)

        assert (only_b, site.labels.in_use()) == (["b"], [])
        site.restore_page(page_id, site.admin)
        assert [label.name for label in site.labels.in_use(eng(site).id)] == ["b"]

    def test_removing_what_is_not_there_is_silent(self) -> None:
        """No error and no event for a label the page does not have."""
        site = make_site()
        page_id = add_page(site)
        told = listen(site)

        site.remove_label(page_id, "ghost", site.admin)

        assert told == []


class TestProperties:
    """Tests for content properties."""

    def test_a_key_can_be_made_once(self) -> None:
        """Creating an existing key is a conflict; the next version is not."""
        site = make_site()
        page_id = add_page(site)
        site.put_property(page_id, "k", {"a": 1}, site.admin)

        with pytest.raises(PropertyTaken):
            site.put_property(page_id, "k", {"a": 2}, site.admin)
        updated = site.put_property(page_id, "k", {"a": 2}, site.admin, version=2)

        assert (updated.version, updated.value) == (2, {"a": 2})

    @pytest.mark.parametrize("version", [1, 3])
    def test_other_versions_than_the_next_are_stale(self, version: int) -> None:
        """Neither the current nor a later version can be written."""
        site = make_site()
        page_id = add_page(site)
        site.put_property(page_id, "k", 1, site.admin)

        with pytest.raises(VersionStale):
            site.put_property(page_id, "k", 2, site.admin, version=version)

    def test_values_are_limited_to_32_kilobytes(self) -> None:
        """The limit counts bytes of JSON, so Cyrillic counts double."""
        site = make_site()
        page_id = add_page(site)

        site.put_property(page_id, "fits", "x" * (32 * 1024 - 2), site.admin)
        with pytest.raises(TooLarge):
            site.put_property(page_id, "huge", "я" * (16 * 1024), site.admin)

    def test_updating_what_is_not_there_is_refused(self) -> None:
        """A version of an unknown key is missing, not created."""
        site = make_site()

        with pytest.raises(PropertyMissing):
            site.put_property(add_page(site), "k", 1, site.admin, version=2)


class TestStorage:
    """Tests for sandbox.storage."""

    @pytest.mark.parametrize(
        "body",
        [
            "<p>",
            "<p>a & b</p>",
            "<p>&nosuch;</p>",
            "a\x00b",
            "\ud800",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><p>&a;</p>",
            "<x:y>z</x:y>",
            "</storage><storage>",
            "<div>" * 400 + "</div>" * 400,
        ],
        ids=[
            "unclosed",
            "ampersand",
            "entity",
            "nul",
            "surrogate",
            "doctype",
            "prefix",
            "escape",
            "deep",
        ],
    )
    def test_broken_bodies_are_refused(self, body: str) -> None:
        """What is not well-formed is never kept."""
        with pytest.raises(Malformed):
            storage.check(body)

    def test_html_entities_and_cdata_are_fine(self) -> None:
        """Bodies may use HTML's entities, and anything inside CDATA."""
        storage.check("<p>&nbsp;&auml;</p><ac:x><![CDATA[&nosuch; <]]></ac:x>")

    def test_a_huge_body_is_refused(self) -> None:
        """More than five megabytes do not fit."""
        with pytest.raises(TooLarge):
            storage.check("x" * (5 * 1024 * 1024 + 1))

    def test_saving_adds_what_confluence_adds(self) -> None:
        """Macros get an id and a schema version; CDATA is left alone."""
        body = (
            '<ac:structured-macro ac:name="code"><ac:plain-text-body>'
            "<![CDATA[<ac:structured-macro/>]]></ac:plain-text-body>"
            "</ac:structured-macro><hr/>"
        )

        kept = storage.rewrite(body, new_id=lambda: "id-1")

        assert kept == (
            '<ac:structured-macro ac:name="code" ac:schema-version="1" '
            'ac:macro-id="id-1"><ac:plain-text-body>'
            "<![CDATA[<ac:structured-macro/>]]></ac:plain-text-body>"
            "</ac:structured-macro><hr />"
        )

    def test_saving_twice_changes_nothing_more(self) -> None:
        """What was rewritten once stays as it is."""
        body = '<ac:structured-macro ac:name="toc" /><br/>'

        once = storage.rewrite(body, new_id=lambda: "id-1")

        assert storage.rewrite(once, new_id=lambda: "id-2") == once
