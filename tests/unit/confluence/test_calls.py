"""Tests for app.confluence.calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from app.confluence import calls
from app.confluence.call import Call
from app.domain.pages import Comment, ContentProperty, NewPage
from app.errors import MalformedPayload
from tests.unit.confluence.doubles import SITE


def test_page_is_read_in_one_request() -> None:
    """Body, labels, properties and version come in one answer."""
    call = calls.get_page("65601", "storage")

    assert call.url(SITE) == (
        "https://site.example/wiki/api/v2/pages/65601?body-format=storage"
        "&include-labels=true&include-properties=true&include-version=true"
    )
    assert (call.method, call.idempotent, call.points_each) == ("GET", True, 1)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (calls.page_labels("1"), "/api/v2/pages/1/labels?limit=250"),
        (calls.page_properties("1"), "/api/v2/pages/1/properties?limit=250"),
        (
            calls.page_properties("1", "a&b"),
            "/api/v2/pages/1/properties?limit=250&key=a%26b",
        ),
        (calls.page_ancestors("1"), "/api/v2/pages/1/ancestors?limit=250"),
        (calls.spaces(), "/api/v2/spaces?limit=250"),
        (
            calls.space_pages("2"),
            "/api/v2/spaces/2/pages?limit=250&status=current&body-format=storage",
        ),
        (calls.space_labels("2"), "/api/v2/spaces/2/content/labels?limit=250"),
        (
            calls.pages_titled("2", "Ї & b"),
            "/api/v2/spaces/2/pages?limit=250&title=%D0%87%20%26%20b",
        ),
        (calls.label_pages("3"), "/api/v2/labels/3/pages?limit=250"),
        (calls.current_user(), "/rest/api/user/current"),
    ],
)
def test_reads(call: Call, path: str) -> None:
    """Every read is a repeatable GET of its documented address."""
    assert call.url(SITE + "/") == SITE + path
    assert (call.method, call.idempotent, call.content()) == ("GET", True, None)


def test_labels_are_added_in_one_request() -> None:
    """All names go into one body, each once, with the header v1 asks for."""
    call = calls.add_labels("1", ["міграція", "deploy", "міграція"])

    assert json.loads(call.content() or b"") == [
        {"prefix": "global", "name": "міграція"},
        {"prefix": "global", "name": "deploy"},
    ]
    assert call.headers == {"X-Atlassian-Token": "no-check"}
    assert call.url(SITE) == f"{SITE}/rest/api/content/1/label"
    assert not call.idempotent


def test_label_is_removed_by_query() -> None:
    """A name of any script, and one with a slash, travels in the query."""
    call = calls.remove_label("1", "ї/a&b=c#d")

    url = call.url(SITE)
    assert url.startswith(f"{SITE}/rest/api/content/1/label?name=")
    assert unquote(url.partition("name=")[2]) == "ї/a&b=c#d"
    assert url.count("&") == 0
    assert call.idempotent


def test_new_property_is_posted() -> None:
    """Without a current version the property is created."""
    call = calls.put_property("1", "ai", {"x": "ї"}, None)

    assert (call.method, call.path) == ("POST", "/api/v2/pages/1/properties")
    assert call.json == {"key": "ai", "value": {"x": "ї"}}
    assert not call.idempotent


def test_known_property_is_put_with_the_next_version() -> None:
    """The version after the one that was read is written."""
    current = ContentProperty(id="11", key="ai", value=1, version=4)

    call = calls.put_property("1", "ai", 2, current)

    assert (call.method, call.path) == ("PUT", "/api/v2/pages/1/properties/11")
    assert call.json == {"key": "ai", "value": 2, "version": {"number": 5}}
    assert not call.idempotent


@pytest.mark.parametrize("page_id", ["", "..", "1/../2", "١٢", "-1", "1\n", "9" * 20])
def test_ids_that_are_no_numbers_are_refused(page_id: str) -> None:
    """Nothing but digits reaches a path."""
    with pytest.raises(MalformedPayload, match="page id"):
        calls.get_page(page_id, "storage")


@pytest.mark.parametrize("name", ["", "two words", "a\u00a0b", "x" * 256])
def test_names_that_confluence_would_split_are_refused(name: str) -> None:
    """White space would silently make several labels of one."""
    with pytest.raises(MalformedPayload, match="label"):
        calls.add_labels("1", ["good", name])


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * calls.MAX_PROPERTY, id="large"),
        pytest.param("ї" * (calls.MAX_PROPERTY // 2), id="large-in-bytes"),
        pytest.param({"x": object()}, id="no-json"),
        pytest.param(float("nan"), id="nan"),
    ],
)
def test_values_that_confluence_would_not_keep_are_refused(value: Any) -> None:
    """A property is JSON of at most 32 KB."""
    with pytest.raises(MalformedPayload, match="property"):
        calls.put_property("1", "ai", value, None)


def test_bodies_stay_out_of_logs() -> None:
    """What a call would print has no summary in it."""
    call = calls.put_property("1", "ai", "a secret summary", None)

    assert "secret" not in repr(call)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (
            calls.page_comments("7"),
            "/api/v2/pages/7/footer-comments?limit=250&body-format=storage",
        ),
        (calls.get_comment("4"), "/api/v2/footer-comments/4?body-format=storage"),
        (
            calls.direct_children(calls.Node(kind="folder", id="5")),
            "/api/v2/folders/5/direct-children?limit=250",
        ),
        (
            calls.search_pages("label = ї"),
            (
                "/rest/api/search?cql=%28label%20%3D%20%D1%97%29%20and%20type%20%3D%20page"
                "&limit=250&excerpt=none"
            ),
        ),
    ],
)
def test_further_reads(call: Call, path: str) -> None:
    """Comments and trees are v2's, searches v1's."""
    assert call.url(SITE) == SITE + path
    assert (call.method, call.idempotent, call.points_each) == ("GET", True, 1)


@pytest.mark.parametrize(
    ("call", "repeatable"),
    [
        (calls.create_page(NewPage(space_id="5", title="A", body="")), False),
        (calls.add_comment("1", ""), False),
        (calls.update_comment(Comment(id="4", page_id="1", version=1, body=""), ""), True),
        (calls.trash_page("1"), True),
        (calls.discard_draft("1"), True),
        (calls.delete_comment("4"), True),
        (calls.delete_property("1", "11"), True),
    ],
)  # fmt: skip
def test_what_may_be_sent_again(call: Call, repeatable: bool) -> None:  # noqa: FBT001 - a column of the table
    """Versions and deletions are harmless a second time, new things are not."""
    assert call.idempotent is repeatable
    assert call.points_each == 0


@pytest.mark.parametrize("bad", ["", "../1", "1?x", "٣"])
def test_ids_of_all_kinds_are_numbers(bad: str) -> None:
    """Nothing but digits reaches a path or names another object."""
    comment = Comment(id=bad, page_id="1", version=1, body="")
    makers: tuple[Callable[[], Call], ...] = (
        lambda: calls.get_comment(bad),
        lambda: calls.update_comment(comment, ""),
        lambda: calls.add_comment(bad, ""),
        lambda: calls.delete_comment(bad),
        lambda: calls.trash_page(bad),
        lambda: calls.delete_property("1", bad),
        lambda: calls.direct_children(calls.Node(kind="page", id=bad)),
        lambda: calls.create_page(NewPage(space_id=bad, title="", body="")),
        lambda: calls.create_page(
            NewPage(space_id="1", title="", body="", parent_id=bad)
        ),
    )
    for make in makers:
        with pytest.raises(MalformedPayload, match="not a number"):
            make()


def test_lone_surrogates_do_no_harm() -> None:
    """They are sent as question marks; no encoding fails on them."""
    call = calls.add_comment("1", "a\ud800b")

    assert json.loads(call.content() or b"")["body"]["value"] == "a?b"
    assert calls.search_pages("\udfff").url(SITE).count("%3F") == 1
