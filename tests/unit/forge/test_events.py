"""Tests for app.forge.events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.domain.events import IgnoredEvent, LabelEvent, PageEvent
from app.errors import MalformedPayload
from app.forge.events import (
    AppInstalled,
    AppUpgraded,
    RetryContext,
    parse_event,
    retry_of,
)

SAMPLES = Path(__file__).parents[2] / "samples" / "forge_events"
OLENA = "557058:0b1f2a3c-6d5e-4f70-8a9b-c0d1e2f3a4b5"


def sample(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_bytes())
    return values


def body_of(values: Any) -> bytes:
    return json.dumps(values).encode()


def event_body(name: str, **changes: Any) -> bytes:
    values = sample(name)
    return body_of({**values.get("payload", values), **changes})


class TestPages:
    """Tests for app.forge.events.parse_event() with events of pages."""

    def test_updated(self) -> None:
        """An event wrapped in `payload` is read whole."""
        event = parse_event(body_of(sample("page_updated")))

        assert event == PageEvent(
            host="forge",
            verb="updated",
            page_id="838205441",
            version=7,
            space_id="827392002",
            space_key="ENG",
            account_id=OLENA,
            occurred_at=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        )

    def test_bare(self) -> None:
        """An event without a wrapper is the same event."""
        wrapped = sample("page_updated")

        assert parse_event(body_of(wrapped)) == parse_event(body_of(wrapped["payload"]))

    @pytest.mark.parametrize(
        ("name", "verb", "live"),
        [
            ("created", "created", False),
            ("moved", "moved", False),
            ("trashed", "trashed", False),
            ("restored", "restored", False),
            ("deleted", "removed", False),
            ("permissions_updated", "permissions_updated", False),
            ("initialized", "initialized", True),
            ("started", "started", True),
            ("snapshotted", "snapshotted", True),
            ("published", "published", False),
        ],
    )
    def test_verbs(self, name: str, verb: str, *, live: bool) -> None:
        """Each event has one of our verbs; live docs are told apart until published."""
        body = event_body("page_updated", eventType=f"avi:confluence:{name}:page")

        event = parse_event(body)

        assert isinstance(event, PageEvent)
        assert (event.verb, event.live) == (verb, live)

    def test_live_doc(self) -> None:
        """The end of an editing session of a live doc is read whole."""
        event = parse_event(body_of(sample("live_snapshotted")))

        assert isinstance(event, PageEvent)
        assert (event.name, event.live, event.version) == ("page_snapshotted", True, 12)

    @pytest.mark.parametrize("place", ["content", "event"])
    def test_live_doc_moved(self, place: str) -> None:
        """Events that pages and live docs share name the subtype."""
        content = {"id": "7", "type": "page"}
        values: dict[str, Any] = {
            "eventType": "avi:confluence:moved:page",
            "content": content,
        }
        (content if place == "content" else values)["subType"] = "live"

        event = parse_event(body_of(values))

        assert isinstance(event, PageEvent)
        assert event.live

    @pytest.mark.parametrize(
        ("value", "expected"),
        [(True, True), (False, False), ("true", False), (1, False)],
    )
    def test_self_generated(self, value: Any, *, expected: bool) -> None:
        """Only a plain true makes an event our own."""
        event = parse_event(event_body("page_updated", selfGenerated=value))

        assert isinstance(event, PageEvent)
        assert event.self_generated is expected

    def test_anonymous(self) -> None:
        """An event caused by nobody known is an event."""
        event = parse_event(event_body("page_updated", atlassianId=None))

        assert isinstance(event, PageEvent)
        assert event.account_id is None

    @pytest.mark.parametrize(
        "content",
        [
            {"id": "7"},
            {"id": 7, "type": "page", "version": None, "space": None},
            {"id": "7", "version": {"number": "x"}, "space": {"id": "x", "key": 7}},
            {"id": "7", "version": [], "space": []},
        ],
    )
    def test_useless_extras(self, content: dict[str, Any]) -> None:
        """What the page can do without does not lose the event."""
        event = parse_event(event_body("page_updated", content=content))

        assert isinstance(event, PageEvent)
        assert (event.page_id, event.version) == ("7", None)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-11-22T12:00:00+02:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
            ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
            ("yesterday", None),
            ("0001-01-01T00:00:00+14:00", None),
            (1795341600000, None),
            ("9" * 1_000, None),
        ],
    )
    def test_moments(self, text: Any, expected: datetime | None) -> None:
        """A moment is read in UTC, or left out."""
        event = parse_event(event_body("page_updated", eventCreatedDate=text))

        assert isinstance(event, PageEvent)
        assert event.occurred_at == expected

    @pytest.mark.parametrize(
        "content", [None, [], "7", {}, {"id": "-7"}, {"id": "7" * 30}, {"id": "../7"}]
    )
    def test_without_its_page(self, content: Any) -> None:
        """A page event without a page is malformed."""
        with pytest.raises(MalformedPayload):
            parse_event(event_body("page_updated", content=content))

    def test_blog_post(self) -> None:
        """Content of another type is none of our business, whatever the event's name."""
        name = "avi:confluence:moved:page"
        content = {"id": "7", "type": "blogpost"}

        event = parse_event(event_body("page_updated", eventType=name, content=content))

        assert event == IgnoredEvent(host="forge", name=name)

    def test_big_event(self) -> None:
        """An event of half a megabyte is read like any other."""
        event = parse_event(event_body("page_updated", more="їжак " * 100_000))

        assert isinstance(event, PageEvent)


class TestLabels:
    """Tests for app.forge.events.parse_event() with events of labels."""

    @pytest.mark.parametrize("verb", ["added", "removed"])
    def test_label(self, verb: str) -> None:
        """A Ukrainian label on a page is read whole."""
        name = f"avi:confluence:{verb}:label"

        event = parse_event(event_body("label_added", eventType=name))

        assert event == LabelEvent(
            host="forge",
            verb=verb,  # type: ignore[arg-type]
            page_id="838205441",
            label="мережа",
            account_id=OLENA,
            self_generated=True,
            occurred_at=datetime(2026, 11, 22, 10, 6, tzinfo=UTC),
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"content": {"id": "7", "type": "blogpost"}},
            {"content": {"id": "7", "type": "whiteboard"}},
            {"content": None, "space": {"id": 7, "key": "ENG"}},
            {"content": None, "template": {"templateId": "7"}},
        ],
    )
    def test_label_on_something_else(self, changes: dict[str, Any]) -> None:
        """A label on what is no page is none of our business."""
        event = parse_event(event_body("label_added", **changes))

        assert event == IgnoredEvent(host="forge", name="avi:confluence:added:label")

    @pytest.mark.parametrize(
        "changes",
        [
            {"label": None},
            {"label": {"name": ""}},
            {"label": {"name": "a\0b"}},
            {"content": None},
            {"content": {"type": "page"}},
        ],
    )
    def test_without_what_it_is_about(self, changes: dict[str, Any]) -> None:
        """A label event without its label or its page is malformed."""
        with pytest.raises(MalformedPayload):
            parse_event(event_body("label_added", **changes))


class TestLifecycle:
    """Tests for app.forge.events.parse_event() with lifecycle events."""

    def test_installed(self) -> None:
        """An installation names itself, the site and who did it."""
        event = parse_event(body_of(sample("installed")))

        assert event == AppInstalled(
            installation_id="75969db9-dc7b-4798-9715-bd098ac0d9d1",
            account_id=OLENA,
            app_version="2",
            environment_id="aa911f10-c54b-4b93-9e27-dd2947840b9e",
            cloud_id="d0d52620-3203-4cfa-8db5-f2587155f0dd",
        )

    def test_upgraded(self) -> None:
        """An upgrade names the installation."""
        body = body_of({"eventType": "avi:forge:upgraded:app", "id": "75969db9"})

        assert parse_event(body) == AppUpgraded(installation_id="75969db9")

    @pytest.mark.parametrize("value", [None, "", 7, "a\0b"])
    def test_without_an_installation(self, value: Any) -> None:
        """An installation without an id is malformed."""
        with pytest.raises(MalformedPayload):
            parse_event(event_body("installed", id=value))


class TestAnything:
    """Tests for app.forge.events.parse_event() with anything."""

    @pytest.mark.parametrize(
        "name",
        [
            "avi:confluence:liked:page",
            "avi:confluence:created:blogpost",
            "avi:confluence:created:space:V2",
            "avi:forge:uninstalled:app",
            "avi:jira:created:issue",
        ],
    )
    def test_unknown_events(self, name: str) -> None:
        """A genuine event that nobody asked for is ignored, by its name."""
        event = parse_event(body_of({"eventType": name}))

        assert event == IgnoredEvent(host="forge", name=name)

    @pytest.mark.parametrize(
        "name", [None, "", 7, "page_updated", "avi:x", "avi:a:b\n", "avi:" + "a" * 300]
    )
    def test_no_event_names(self, name: Any) -> None:
        """What is no event name never becomes the name of a metric."""
        with pytest.raises(MalformedPayload):
            parse_event(event_body("page_updated", eventType=name))

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"payload": []}', b"[" * 100_000, b"\xff"]
    )
    def test_no_object(self, body: bytes) -> None:
        """What is no JSON object is refused by name."""
        with pytest.raises(MalformedPayload):
            parse_event(body)

    @given(body=st.binary(max_size=200))
    def test_never_another_error(self, body: bytes) -> None:
        """Whatever bytes come, nothing but MalformedPayload comes out."""
        with pytest.raises(MalformedPayload):
            parse_event(body)


class TestRetryOf:
    """Tests for app.forge.events.retry_of()."""

    def test_retry(self) -> None:
        """A repeated event says how often and why."""
        retry = retry_of(body_of(sample("page_updated")))

        assert retry == RetryContext(count=2, reason="TIMEOUT_ERROR")

    def test_beside_the_wrapper(self) -> None:
        """The context is found beside `payload`, too."""
        body = body_of({"payload": {}, "retryContext": {"retryCount": 1}})

        assert retry_of(body) == RetryContext(count=1, reason=None)

    @pytest.mark.parametrize("value", [None, [], 7, "x"])
    def test_first_attempt(self, value: Any) -> None:
        """Without a context it is the first attempt."""
        assert retry_of(body_of({"retryContext": value})) is None
