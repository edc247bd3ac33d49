"""Installations of both hosts, and the Forge tokens that they bring along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from app.domain.events import Host
from app.domain.tenants import Installation
from app.errors import ConfigurationError
from app.store.base import db_time
from app.store.encryption import Cipher
from app.store.tables import InstallationRow, TokenRow

log = structlog.get_logger("app")

#: A token this near its end is not handed out: the work would outlive it.
_TOKEN_MARGIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A Forge token that still lives."""

    value: str = field(repr=False)
    expires_at: datetime


class InstallationStore:
    """Reads and changes installations; secrets are sealed on the way in."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self._session = session
        self._cipher = cipher

    def find(self, host: Host, external_id: str) -> Installation | None:
        """Return the installation that a host names."""
        row = self._row(host, external_id)
        return None if row is None else self._value(row)

    def by_forge_installation(self, forge_installation_id: str) -> Installation | None:
        """Return the Connect installation that said it is this Forge installation."""
        row = self._session.scalar(
            sa.select(InstallationRow).where(
                InstallationRow.host == "connect",
                InstallationRow.forge_installation_id == forge_installation_id,
            )
        )
        return None if row is None else self._value(row)

    def of_tenant(self, tenant_id: str) -> Sequence[Installation]:
        """Return a tenant's installations, newest first."""
        rows = self._session.scalars(
            sa.select(InstallationRow)
            .where(InstallationRow.tenant_id == tenant_id)
            .order_by(InstallationRow.id.desc())
        )
        return [self._value(row) for row in rows]

    def save(
        self,
        tenant_id: str,
        host: Host,
        external_id: str,
        *,
        base_url: str,
        secret: str | None = None,
        forge_installation_id: str | None = None,
        environment: str | None = None,
        app_version: str | None = None,
    ) -> Installation:
        """Add an installation, or bring a known one up to date and back to life."""
        row = self._row(host, external_id)
        if row is None:
            row = InstallationRow(
                tenant_id=tenant_id,
                host=host,
                external_id=external_id,
                installed_at=db_time(),
            )
            self._session.add(row)
        row.tenant_id = tenant_id
        row.status = "active"
        row.ended_at = None
        row.base_url = base_url
        row.sealed_secret = None if secret is None else self._cipher.seal(secret)
        row.forge_installation_id = forge_installation_id or row.forge_installation_id
        row.environment = environment or row.environment
        row.app_version = app_version or row.app_version
        self._session.flush()
        self._session.refresh(row)
        return self._value(row)

    def set_status(self, installation: Installation, status: str) -> None:
        """Enable, disable or end an installation; its secrets end with it."""
        values: dict[str, object] = {"status": status}
        if status == "uninstalled":
            values |= {"ended_at": db_time(), "sealed_secret": None}
            self._session.execute(
                sa.delete(TokenRow).where(
                    TokenRow.tenant_id == installation.tenant_id,
                    TokenRow.installation_id == installation.id,
                )
            )
        self._session.execute(
            sa.update(InstallationRow)
            .where(
                InstallationRow.tenant_id == installation.tenant_id,
                InstallationRow.id == installation.id,
                # `enabled` and `disabled` may come after the end: it stays the end.
                InstallationRow.status != "uninstalled",
            )
            .values(**values)
        )

    def set_app_account(self, installation: Installation, account_id: str) -> None:
        """Record who we are on that site."""
        self._session.execute(
            sa.update(InstallationRow)
            .where(
                InstallationRow.tenant_id == installation.tenant_id,
                InstallationRow.id == installation.id,
            )
            .values(app_account_id=account_id)
        )

    def keep_token(
        self,
        installation: Installation,
        *,
        kind: str,
        token: str,
        expires_at: datetime,
        account_id: str = "",
    ) -> None:
        """Keep a token, replacing the former one of the same person."""
        key = (installation.id, kind, account_id)
        row = self._session.get(TokenRow, key)
        if row is None:
            row = TokenRow(
                installation_id=installation.id,
                kind=kind,
                account_id=account_id,
                tenant_id=installation.tenant_id,
                sealed_token="",
                expires_at=expires_at,
            )
            self._session.add(row)
        row.sealed_token = self._cipher.seal(token)
        row.expires_at = expires_at

    def token(
        self, installation: Installation, *, kind: str = "system", account_id: str = ""
    ) -> Token | None:
        """Return a token with at least a minute to live."""
        row = self._session.scalar(
            sa.select(TokenRow).where(
                TokenRow.tenant_id == installation.tenant_id,
                TokenRow.installation_id == installation.id,
                TokenRow.kind == kind,
                TokenRow.account_id == account_id,
                TokenRow.expires_at > db_time(_TOKEN_MARGIN),
            )
        )
        if row is None:
            return None
        value = self._opened(row.sealed_token)
        return Token(value=value, expires_at=row.expires_at) if value else None

    def token_expiry(self, installation: Installation) -> datetime | None:
        """Return until when the system token lives; None without a living one."""
        return self._session.scalar(
            sa.select(TokenRow.expires_at).where(
                TokenRow.tenant_id == installation.tenant_id,
                TokenRow.installation_id == installation.id,
                TokenRow.kind == "system",
                TokenRow.expires_at > db_time(_TOKEN_MARGIN),
            )
        )

    def tenant_of(self, installation: Installation) -> str:
        """Return the tenant that an installation belongs to now: tenants may merge."""
        return self._session.execute(
            sa.select(InstallationRow.tenant_id).where(
                InstallationRow.id == installation.id
            )
        ).scalar_one()

    def accounts(self, tenant_id: str) -> set[str]:
        """Return the app users of all the tenant's installations: all of them are we."""
        return set(
            self._session.scalars(
                sa.select(InstallationRow.app_account_id).where(
                    InstallationRow.tenant_id == tenant_id,
                    InstallationRow.app_account_id.is_not(None),
                )
            )
        )

    def drop_token(self, installation: Installation, value: str) -> None:
        """Forget the system token that the site refused; a newer one stays."""
        row = self._session.scalar(
            sa.select(TokenRow).where(
                TokenRow.tenant_id == installation.tenant_id,
                TokenRow.installation_id == installation.id,
                TokenRow.kind == "system",
            )
        )
        if row is not None and self._opened(row.sealed_token) == value:
            self._session.delete(row)

    def _row(self, host: Host, external_id: str) -> InstallationRow | None:
        return self._session.scalar(
            sa.select(InstallationRow).where(
                InstallationRow.host == host,
                InstallationRow.external_id == external_id,
            )
        )

    def _value(self, row: InstallationRow) -> Installation:
        secret = self._opened(row.sealed_secret) if row.sealed_secret else ""
        return Installation(
            id=row.id,
            tenant_id=row.tenant_id,
            host=row.host,  # type: ignore[arg-type]
            external_id=row.external_id,
            status=row.status,  # type: ignore[arg-type]
            base_url=row.base_url,
            secret=secret,
            app_account_id=row.app_account_id,
            ended_at=row.ended_at,
        )

    def _opened(self, sealed: str) -> str:
        """Return a secret, or nothing if no key fits any more.

        An empty secret proves nobody and signs nothing; a re-install, or the next
        token, brings a new one.
        """
        try:
            return self._cipher.open(sealed)
        except ConfigurationError:
            log.error("secret_unreadable")  # noqa: TRY400 - the traceback tells nothing
            return ""
