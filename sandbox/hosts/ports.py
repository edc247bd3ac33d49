"""What a host needs of the site it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sandbox.changes import Change


class HostSite(Protocol):
    """The part of `sandbox.site.Site` that hosts use."""

    @property
    def cloud_id(self) -> str:
        """The site's cloud id, a UUID."""
        ...

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        ...

    def subscribe(self, listener: Callable[[Change], None], /) -> None:
        """Call `listener` after every change, within the request that made it."""
        ...

    def create_app_user(self, app_key: str, display_name: str, /) -> str:
        """Return the account id of the app's user, made or brought back."""
        ...

    def remove_user(self, account_id: str, /) -> None:
        """End the access of an account."""
        ...
