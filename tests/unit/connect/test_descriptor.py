"""Tests for app.connect.descriptor.render()."""

from __future__ import annotations

import json

import pytest

from app.connect.descriptor import render
from app.errors import ConfigurationError

TEMPLATE = json.dumps(
    {"key": "{{app_key}}", "baseUrl": "{{base_url}}", "a": [{"b": "{{base_url}}/x"}, 1]}
)
BASE_URL = "https://app.example.com/base"


class TestRender:
    """Tests for app.connect.descriptor.render()."""

    def test_fills_in(self) -> None:
        """Key and base URL stand wherever the template asks for them."""
        made = render(TEMPLATE, base_url=BASE_URL + "/", app_key="confluence-ai")

        assert made == {
            "key": "confluence-ai",
            "baseUrl": BASE_URL,
            "a": [{"b": f"{BASE_URL}/x"}, 1],
        }

    def test_loopback(self) -> None:
        """A demo on this machine may use plain http."""
        made = render(TEMPLATE, base_url="http://127.0.0.1:8080", app_key="k")

        assert made["baseUrl"] == "http://127.0.0.1:8080"

    @pytest.mark.parametrize(
        "base_url",
        [
            "",
            "app.example.com",
            "ftp://a.example",
            'https://a","b":"c',
            "https://a?b=c",
        ],
    )
    def test_bad_base_urls(self, base_url: str) -> None:
        """What is no plain URL does not get into the descriptor."""
        with pytest.raises(ConfigurationError, match="APP_BASE_URL"):
            render(TEMPLATE, base_url=base_url, app_key="k")

    @pytest.mark.parametrize("app_key", ["", "a" * 65, 'a"b', "a b", "ключ", "{{x}}"])
    def test_bad_app_keys(self, app_key: str) -> None:
        """Atlassian's rule for keys is checked before Atlassian does."""
        with pytest.raises(ConfigurationError, match="APP_KEY"):
            render(TEMPLATE, base_url=BASE_URL, app_key=app_key)

    @pytest.mark.parametrize(
        "template", ["", "{", "[]", '{"a": "{{nothing}}"}', '{"a": "{{ base_url }}"}']
    )
    def test_bad_templates(self, template: str) -> None:
        """A broken template or an unknown placeholder is told."""
        with pytest.raises(ConfigurationError, match="descriptor"):
            render(template, base_url=BASE_URL, app_key="k")

    def test_all_problems_at_once(self) -> None:
        """The operator mends everything in one go."""
        with pytest.raises(ConfigurationError) as refusal:
            render("{", base_url="", app_key="")

        assert len(refusal.value.problems) == 3
