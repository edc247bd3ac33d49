"""Tenants: one Confluence site each, linked to every installation it ever had."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from app.domain.events import Host

#: How long an uninstalled tenant's data waits for a re-install.
PURGE_GRACE = timedelta(days=30)

InstallationStatus = Literal["active", "disabled", "uninstalled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One Forge installation or Connect client key.

    Attributes:
        external_id: The client key (Connect) or the installation's ARI (Forge).
        base_url: Where REST paths hang, ending in `/wiki`.
        secret: Connect's shared secret; empty for Forge and after the end.
    """

    id: int
    tenant_id: str
    host: Host
    external_id: str
    status: InstallationStatus
    base_url: str
    secret: str = field(repr=False)
    app_account_id: str | None
    ended_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether events are accepted and calls made."""
        return self.status == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One site as the work sees it."""

    id: str
    cloud_id: str | None
    site_url: str
    status: Literal["active", "uninstalled"]

    @property
    def is_active(self) -> bool:
        """Whether any installation of it still lives."""
        return self.status == "active"
