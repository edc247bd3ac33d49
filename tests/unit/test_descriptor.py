"""What Atlassian's offline validator misses, and what must agree with the code.

Rules: https://developer.atlassian.com/platform/forge/manifest-reference/ and
https://developer.atlassian.com/cloud/confluence/connect-app-descriptor/
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from app.connect import descriptor as connect
from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.origins import origin_of
from app.forge import events, manifest as forge

ROOT = Path(__file__).parents[2]
BASE_URL = "https://app.example.com/base"
TEMPLATE = (ROOT / "atlassian-connect.json").read_text("utf-8")
DESCRIPTOR = connect.render(TEMPLATE, base_url=BASE_URL, app_key="confluence-ai")
FORGE_ROOT = ROOT / "descriptor" / "forge"
MANIFEST: dict[str, Any] = yaml.safe_load(
    (FORGE_ROOT / "manifest.yml").read_text("utf-8")
)
MODULES: dict[str, list[dict[str, Any]]] = MANIFEST["modules"]
SCOPES = set(MANIFEST["permissions"]["scopes"])

#: https://developer.atlassian.com/platform/forge/events-reference/confluence/
_CONTENT_VERBS = {
    "page": "created updated moved copied archived unarchived trashed restored deleted"
    " liked viewed children_reordered permissions_updated initialized started"
    " snapshotted published",
    "label": "created added removed deleted",
}
KNOWN_EVENTS = {
    f"avi:confluence:{verb}:{kind}"
    for kind, verbs in _CONTENT_VERBS.items()
    for verb in verbs.split()
} | {"avi:forge:installed:app", "avi:forge:upgraded:app"}

#: Properties of the modules that we use, from the manifest reference.
_UI = {"key", "title", "icon", "resource", "resolver", "displayConditions"}
KNOWN_PROPERTIES = {
    "trigger": {"key", "endpoint", "events", "filter"},
    "scheduledTrigger": {"key", "endpoint", "interval", "filter"},
    "preUninstall": {"key", "endpoint"},
    "endpoint": {"key", "remote", "route", "auth"},
    "confluence:globalSettings": _UI | {"useAsConfig", "useAsGetStarted"},
    "confluence:spaceSettings": _UI | {"route"},
    "confluence:contentBylineItem": _UI
    | {
        "tooltip",
        "description",
        "viewportContainer",
        "viewportSize",
        "contentPropertyKey",
    },
    "confluence:contentAction": _UI | {"viewportSize"},
}
UI_MODULES = {
    "confluence:globalSettings": forge.ADMIN_PAGE,
    "confluence:spaceSettings": forge.SPACE_PAGE,
    "confluence:contentBylineItem": forge.BYLINE,
    "confluence:contentAction": forge.CONTENT_ACTION,
}
#: https://developer.atlassian.com/cloud/confluence/modules/webhook/
_WEBHOOK_VERBS = {
    "page": "created updated viewed trashed restored removed moved copied archived"
    " unarchived children_reordered published initialized started snapshotted",
    "label": "created added removed deleted",
}
KNOWN_WEBHOOKS = {
    f"{kind}_{verb}" for kind, verbs in _WEBHOOK_VERBS.items() for verb in verbs.split()
}


def triggered_events() -> set[str]:
    return {event for trigger in MODULES["trigger"] for event in trigger["events"]}


def endpoints() -> dict[str, dict[str, Any]]:
    return {endpoint["key"]: endpoint for endpoint in MODULES["endpoint"]}


class TestForgeManifest:
    """Tests for descriptor/forge/manifest.yml."""

    def test_events_are_spelled_as_documented(self) -> None:
        """No event name is one that Atlassian would silently never send."""
        assert triggered_events() <= KNOWN_EVENTS

    def test_events_are_those_the_code_reads(self) -> None:
        """What is subscribed to is understood, and the other way round."""
        assert triggered_events() == {*events.PRODUCT_EVENTS, *events.LIFECYCLE_EVENTS}

    def test_no_event_is_asked_for_twice(self) -> None:
        """One change makes one delivery."""
        asked = [event for trigger in MODULES["trigger"] for event in trigger["events"]]

        assert len(asked) == len(set(asked))

    def test_scopes_of_events(self) -> None:
        """Label events need a scope for spaces, deletions one for writing."""
        assert {
            "read:confluence-content.summary",
            "read:confluence-space.summary",
            "write:confluence-content",
        } <= SCOPES

    def test_scopes_of_tokens(self) -> None:
        """Endpoints that ask for tokens have the scopes for them."""
        asked = {name for e in endpoints().values() for name in e.get("auth", {})}

        assert asked == {"appSystemToken", "appUserToken"}
        assert {"read:app-system-token", "read:app-user-token"} <= SCOPES

    def test_scopes_of_what_the_app_writes(self) -> None:
        """Content properties go through v2, labels through v1."""
        assert {"read:page:confluence", "write:page:confluence"} <= SCOPES
        assert {"write:confluence-content", "write:label:confluence"} & SCOPES

    def test_scopes_of_comments_and_search(self) -> None:
        """Comments of our own are kept up to date; CQL chooses pages for runs."""
        assert {
            "read:comment:confluence",
            "write:comment:confluence",
            "search:confluence",
        } <= SCOPES

    def test_no_scope_is_too_much(self) -> None:
        """Nothing but pages and comments of ours is deleted, nothing administered."""
        assert {s for s in SCOPES if re.match("delete:|manage:|admin", s)} == {
            "delete:comment:confluence",
            "delete:page:confluence",
        }
        assert not {s for s in SCOPES if "permission" in s or "space:" in s} - {
            "read:space:confluence"
        }

    @pytest.mark.parametrize("module", MODULES, ids=str)
    def test_no_unknown_properties(self, module: str) -> None:
        """A misspelt property would be ignored without a word."""
        used = {name for item in MODULES[module] for name in item}

        assert used <= KNOWN_PROPERTIES[module]

    def test_keys_are_unique(self) -> None:
        """A key names one module."""
        keys = [item["key"] for items in MODULES.values() for item in items]

        assert len(keys) == len(set(keys))

    def test_runtime(self) -> None:
        """Deployments with Node 20 are refused since 2026-05-06."""
        assert MANIFEST["app"]["runtime"]["name"] in {"nodejs22.x", "nodejs24.x"}

    def test_app_id(self) -> None:
        """The app's id is a whole ARI, as tokens have it."""
        pattern = r"ari:cloud:ecosystem::app/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

        assert re.fullmatch(pattern, MANIFEST["app"]["id"])

    def test_schedule(self) -> None:
        """At most five triggers; one brings a fresh system token each hour."""
        triggers = MODULES["scheduledTrigger"]

        assert len(triggers) <= 5
        assert [t["interval"] for t in triggers if t["endpoint"] == forge.SCHEDULE] == [
            "hour"
        ]

    def test_paths_are_those_of_the_routes(self) -> None:
        """Each endpoint leads to the route that takes its tokens."""
        paths = {
            endpoint["route"]["path"]: frozenset({key})
            for key, endpoint in endpoints().items()
            if "route" in endpoint
        }
        routes = {p: k for p, k in forge.MODULE_KEYS.items() if p != forge.UI_PATH}

        assert paths == routes

    def test_paths_are_relative(self) -> None:
        """A path hangs below the remote's base URL."""
        for endpoint in endpoints().values():
            path = endpoint.get("route", {}).get("path", "/")
            parts = urlsplit(path)
            assert path.startswith("/")
            assert (parts.scheme, parts.netloc) == ("", "")

    def test_remotes(self) -> None:
        """The backend is reached over https, under a short key."""
        for remote in MANIFEST["remotes"]:
            origin = origin_of(remote["baseUrl"])
            assert origin is not None
            assert (origin.scheme, len(remote["key"]) <= 23) == ("https", True)

    def test_system_tokens(self) -> None:
        """Events and the schedule bring the token that later work is done with."""
        for key in (forge.EVENTS, forge.LIFECYCLE, forge.SCHEDULE, forge.UI):
            assert endpoints()[key]["auth"]["appSystemToken"]["enabled"] is True

    @pytest.mark.parametrize(("module", "key"), UI_MODULES.items(), ids=str)
    def test_frames(self, module: str, key: str) -> None:
        """Each frame has the key that the UI route knows, and calls the UI endpoint."""
        (item,) = MODULES[module]

        assert (item["key"], item["resolver"]) == (key, {"endpoint": forge.UI})
        assert item["key"] in forge.MODULE_KEYS[forge.UI_PATH]

    def test_byline_property(self) -> None:
        """The site draws the byline from the property that the page run writes."""
        (item,) = MODULES["confluence:contentBylineItem"]

        assert item["contentPropertyKey"] == BYLINE_PROPERTY_KEY

    def test_no_connect_modules(self) -> None:
        """Connect ends; nothing of it is deployed with Forge."""
        assert "connectModules" not in MANIFEST

    def test_status_page(self) -> None:
        """The bundled page works alone, as its frame may load nothing else."""
        (resource,) = MANIFEST["resources"]
        folder = FORGE_ROOT / resource["path"]
        page = (folder / "index.html").read_text("utf-8")
        style = (folder / "status.css").read_text("utf-8")

        assert re.findall(r'(?:href|src)="([^"]*)"', page) == ["./status.css"]
        assert not re.search(r"https?://|<script|<style|\bstyle=|\bon\w+=", page)
        assert not re.search(r"url\(|@import", style)
        assert "prefers-color-scheme: dark" in style


class TestConnectDescriptor:
    """Tests for atlassian-connect.json."""

    def test_webhooks_are_those_of_the_routes(self) -> None:
        """Each webhook has its own route, and each route its webhook."""
        webhooks = {w["event"]: w["url"] for w in DESCRIPTOR["modules"]["webhooks"]}

        assert webhooks == dict(connect.WEBHOOK_PATHS)
        assert set(webhooks) <= KNOWN_WEBHOOKS

    def test_lifecycle(self) -> None:
        """All four lifecycle events have their route."""
        assert DESCRIPTOR["lifecycle"] == dict(connect.LIFECYCLE_PATHS)

    def test_security_switches(self) -> None:
        """Signed installs and context tokens are asked for; JWT is the way in."""
        assert DESCRIPTOR["apiMigrations"] == {
            "gdpr": True,
            "signed-install": True,
            "context-qsh": True,
        }
        assert DESCRIPTOR["authentication"] == {"type": "jwt"}

    def test_scopes(self) -> None:
        """It takes back what it made; it neither administers nor impersonates."""
        assert DESCRIPTOR["scopes"] == ["READ", "WRITE", "DELETE"]

    def test_addresses(self) -> None:
        """The base URL is filled in wherever it is asked for."""
        assert DESCRIPTOR["baseUrl"] == BASE_URL
        assert DESCRIPTOR["links"]["self"] == f"{BASE_URL}/atlassian-connect.json"
        assert "{{" not in json.dumps(DESCRIPTOR)

    def test_frames(self) -> None:
        """Each frame's key leads to the path that the code has for it."""
        modules = DESCRIPTOR["modules"]
        frames = [
            item
            for value in modules.values()
            for item in (value if isinstance(value, list) else [value])
            if "key" in item
        ]

        paths = {item["key"]: urlsplit(item["url"]).path for item in frames}

        assert paths == dict(connect.UI_PATHS)

    def test_frames_are_not_cacheable(self) -> None:
        """A cacheable frame would come without a token."""
        assert "cacheable" not in TEMPLATE

    def test_byline_property(self) -> None:
        """Both hosts draw the byline from the same property."""
        (item,) = DESCRIPTOR["modules"]["contentBylineItems"]

        assert item["contentPropertyKey"] == BYLINE_PROPERTY_KEY
        assert item["target"]["type"] == "dialog"


class TestValidator:
    """Tests for the files around descriptor/validate.mjs."""

    def test_lock_file_names_no_registry(self) -> None:
        """The lock works with any mirror and tells nobody's address."""
        lock = (ROOT / "descriptor" / "package-lock.json").read_text("utf-8")
        packages = json.loads(lock)["packages"]

        assert '"resolved"' not in lock
        assert all("integrity" in p for path, p in packages.items() if path)
