"""A Connect descriptor as the site understands it, and what makes it refuse one.

https://developer.atlassian.com/cloud/confluence/connect-app-descriptor/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "testserver"})
_LIFECYCLE = ("installed", "uninstalled", "enabled", "disabled")

#: Scopes in the order in which each includes those before it.
_LADDER = ("READ", "WRITE", "DELETE", "SPACE_ADMIN", "ADMIN")
_OTHER_SCOPES = frozenset({"NONE", "ACT_AS_USER", "ACCESS_EMAIL_ADDRESSES"})

#: What each step of the ladder adds, in the words of REST's OAuth 2 scopes.
#: https://developer.atlassian.com/cloud/confluence/scopes-for-oauth-2-3LO-and-forge-apps/
_GRANTS: Mapping[str, tuple[str, ...]] = {
    "READ": (
        "read:confluence-content.all",
        "read:confluence-content.summary",
        "read:confluence-content.permission",
        "read:confluence-space.summary",
        "read:confluence-props",
        "read:confluence-user",
        "readonly:content.attachment:confluence",
        "search:confluence",
        "read:page:confluence",
        "read:label:confluence",
        "read:space:confluence",
        "read:content.metadata:confluence",
        "read:content-details:confluence",
        "read:hierarchical-content:confluence",
        "read:comment:confluence",
        "read:user:confluence",
    ),
    "WRITE": (
        "write:confluence-content",
        "write:confluence-file",
        "write:confluence-props",
        "write:page:confluence",
        "write:label:confluence",
        "write:comment:confluence",
    ),
    "DELETE": ("delete:page:confluence", "delete:comment:confluence"),
    "SPACE_ADMIN": ("write:confluence-space", "write:space.permission:confluence"),
    "ADMIN": ("manage:confluence-configuration", "write:configuration:confluence"),
}


class DescriptorRefused(Exception):
    """The descriptor cannot be installed; `problems` are all reasons."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook that the app asked for; `url` is relative to its base URL."""

    event: str
    url: str
    exclude_body: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A descriptor that passed every check.

    Attributes:
        base_url: Without a trailing slash.
        lifecycle: Event name to a URL relative to the base URL.
        scopes: OAuth 2 scopes that the descriptor's own scopes stand for.
        byline_keys: Content properties shown in the byline.
    """

    key: str
    name: str
    description: str
    base_url: str
    lifecycle: Mapping[str, str]
    webhooks: tuple[Webhook, ...]
    scopes: frozenset[str]
    byline_keys: tuple[str, ...]


def read_descriptor(raw: object) -> Descriptor:
    """Check a decoded descriptor and return what the site needs of it.

    Raises:
        DescriptorRefused: Something in it is missing or wrong.
    """
    if not isinstance(raw, dict):
        raise DescriptorRefused(["the descriptor is no JSON object"])
    if problems := _problems(raw):
        raise DescriptorRefused(problems)
    modules: Mapping[str, Any] = raw.get("modules") or {}
    return Descriptor(
        key=raw["key"],
        name=str(raw.get("name") or raw["key"]),
        description=str(raw.get("description") or ""),
        base_url=raw["baseUrl"].rstrip("/"),
        lifecycle={
            name: url for name, url in raw["lifecycle"].items() if name in _LIFECYCLE
        },
        webhooks=tuple(
            Webhook(
                event=hook["event"],
                url=hook["url"],
                exclude_body=bool(hook.get("excludeBody")),
            )
            for hook in _listed(modules, "webhooks")
        ),
        scopes=granted(raw.get("scopes") or []),
        byline_keys=tuple(
            item["contentPropertyKey"]
            for item in _listed(modules, "contentBylineItems")
            if item.get("contentPropertyKey")
        ),
    )


def granted(scopes: list[str]) -> frozenset[str]:
    """Return the OAuth 2 scopes that a descriptor's scopes stand for."""
    highest = max(
        (_LADDER.index(scope) for scope in scopes if scope in _LADDER), default=-1
    )
    return frozenset(
        grant for step in _LADDER[: highest + 1] for grant in _GRANTS[step]
    )


def _listed(modules: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = modules.get(name) or []
    return found if isinstance(found, list) else [found]


def _problems(raw: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    if not isinstance(raw.get("key"), str) or not _KEY.fullmatch(raw["key"]):
        found.append("key: must be 1 to 64 letters, digits, dots, dashes, underscores")
    found += _base_url_problems(raw.get("baseUrl"))
    if _inside(raw, "authentication", "type") != "jwt":
        found.append('authentication.type: must be "jwt"')
    if _inside(raw, "apiMigrations", "signed-install") is not True:
        found.append("apiMigrations.signed-install: must be true")
    found += _lifecycle_problems(raw.get("lifecycle"))
    found += _scope_problems(raw.get("scopes", []))
    found += _module_problems(raw.get("modules") or {})
    return found


def _inside(raw: Mapping[str, Any], outer: str, inner: str) -> object:
    value = raw.get(outer)
    return value.get(inner) if isinstance(value, dict) else None


def _base_url_problems(value: object) -> list[str]:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        host = parts.hostname
    except ValueError:
        return ["baseUrl: is no URL"]
    # Plain http is for apps on this very machine: the sandbox's one licence.
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        return ["baseUrl: must be https (or http on loopback)"]
    if not host or parts.query or parts.fragment or parts.username is not None:
        return ["baseUrl: must be a plain address without query and user"]
    return []


def _lifecycle_problems(value: object) -> list[str]:
    if not isinstance(value, dict) or "installed" not in value:
        return ["lifecycle.installed: is required with authentication.type jwt"]
    return [
        f"lifecycle.{name}: must be a path that starts with /"
        for name, url in value.items()
        if not _is_path(url)
    ]


def _scope_problems(value: object) -> list[str]:
    if not isinstance(value, list):
        return ["scopes: must be a list"]
    known = {*_LADDER, *_OTHER_SCOPES}
    return [f"scopes: {scope!r} is unknown" for scope in value if scope not in known]


def _module_problems(modules: object) -> list[str]:
    if not isinstance(modules, dict):
        return ["modules: must be an object"]
    hooks = modules.get("webhooks") or []
    bylines = _listed(modules, "contentBylineItems")
    found = [] if isinstance(hooks, list) else ["modules.webhooks: must be a list"]
    if any(not isinstance(item, dict) for item in bylines):
        found.append("modules.contentBylineItems: must be objects")
    for hook in hooks if isinstance(hooks, list) else []:
        if not isinstance(hook, dict) or not isinstance(hook.get("event"), str):
            found.append("modules.webhooks: each needs an event")
        elif not _is_path(hook.get("url")):
            found.append(f"modules.webhooks: {hook['event']}: url must start with /")
    return found


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/")
