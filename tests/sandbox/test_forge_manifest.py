"""Tests for how the site reads Forge manifests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.hosts.forge_catalogue import PRODUCT_EVENTS, needed_scopes
from sandbox.hosts.forge_manifest import Manifest, ManifestRefused, read_manifest
from tests.fakes.forge_tenant import (
    MANIFEST,
)
from tests.fakes.hosted_app import (
    CONNECT_KEY,
)


def sample(**changes: Any) -> str:
    """Return the sample manifest with some top-level fields replaced."""
    return yaml.safe_dump({**yaml.safe_load(MANIFEST.read_text()), **changes})


class TestReadManifest:
    """Tests for sandbox.hosts.forge_manifest.read_manifest()."""

    def test_sample(self) -> None:
        """Everything a backend needs is read, with the remote's address replaced."""
        manifest = read_manifest(MANIFEST.read_text(), remote_url="http://x:1/")

        assert manifest.name == "Sample labels"
        assert manifest.connect_key == CONNECT_KEY
        assert manifest.byline_keys == ("sample-labels-byline",)
        assert manifest.triggers[0].endpoint.url == "http://x:1/in/changes"
        assert [module.key for module in manifest.ui_modules] == [
            "settings-page",
            "byline",
        ]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"app": "x"}, "app: must be a mapping", id="app"),
            pytest.param({"app": {"id": "x"}}, "app.id", id="id"),
            pytest.param({"remotes": []}, "remote is not declared", id="remote"),
            pytest.param({"remotes": [{"key": "home"}]}, "no URL", id="no-url"),
            pytest.param(
                {"permissions": {"scopes": []}}, "needs the scopes", id="scope"
            ),
            pytest.param({"permissions": {"scopes": 1}}, "list of names", id="scopes"),
        ],
    )
    def test_wrong_fields_are_named(self, changes: dict[str, Any], said: str) -> None:
        """Each thing that is wrong is refused with its name."""
        with pytest.raises(ManifestRefused, match=said):
            read_manifest(sample(**changes))

    @pytest.mark.parametrize(
        ("module", "entry", "said"),
        [
            pytest.param(
                "trigger",
                {"key": "t", "endpoint": "no", "events": []},
                "endpoint is not declared",
                id="endpoint",
            ),
            pytest.param(
                "trigger",
                {"endpoint": "life-in", "events": ["avi:forge:uninstalled:app"]},
                "no event of Confluence",
                id="uninstalled",
            ),
            pytest.param(
                "trigger",
                {"endpoint": "life-in", "events": ["avi:confluence:updatd:page"]},
                "no event of Confluence",
                id="misspelt",
            ),
            pytest.param(
                "scheduledTrigger",
                {"key": "s", "endpoint": "tick-in", "interval": "minute"},
                "fiveMinute",
                id="interval",
            ),
            pytest.param(
                "endpoint",
                {"key": "e", "remote": "home", "route": {"path": "http://x"}},
                "must start with /",
                id="path",
            ),
        ],
    )
    def test_wrong_modules_are_named(
        self, module: str, entry: Mapping[str, Any], said: str
    ) -> None:
        """A module that cannot work is refused."""
        raw = yaml.safe_load(MANIFEST.read_text())
        raw["modules"][module].append(entry)

        with pytest.raises(ManifestRefused, match=said):
            read_manifest(yaml.safe_dump(raw))

    def test_schedule_limit(self) -> None:
        """More scheduled triggers than five are refused."""
        raw = yaml.safe_load(MANIFEST.read_text())
        raw["modules"]["scheduledTrigger"] *= 6

        with pytest.raises(ManifestRefused, match="more than 5"):
            read_manifest(yaml.safe_dump(raw))

    def test_shipped_manifest(self) -> None:
        """The manifest that the product ships installs on this site."""
        shipped = Path(__file__).parents[2] / "descriptor" / "forge" / "manifest.yml"

        manifest = read_manifest(shipped.read_text(), remote_url="http://127.0.0.1:1")

        assert isinstance(manifest, Manifest)
        assert manifest.schedules

    def test_every_event_has_its_scopes(self) -> None:
        """The catalogue knows what each event needs; a purge needs more than an edit."""
        for name in PRODUCT_EVENTS:
            needed_scopes(name)

        edit = needed_scopes("avi:confluence:updated:page")
        assert edit < needed_scopes("avi:confluence:deleted:page")
        assert edit < needed_scopes("avi:confluence:added:label")
