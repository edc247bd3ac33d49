"""Tests for app.connect.webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.connect.webhooks import WEBHOOK_EVENTS, parse_webhook
from app.domain.events import IgnoredEvent, LabelEvent, PageEvent
from app.errors import MalformedPayload

SAMPLES = Path(__file__).parents[2] / "samples" / "connect_webhooks"
OLENA = "557058:0b1f2a3c-6d5e-4f70-8a9b-c0d1e2f3a4b5"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def sample(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_bytes())
    return values


def body_of(values: Any) -> bytes:
    return json.dumps(values).encode()


def page_body(**changes: Any) -> bytes:
    values = sample("page_updated")
    values["page"] = {
        k: v for k, v in {**values["page"], **changes}.items() if v is not ...
    }
    return body_of(values)


class TestPages:
    """Tests for app.connect.webhooks.parse_webhook() with events of pages."""

    def test_updated(self) -> None:
        """A present-day body is read whole."""
        event = parse_webhook("page_updated", body_of(sample("page_updated")))

        assert event == PageEvent(
            host="connect",
            verb="updated",
            page_id="98765",
            version=7,
            space_id="65538",
            space_key="ENG",
            account_id=OLENA,
            occurred_at=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        )

    def test_updated_as_years_ago(self) -> None:
        """A body with a numeric id is read as well."""
        event = parse_webhook("page_updated", body_of(sample("page_updated_old")))

        assert isinstance(event, PageEvent)
        assert (event.page_id, event.version) == ("98765", 3)

    @pytest.mark.parametrize(
        ("name", "verb"),
        [
            ("page_created", "created"),
            ("page_updated", "updated"),
            ("page_trashed", "trashed"),
            ("page_removed", "removed"),
            ("page_restored", "restored"),
            ("page_moved", "moved"),
        ],
    )
    def test_verbs(self, name: str, verb: str) -> None:
        """The route tells the verb, for the body does not."""
        event = parse_webhook(name, body_of(sample("page_updated")))

        assert isinstance(event, PageEvent)
        assert (event.verb, event.name) == (verb, name)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"id": 98765, "idAsString": ...}, "98765"),
            (
                {"id": 9007199254740992, "idAsString": "9007199254740993"},
                "9007199254740993",
            ),
            ({"id": "12", "idAsString": None}, "12"),
            ({"id": 2**63 - 1, "idAsString": ...}, str(2**63 - 1)),
        ],
    )
    def test_ids(self, changes: dict[str, Any], expected: str) -> None:
        """The id as text wins: as a number it may have lost its last digits."""
        event = parse_webhook("page_updated", page_body(**changes))

        assert isinstance(event, PageEvent)
        assert event.page_id == expected

    @pytest.mark.parametrize(
        "value",
        [
            -1,
            0,
            "0",
            "-7",
            "007",
            "7" * 30,
            10**30,
            2**63,
            True,
            7.0,
            "",
            " 7",
            "7 ",
            "٧",
            "../7",
            ["7"],
            {},
        ],
        ids=lambda value: repr(value)[:12],
    )
    def test_bad_ids(self, value: Any) -> None:
        """What is no id of content never becomes part of a URL."""
        with pytest.raises(MalformedPayload):
            parse_webhook("page_updated", page_body(idAsString=value))

    @pytest.mark.parametrize(
        "changes",
        [
            {"version": "7"},
            {"version": 0},
            {"version": True},
            {"version": 10**12},
            {"spaceId": "x", "spaceKey": 7, "version": None},
            {"spaceKey": "a\0b"},
        ],
    )
    def test_useless_extras(self, changes: dict[str, Any]) -> None:
        """What the page can do without does not lose the event."""
        event = parse_webhook("page_updated", page_body(**changes))

        assert isinstance(event, PageEvent)
        assert event.page_id == "98765"

    @pytest.mark.parametrize(
        "timestamp", [None, "1795341600000", 1.5, 10**30, -(10**30), True]
    )
    def test_useless_timestamps(self, timestamp: Any) -> None:
        """An event without a moment is an event."""
        values = {**sample("page_updated"), "timestamp": timestamp}

        event = parse_webhook("page_updated", body_of(values))

        assert isinstance(event, PageEvent)
        assert event.occurred_at is None

    def test_blog_post(self) -> None:
        """A blog post is none of our business."""
        event = parse_webhook("page_updated", page_body(contentType="blogpost"))

        assert event == IgnoredEvent(host="connect", name="page_updated")

    @pytest.mark.parametrize("page", [None, [], "98765", 7])
    def test_no_page(self, page: Any) -> None:
        """A page event without a page is malformed."""
        with pytest.raises(MalformedPayload):
            parse_webhook("page_updated", body_of({"page": page}))


class TestLabels:
    """Tests for app.connect.webhooks.parse_webhook() with events of labels."""

    @pytest.mark.parametrize("verb", ["added", "removed"])
    def test_label(self, verb: str) -> None:
        """A Ukrainian label on a page is read whole."""
        event = parse_webhook(f"label_{verb}", body_of(sample("label_added")))

        assert isinstance(event, LabelEvent)
        assert (event.verb, event.page_id, event.label) == (verb, "98765", "мережа")
        assert (event.prefix, event.account_id) == ("global", OLENA)

    @pytest.mark.parametrize("kind", ["blogpost", "attachment", "space"])
    def test_label_on_something_else(self, kind: str) -> None:
        """A label on what is no page is none of our business."""
        values = sample("label_added")
        values["labeled"] = {"contentType": kind}

        event = parse_webhook("label_added", body_of(values))

        assert event == IgnoredEvent(host="connect", name="label_added")

    @pytest.mark.parametrize(
        "changes",
        [
            {"label": None},
            {"label": "мережа"},
            {"label": {"prefix": "global"}},
            {"label": {"name": ""}},
            {"label": {"name": "a" * 256}},
            {"labeled": None},
            {"labeled": {"contentType": "page"}},
        ],
    )
    def test_without_what_it_is_about(self, changes: dict[str, Any]) -> None:
        """A label event without its label or its page is malformed."""
        with pytest.raises(MalformedPayload):
            parse_webhook("label_added", body_of({**sample("label_added"), **changes}))


class TestAnything:
    """Tests for app.connect.webhooks.parse_webhook() with anything."""

    @pytest.mark.parametrize(
        "name", ["", "page_viewed", "installed", "../x", "сторінка"]
    )
    def test_unknown_event(self, name: str) -> None:
        """An event without a route is refused by name."""
        with pytest.raises(MalformedPayload):
            parse_webhook(name, body_of(sample("page_updated")))

    @given(
        name=st.sampled_from(WEBHOOK_EVENTS),
        values=st.dictionaries(
            st.sampled_from(["page", "label", "labeled", "timestamp"]),
            json_values
            | st.dictionaries(
                st.sampled_from(["id", "idAsString", "name", "version", "contentType"]),
                json_values,
            ),
        ),
    )
    def test_never_another_error(self, name: str, values: Any) -> None:
        """Whatever JSON comes, it is an event or MalformedPayload."""
        try:
            event = parse_webhook(name, body_of(values))
        except MalformedPayload:
            return

        assert isinstance(event, PageEvent | LabelEvent | IgnoredEvent)

    @given(body=st.binary(max_size=200))
    def test_never_another_error_on_bytes(self, body: bytes) -> None:
        """Whatever bytes come, nothing but MalformedPayload comes out."""
        with pytest.raises(MalformedPayload):
            parse_webhook("page_updated", body)
