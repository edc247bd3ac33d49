"""Tests for app.connect.lifecycle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.connect.lifecycle import (
    DisabledEvent,
    EnabledEvent,
    InstalledEvent,
    LifecycleEvent,
    UninstalledEvent,
    check_install,
)
from app.connect.tokens import Claims
from app.errors import MalformedPayload, NotAuthenticated
from tests.unit.connect.signing import CLIENT_KEY, NOW, SECRET

BODY = (
    Path(__file__).parents[2] / "samples" / "connect_lifecycle" / "installed.json"
).read_bytes()
HOSTS = ("*.atlassian.net", "*.jira.com")


def make_body(**changes: Any) -> bytes:
    fields = {**json.loads(BODY), **changes}
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


def make_claims(issuer: str = CLIENT_KEY) -> Claims:
    return Claims(
        issuer=issuer, subject=None, context={}, is_context=False, expires_at=NOW
    )


class TestFromBody:
    """Tests for app.connect.lifecycle.LifecycleEvent.from_body()."""

    def test_installed(self) -> None:
        """A body with all the fields of the documents, and one more, is read."""
        event = InstalledEvent.from_body(BODY)

        assert event == InstalledEvent(
            app_key="confluence-ai",
            client_key=CLIENT_KEY,
            base_url="https://kvitka.atlassian.net/wiki",
            display_url="https://wiki.kvitka.example/wiki",
            product_type="confluence",
            account_id="557058:0b1f2a3c-6d5e-4f70-8a9b-c0d1e2f3a4b5",
            oauth_client_id="eyJob3N0S2V5Ijoi",
            shared_secret=SECRET,
        )

    def test_secret_is_not_shown(self) -> None:
        """An event in a log line does not give the secret away."""
        assert SECRET not in repr(InstalledEvent.from_body(BODY))

    def test_only_the_required_fields(self) -> None:
        """Whatever else a host leaves out, the event is read."""
        body = json.dumps(
            {
                "key": "confluence-ai",
                "clientKey": "k",
                "baseUrl": "https://a.atlassian.net/wiki/",
                "eventType": "installed",
                "sharedSecret": SECRET,
            }
        ).encode()

        event = InstalledEvent.from_body(body)

        assert event.base_url == "https://a.atlassian.net/wiki"

    @pytest.mark.parametrize("kind", [UninstalledEvent, EnabledEvent, DisabledEvent])
    def test_the_others_need_no_secret(self, kind: type[LifecycleEvent]) -> None:
        """Only an installation brings a secret."""
        body = make_body(eventType=kind.event_type, sharedSecret=...)

        assert kind.from_body(body).client_key == CLIENT_KEY

    def test_moving_to_forge(self) -> None:
        """The id of the Forge installation is kept, to link the two."""
        ari = "ari:cloud:ecosystem::installation/75969db9-dc7b-4798-9715-bd098ac0d9d1"

        event = InstalledEvent.from_body(make_body(installationId=ari))

        assert event.installation_id == ari

    @pytest.mark.parametrize(
        "name", ["key", "clientKey", "baseUrl", "eventType", "sharedSecret"]
    )
    @pytest.mark.parametrize(
        "value",
        [..., None, "", "  ", 7, ["a"], {"a": 1}, "a\0b", "a" * 5_000, "\ud800"],
        ids=lambda value: repr(value)[:12],
    )
    def test_required_fields(self, name: str, value: Any) -> None:
        """Without one of the required fields, fit to be stored, there is no event."""
        with pytest.raises(MalformedPayload):
            InstalledEvent.from_body(make_body(**{name: value}))

    @pytest.mark.parametrize("name", ["displayUrl", "accountId", "installationId"])
    @pytest.mark.parametrize("value", [None, 7, "", "a\0b", "a" * 5_000, []])
    def test_optional_fields(self, name: str, value: Any) -> None:
        """A useless value of an optional field counts as absent."""
        event = InstalledEvent.from_body(make_body(**{name: value}))

        assert event.client_key == CLIENT_KEY

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"7" * 5_000],
        ids=["empty", "half", "list", "null", "not-utf8", "deep", "number"],
    )
    def test_no_object(self, body: bytes) -> None:
        """What is no JSON object is refused by name."""
        with pytest.raises(MalformedPayload):
            InstalledEvent.from_body(body)

    def test_event_of_another_route(self) -> None:
        """A body of `installed` does nothing at the route of `uninstalled`."""
        with pytest.raises(MalformedPayload):
            UninstalledEvent.from_body(BODY)


class TestCheckInstall:
    """Tests for app.connect.lifecycle.check_install()."""

    def test_good_install(self) -> None:
        """Token, app and site agree."""
        event = InstalledEvent.from_body(BODY)

        check_install(
            event, make_claims(), app_key="confluence-ai", allowed_hosts=HOSTS
        )

    @pytest.mark.parametrize(
        ("changes", "issuer"),
        [
            ({}, "tenant-b"),
            ({"clientKey": "tenant-b"}, CLIENT_KEY),
            ({"key": "another-app"}, CLIENT_KEY),
            ({"baseUrl": "https://evil.example.com/wiki"}, CLIENT_KEY),
            ({"baseUrl": "http://kvitka.atlassian.net/wiki"}, CLIENT_KEY),
            ({"baseUrl": "https://a.b.atlassian.net/wiki"}, CLIENT_KEY),
            ({"baseUrl": "https://kvitka.atlassian.net@evil.example.com"}, CLIENT_KEY),
            ({"baseUrl": "https://evil.example.com#.atlassian.net"}, CLIENT_KEY),
            ({"baseUrl": "https://evil.example.com\\.atlassian.net"}, CLIENT_KEY),
            ({"baseUrl": "https://169.254.169.254/wiki"}, CLIENT_KEY),
            ({"baseUrl": "file:///etc/passwd"}, CLIENT_KEY),
        ],
    )
    def test_refused(self, changes: dict[str, Any], issuer: str) -> None:
        """Another tenant, another app or another host: nobody is installed."""
        event = InstalledEvent.from_body(make_body(**changes))

        with pytest.raises(NotAuthenticated):
            check_install(
                event, make_claims(issuer), app_key="confluence-ai", allowed_hosts=HOSTS
            )
