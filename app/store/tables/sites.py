"""Who has installed the app, and where it reaches them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.store.base import Base, auto_id, moment, tenant_fk


class TenantRow(Base):
    """One Confluence site, whichever hosts it installed the app through."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)
    cloud_id: Mapped[str | None] = mapped_column(unique=True)
    site_url: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[moment]
    uninstalled_at: Mapped[datetime | None]
    purge_after: Mapped[datetime | None]
    #: When the queue last handed out work of this tenant: fairness.
    last_served_at: Mapped[datetime | None]
    #: No job of this tenant is claimed before; one row pauses thousands of jobs.
    blocked_until: Mapped[datetime | None]
    blocked_reason: Mapped[str | None]
    #: The same, for a Forge token that is awaited; its arrival ends this wait alone.
    token_wait_until: Mapped[datetime | None]
    #: When the site's pages and labels were last walked as a whole.
    learned_at: Mapped[datetime | None]
    #: Counts changes of `page_memory`, so that caches know when to rebuild.
    memory_version: Mapped[int] = mapped_column(default=0)
    #: Counts changes of `terms`, and of names that people said no to.
    vocabulary_version: Mapped[int] = mapped_column(default=0, server_default="0")
    #: Somebody pulled the tenant's kill switch: nothing is claimed, asked or written.
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None]


class InstallationRow(Base):
    """One Forge installation or Connect client key; kept after it ends."""

    __tablename__ = "installations"
    __table_args__ = (sa.UniqueConstraint("host", "external_id"),)

    id: Mapped[auto_id]
    tenant_id: Mapped[tenant_fk] = mapped_column(index=True)
    host: Mapped[str]
    #: The client key (Connect) or the installation's ARI (Forge).
    external_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    #: Where REST paths hang, ending in `/wiki`.
    base_url: Mapped[str]
    #: Connect's shared secret, sealed; None for Forge and after the end.
    sealed_secret: Mapped[str | None]
    #: ARI of the Forge installation behind a Connect-on-Forge install.
    forge_installation_id: Mapped[str | None] = mapped_column(index=True)
    environment: Mapped[str | None]
    app_version: Mapped[str | None]
    #: The app user's account id; its own edits are recognised by it.
    app_account_id: Mapped[str | None]
    installed_at: Mapped[moment]
    ended_at: Mapped[datetime | None]


class TokenRow(Base):
    """A Forge token of an installation, sealed, kept until it expires."""

    __tablename__ = "tokens"

    installation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("installations.id", ondelete="CASCADE"), primary_key=True
    )
    #: `system`, or `user`.
    kind: Mapped[str] = mapped_column(primary_key=True)
    #: Empty for the system token.
    account_id: Mapped[str] = mapped_column(primary_key=True, default="")
    tenant_id: Mapped[tenant_fk] = mapped_column(index=True)
    sealed_token: Mapped[str]
    expires_at: Mapped[moment]


class SpaceRow(Base):
    """A space as last seen, so that a key is known without asking again."""

    __tablename__ = "spaces"

    tenant_id: Mapped[tenant_fk] = mapped_column(primary_key=True)
    space_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    name: Mapped[str]
    #: When its pages were last walked to the end.
    learned_at: Mapped[datetime | None]


class SwitchRow(Base):
    """A switch of the whole installation, such as `stopped`; there or not."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(primary_key=True)
    set_at: Mapped[moment]
    set_by: Mapped[str]
