"""The Connect descriptor: what it must agree with, and filling in its template.

https://developer.atlassian.com/cloud/confluence/connect-app-descriptor/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from app.connect.webhooks import WEBHOOK_EVENTS
from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.origins import origin_of
from app.errors import ConfigurationError

LIFECYCLE_PATHS: Mapping[str, str] = {
    "installed": "/connect/installed",
    "uninstalled": "/connect/uninstalled",
    "enabled": "/connect/enabled",
    "disabled": "/connect/disabled",
}
WEBHOOK_PATHS: Mapping[str, str] = {
    event: f"/connect/webhooks/{event}" for event in WEBHOOK_EVENTS
}

ADMIN_PAGE_KEY = "confluence-ai-admin"
CONFIGURE_PAGE_KEY = "confluence-ai-configure"
SPACE_PAGE_KEY = "confluence-ai-space"
BYLINE_KEY = "confluence-ai-byline-item"
CONTENT_ACTION_KEY = "confluence-ai-content-action"

#: Path of the frame behind each module of the descriptor.
UI_PATHS: Mapping[str, str] = {
    ADMIN_PAGE_KEY: "/connect/ui/admin",
    CONFIGURE_PAGE_KEY: "/connect/ui/admin",
    SPACE_PAGE_KEY: "/connect/ui/space",
    BYLINE_KEY: "/connect/ui/byline",
    CONTENT_ACTION_KEY: "/connect/ui/page",
}

MAX_APP_KEY_LENGTH = 64

_APP_KEY = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_APP_KEY_LENGTH}}}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")

__all__ = [
    "ADMIN_PAGE_KEY",
    "BYLINE_KEY",
    "BYLINE_PROPERTY_KEY",
    "CONFIGURE_PAGE_KEY",
    "CONTENT_ACTION_KEY",
    "LIFECYCLE_PATHS",
    "MAX_APP_KEY_LENGTH",
    "SPACE_PAGE_KEY",
    "UI_PATHS",
    "WEBHOOK_EVENTS",
    "WEBHOOK_PATHS",
    "render",
]


def render(template: str, *, base_url: str, app_key: str) -> dict[str, Any]:
    """Return the descriptor with `{{base_url}}` and `{{app_key}}` filled in.

    The template is read as JSON first, so no value can break out of its string.

    Raises:
        ConfigurationError: The base URL is no plain http(s) URL, the key is not
            one that Atlassian takes, or the template is broken; all at once.
    """
    values = {"base_url": base_url.rstrip("/"), "app_key": app_key}
    problems = []
    if origin_of(base_url) is None:
        problems.append("APP_BASE_URL: is no absolute http(s) URL")
    if _APP_KEY.fullmatch(app_key) is None:
        problems.append(
            f"APP_KEY: needs 1 to {MAX_APP_KEY_LENGTH} of letters, digits, . _ -"
        )
    try:
        descriptor = json.loads(template)
    except ValueError:
        descriptor = None
    if not isinstance(descriptor, dict):
        problems.append("descriptor: the template is no JSON object")
    else:
        unknown = sorted(set(_PLACEHOLDER.findall(template)) - set(values))
        problems.extend(f"descriptor: nothing to put for {name}" for name in unknown)
    if problems or not isinstance(descriptor, dict):
        raise ConfigurationError(problems)
    return {name: _filled(value, values) for name, value in descriptor.items()}


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: values[match[1]], value)
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    return value
