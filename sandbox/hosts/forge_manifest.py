"""A Forge manifest as the site understands it, and what makes it refuse one.

https://developer.atlassian.com/platform/forge/manifest-reference/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import yaml

from sandbox.hosts.forge_catalogue import (
    LIFECYCLE_EVENTS,
    PRODUCT_EVENTS,
    needed_scopes,
)

_APP_ID = re.compile(r"ari:cloud:ecosystem::app/[0-9a-fA-F-]{36}")

#: Scheduled triggers allowed to one app.
SCHEDULE_LIMIT = 5

INTERVALS: Mapping[str, timedelta] = {
    "fiveMinute": timedelta(minutes=5),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}

_Raw = Mapping[str, Any]


class ManifestRefused(Exception):
    """The manifest cannot be installed; `problems` are all reasons."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A way into the app's backend.

    Attributes:
        base_url: The remote's, without a trailing slash.
        path: Where events go; empty if the caller names the path.
        system_token: The app user's token goes along.
        user_token: The token of the person in session goes along.
    """

    key: str
    base_url: str
    path: str
    system_token: bool
    user_token: bool

    @property
    def url(self) -> str:
        """The address that events go to."""
        return self.base_url + self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Events that go to an endpoint."""

    key: str
    endpoint: Endpoint
    events: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """An endpoint that is called again and again."""

    key: str
    endpoint: Endpoint
    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class UiModule:
    """A module that a person sees and whose calls go to an endpoint.

    Attributes:
        kind: Its type, such as `confluence:globalSettings`.
    """

    key: str
    kind: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that passed every check.

    Attributes:
        app_id: The app's full ARI.
        connect_key: Key of the Connect app that this one takes over from.
    """

    app_id: str
    name: str
    connect_key: str | None
    scopes: frozenset[str]
    triggers: tuple[Trigger, ...]
    schedules: tuple[Schedule, ...]
    pre_uninstalls: tuple[tuple[str, Endpoint], ...]
    ui_modules: tuple[UiModule, ...]
    byline_keys: tuple[str, ...]
    base_url: str


def read_manifest(text: str, *, remote_url: str | None = None) -> Manifest:
    """Check a manifest's YAML and return what the site needs of it.

    Args:
        text: The manifest.
        remote_url: Stands in the place of every remote's base URL.

    Raises:
        ManifestRefused: It is no YAML, or something in it is missing or wrong.
    """
    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ManifestRefused([f"manifest is not YAML: {error}"]) from error
    if not isinstance(raw, dict):
        raise ManifestRefused(["manifest must be a mapping"])
    return _Reader(raw, remote_url).read()


class _Reader:
    """Reads one manifest, gathering problems on the way."""

    def __init__(self, raw: _Raw, remote_url: str | None) -> None:
        self._problems: list[str] = []
        self._raw = raw
        self._app = self._mapping(raw, "app")
        self._modules = self._mapping(raw, "modules")
        self._remotes = self._read_remotes(remote_url)
        self._endpoints = dict(self._read_endpoints())

    def read(self) -> Manifest:
        scopes = self._read_scopes()
        manifest = Manifest(
            app_id=self._read_app_id(),
            name=self._read_name(),
            connect_key=self._read_connect_key(),
            scopes=scopes,
            triggers=tuple(self._read_triggers(scopes)),
            schedules=tuple(self._read_schedules()),
            pre_uninstalls=tuple(
                (str(entry.get("key")), endpoint)
                for entry in self._entries("preUninstall")
                if (endpoint := self._endpoint_of("preUninstall", entry))
            ),
            ui_modules=tuple(self._read_ui_modules()),
            byline_keys=tuple(
                str(entry["contentPropertyKey"])
                for entry in self._entries("confluence:contentBylineItem")
                if entry.get("contentPropertyKey")
            ),
            base_url=next(iter(self._remotes.values()), ""),
        )
        if self._problems:
            raise ManifestRefused(self._problems)
        return manifest

    def _mapping(self, raw: _Raw, name: str) -> _Raw:
        value = raw.get(name) or {}
        if isinstance(value, dict):
            return value
        self._problems.append(f"{name}: must be a mapping")
        return {}

    def _list(self, raw: _Raw, name: str) -> list[_Raw]:
        value = raw.get(name) or []
        if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            return value
        self._problems.append(f"{name}: must be a list of mappings")
        return []

    def _entries(self, module: str) -> list[_Raw]:
        return self._list(self._modules, module)

    def _read_app_id(self) -> str:
        app_id = self._app.get("id")
        if isinstance(app_id, str) and _APP_ID.fullmatch(app_id):
            return app_id
        self._problems.append("app.id: must be ari:cloud:ecosystem::app/<uuid>")
        return ""

    def _read_name(self) -> str:
        # The real name is given at registration; a title on the screen is nearest.
        titles = (
            entry.get("title") or entry.get("key")
            for kind in self._modules
            if str(kind).startswith("confluence:")
            for entry in self._entries(kind)
        )
        return str(self._app.get("name") or next(titles, "Forge app"))

    def _read_connect_key(self) -> str | None:
        key = self._mapping(self._app, "connect").get("key")
        if key is None or isinstance(key, str):
            return key
        self._problems.append("app.connect.key: must be text")
        return None

    def _read_scopes(self) -> frozenset[str]:
        scopes = self._mapping(self._raw, "permissions").get("scopes") or []
        if isinstance(scopes, dict):
            scopes = list(scopes)
        if isinstance(scopes, list) and all(isinstance(s, str) for s in scopes):
            return frozenset(scopes)
        self._problems.append("permissions.scopes: must be a list of names")
        return frozenset()

    def _read_remotes(self, override: str | None) -> dict[str, str]:
        found: dict[str, str] = {}
        for entry in self._list(self._raw, "remotes"):
            url = entry.get("baseUrl")
            url = url.get("default") if isinstance(url, dict) else url
            url = override or url
            if not isinstance(url, str) or not url.startswith(("https://", "http://")):
                self._problems.append(f"remotes.{entry.get('key')}: baseUrl is no URL")
                continue
            found[str(entry.get("key"))] = url.rstrip("/")
        return found

    def _read_endpoints(self) -> Iterator[tuple[str, Endpoint]]:
        for entry in self._entries("endpoint"):
            key = str(entry.get("key"))
            base_url = self._remotes.get(str(entry.get("remote")))
            path = self._mapping(entry, "route").get("path") or ""
            if base_url is None:
                self._problems.append(f"endpoint.{key}: its remote is not declared")
            elif not isinstance(path, str) or (path and not path.startswith("/")):
                self._problems.append(f"endpoint.{key}: route.path must start with /")
            else:
                auth = self._mapping(entry, "auth")
                yield (
                    key,
                    Endpoint(
                        key=key,
                        base_url=base_url,
                        path=path,
                        system_token=self._enabled(auth, "appSystemToken"),
                        user_token=self._enabled(auth, "appUserToken"),
                    ),
                )

    def _enabled(self, auth: _Raw, name: str) -> bool:
        return self._mapping(auth, name).get("enabled") is True

    def _endpoint_of(self, module: str, entry: _Raw) -> Endpoint | None:
        endpoint = self._endpoints.get(str(entry.get("endpoint")))
        if endpoint is None:
            key = entry.get("key")
            self._problems.append(f"{module}.{key}: its endpoint is not declared")
        return endpoint

    def _read_triggers(self, scopes: frozenset[str]) -> Iterator[Trigger]:
        for entry in self._entries("trigger"):
            events = [str(event) for event in entry.get("events") or ()]
            for event in events:
                self._check_event(event, scopes)
            if endpoint := self._endpoint_of("trigger", entry):
                yield Trigger(
                    key=str(entry.get("key")),
                    endpoint=endpoint,
                    events=frozenset(events),
                )

    def _check_event(self, event: str, scopes: frozenset[str]) -> None:
        if event in LIFECYCLE_EVENTS:
            return
        if event not in PRODUCT_EVENTS:
            self._problems.append(f"trigger: {event} is no event of Confluence")
        elif missing := needed_scopes(event) - scopes:
            names = ", ".join(sorted(missing))
            self._problems.append(f"trigger: {event} needs the scopes {names}")

    def _read_schedules(self) -> Iterator[Schedule]:
        entries = self._entries("scheduledTrigger")
        if len(entries) > SCHEDULE_LIMIT:
            self._problems.append(f"scheduledTrigger: more than {SCHEDULE_LIMIT}")
        for entry in entries:
            interval = INTERVALS.get(str(entry.get("interval")))
            if interval is None:
                known = ", ".join(INTERVALS)
                self._problems.append(f"scheduledTrigger: interval is none of {known}")
            elif endpoint := self._endpoint_of("scheduledTrigger", entry):
                yield Schedule(
                    key=str(entry.get("key")), endpoint=endpoint, interval=interval
                )

    def _read_ui_modules(self) -> Iterator[UiModule]:
        for kind in self._modules:
            if not str(kind).startswith(("confluence:", "macro")):
                continue
            for entry in self._entries(kind):
                name = self._mapping(entry, "resolver").get("endpoint")
                if name is None:
                    continue
                if endpoint := self._endpoint_of(kind, {**entry, "endpoint": name}):
                    yield UiModule(
                        key=str(entry.get("key")), kind=str(kind), endpoint=endpoint
                    )


def at_path(endpoint: Endpoint, path: str) -> Endpoint:
    """Return `endpoint` for a call that names its own path below the remote."""
    return replace(endpoint, path=path)
