"""Tests for how the site reads Connect descriptors, and for its hash of requests."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hosts.connect_descriptor import DescriptorRefused, granted, read_descriptor
from sandbox.hosts.qsh import canonical_request
from tests.fakes.hosted_app import (
    connect_descriptor,
)


class TestReadDescriptor:
    """Tests for sandbox.hosts.connect_descriptor.read_descriptor()."""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"key": "з пробілом"}, "key", id="key"),
            pytest.param({"key": "x" * 65}, "key", id="long-key"),
            pytest.param({"baseUrl": "http://app.test"}, "https", id="http"),
            pytest.param({"baseUrl": "https://a@app.test"}, "user", id="userinfo"),
            pytest.param({"baseUrl": "https://[::1"}, "no URL", id="bad-url"),
            pytest.param({"baseUrl": None}, "baseUrl", id="no-base-url"),
            pytest.param({"authentication": {"type": "none"}}, "jwt", id="auth"),
            pytest.param({"authentication": "jwt"}, "jwt", id="auth-text"),
            pytest.param({"apiMigrations": {}}, "signed-install", id="unsigned"),
            pytest.param({"lifecycle": {}}, "installed", id="lifecycle"),
            pytest.param(
                {"lifecycle": {"installed": "https://other.test/x"}},
                "starts with /",
                id="absolute",
            ),
            pytest.param({"scopes": ["READ", "FLY"]}, "'FLY'", id="scope"),
            pytest.param({"modules": [1]}, "modules", id="modules"),
            pytest.param({"modules": {"webhooks": {"x": 1}}}, "a list", id="hooks"),
            pytest.param({"modules": {"webhooks": [1]}}, "event", id="hook"),
            pytest.param(
                {"modules": {"webhooks": [{"event": "page_created"}]}},
                "page_created: url",
                id="hook-url",
            ),
            pytest.param(
                {"modules": {"contentBylineItems": [1]}}, "Byline", id="byline"
            ),
        ],
    )
    def test_wrong_fields_are_named(self, changes: dict[str, Any], said: str) -> None:
        """Each thing that is wrong is refused with the field's name."""
        with pytest.raises(DescriptorRefused, match=said):
            read_descriptor(connect_descriptor(**changes))

    @pytest.mark.parametrize("modules", [None, {}, [], {"webhooks": []}])
    def test_modules_are_optional(self, modules: object) -> None:
        """An app without modules installs, and is told of nothing."""
        descriptor = read_descriptor(connect_descriptor(modules=modules))

        assert descriptor.webhooks == ()

    def test_all_problems_are_told(self) -> None:
        """An empty descriptor is refused with every reason at once."""
        with pytest.raises(DescriptorRefused) as caught:
            read_descriptor({})

        assert len(caught.value.problems) == 5

    def test_higher_scopes_include_lower_ones(self) -> None:
        """WRITE lets read; READ does not let write."""
        write = granted(["WRITE"])

        assert "write:confluence-content" in write
        assert granted(["READ"]) < write
        assert granted([]) == frozenset()


@pytest.mark.parametrize(
    ("target", "canonical"),
    [
        ("/base/a//", "GET&/a/&"),
        ("/base", "GET&/&"),
        ("/basement/x", "GET&/basement/x&"),
        ("/base/a?x=1&x=10&x=2&jwt=t", "GET&/a&x=1,10,2"),
        ("/base/a?q=a+b&noval", "GET&/a&noval=&q=a%20b"),
        ("/base/a&b?q=*!'()~", "GET&/a%26b&q=%2A%21%27%28%29~"),
    ],
)
def test_canonical_request(target: str, canonical: str) -> None:
    """The text that is hashed follows Atlassian's rules."""
    path, _, query = target.partition("?")

    assert canonical_request("get", path, query, "/base") == canonical
