"""What a host (Connect, Forge) adds to the site."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from starlette.routing import BaseRoute

from sandbox.principals import Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSummary:
    """An installed app as the "Apps" page of the web face shows it."""

    key: str
    name: str
    host: Literal["connect", "forge"]
    status: str
    installed_at: datetime
    base_url: str


class HostPlugin(Protocol):
    """One of the two hosts that Atlassian runs apps on."""

    def routes(self) -> list[BaseRoute]:
        """Return the host's own routes (control, keys)."""
        ...

    def authenticators(self) -> list[Authenticator]:
        """Return how requests of this host's apps are proved."""
        ...

    def run(self) -> AbstractAsyncContextManager[None]:
        """Return the context that deliveries run in while the site is up."""
        ...

    def byline_property_keys(self) -> list[str]:
        """Return the content properties that installed apps show in the byline."""
        ...

    def apps(self) -> list[AppSummary]:
        """Return the installed apps."""
        ...


def byline_keys(hosts: Sequence[HostPlugin]) -> list[str]:
    """Return the byline properties of all hosts, each once, first named first."""
    return list(
        dict.fromkeys(key for host in hosts for key in host.byline_property_keys())
    )
