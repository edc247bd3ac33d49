"""Tests for app.confluence.values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.confluence import values
from app.domain.pages import ContentProperty, Label, Space
from app.errors import ContractBroken
from tests.unit.confluence.doubles import page_json


def test_page() -> None:
    """The documented page becomes a page of ours, whole."""
    page = values.page(page_json(), body_format="storage")

    assert (page.id, page.title, page.status) == ("65601", "Розгортання", "current")
    assert (page.space_id, page.parent_id, page.version) == ("131", None, 7)
    assert (page.author_id, page.version_author_id) == (
        "557058:author",
        "557058:editor",
    )
    assert page.created_at == datetime(2026, 3, 1, 8, 30, 0, 123_000, tzinfo=UTC)
    assert page.body == "<p>Привіт</p>"
    assert page.labels == (Label(id="9", name="deploy"),)
    assert page.properties == (
        ContentProperty(
            id="11", key="content-appearance-published", value="full-width", version=1
        ),
    )
    assert page.webui == "https://site.example/wiki/spaces/ENG/pages/65601"


def test_page_of_a_list_has_less() -> None:
    """Without labels, body and base the page says so."""
    listed = page_json(body={}, labels=None, _links={"webui": "/x"}, createdAt="soon")
    del listed["properties"]

    page = values.page(listed, body_format="storage", site="https://s/wiki")

    assert (page.labels, page.properties, page.body) == (None, (), None)
    assert page.webui == "https://s/wiki/x"
    assert page.created_at is None


def test_page_without_links_has_no_address() -> None:
    """Where the site sends no link, the page has none."""
    page = values.page(page_json(_links=None), body_format="storage")

    assert page.webui == ""


def test_live_doc_says_so() -> None:
    """Other subtypes, and none, are ordinary pages."""
    found = [
        values.page(page_json(subtype=subtype), body_format="storage").is_live
        for subtype in ("live", "page", None)
    ]

    assert found == [True, False, False]


def test_live_page_is_read_as_adf() -> None:
    """The body of the format that was asked for is taken."""
    body = {"atlas_doc_format": {"representation": "atlas_doc_format", "value": "{}"}}

    page = values.page(page_json(body=body), body_format="atlas_doc_format")

    assert (page.body, page.body_format) == ("{}", "atlas_doc_format")


def test_numbers_may_be_ids() -> None:
    """An id that comes as a number is the same id."""
    assert values.label({"id": 9, "name": "a"}) == Label(id="9", name="a")


def test_space_without_homepage() -> None:
    """What a space may lack is empty."""
    space = values.space({"id": "1", "key": "ENG", "homepageId": None})

    assert space == Space(id="1", key="ENG", name="")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"id": True},
        {"id": []},
        {"title": None},
        {"spaceId": None},
        {"version": None},
        {"version": {}},
        {"version": {"number": "7"}},
        {"status": "historical"},
        {"status": []},
        {"parentId": {}},
        {"labels": {}},
        {"labels": {"results": [{"id": "1"}]}},
        {"properties": {"results": [{"id": "1", "key": "k", "version": {}}]}},
        {"properties": {"results": [None]}},
    ],
    ids=str,
)
def test_missing_fields_are_named(changes: dict[str, Any]) -> None:
    """A page without what its documents promise is no page."""
    with pytest.raises(ContractBroken, match="answer without"):
        values.page(page_json(**changes), body_format="storage")


@pytest.mark.parametrize("data", [None, [], "x", 5, {}, {"results": {}}])
def test_results_must_be_a_list(data: Any) -> None:
    """A list's answer has results."""
    with pytest.raises(ContractBroken):
        values.results(data)


@pytest.mark.parametrize(
    ("part", "complete"),
    [
        ({"results": [], "meta": {"hasMore": False}}, True),
        ({"results": []}, True),
        ({"results": [], "meta": {"hasMore": True, "cursor": "x"}}, False),
        (None, False),
    ],
)
def test_is_complete(part: Any, complete: bool) -> None:  # noqa: FBT001 - a column of the table
    """More to come, or nothing included, is not complete."""
    assert values.is_complete({"labels": part}, "labels") is complete


def test_edited_at() -> None:
    """When the version was written; a moment that cannot be read is none."""
    version = {"number": 2, "createdAt": "2026-11-20T10:00:00.000Z"}
    page = values.page(page_json(version=version), body_format="storage")
    odd = values.page(
        page_json(version={"number": 2, "createdAt": 5}), body_format="storage"
    )

    assert page.edited_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert odd.edited_at is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"id": "1", "version": {"number": 1}},
        {"id": "1", "version": {"number": 1}, "body": {"storage": {"value": None}}},
        {"id": "1", "body": {"storage": {"value": ""}}},
        {"version": {"number": 1}, "body": {"storage": {"value": ""}}},
    ],
)
def test_what_is_no_comment(data: Any) -> None:
    """A comment has an id, a version and a body."""
    with pytest.raises(ContractBroken, match="answer without"):
        values.comment(data)


@pytest.mark.parametrize("data", [None, "x", {"type": "page"}])
def test_what_is_no_child(data: Any) -> None:
    """What stands in a tree has an id."""
    with pytest.raises(ContractBroken, match="answer without"):
        values.node(data)


@pytest.mark.parametrize("data", [None, {"content": {"type": "page"}}])
def test_what_is_no_result(data: Any) -> None:
    """A page that was found has an id."""
    with pytest.raises(ContractBroken, match="answer without"):
        values.found_page_id(data)
