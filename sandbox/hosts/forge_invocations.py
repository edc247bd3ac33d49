"""Forge Invocation Tokens and the headers that go with every call of a remote.

https://developer.atlassian.com/platform/forge/remote/essentials/
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from sandbox.hosts.deliveries import Envelope
from sandbox.hosts.forge_manifest import Endpoint, Manifest
from sandbox.hosts.forge_tokens import TokenFacts, TokenMint
from sandbox.hosts.keys import SigningKey

ISSUER = "forge/invocation-token"

#: From issue to expiry, as in Atlassian's sample.
FIT_LIFE = timedelta(seconds=25)

Environment = Literal["DEVELOPMENT", "STAGING", "PRODUCTION"]


@dataclass(slots=True, kw_only=True)
class ForgeInstallation:
    """One installation of an app on this site; a re-install makes another.

    Attributes:
        installation_id: A UUID; tokens carry it as an ARI.
        account_id: The app user.
        connect_key: Key of the Connect app whose client key this app may read.
    """

    manifest: Manifest
    installation_id: str
    account_id: str
    environment: Environment
    environment_id: str
    connect_key: str | None
    installed_at: datetime
    major: int = 1
    minor: int = 0
    active: bool = True

    @property
    def ari(self) -> str:
        """The installation's full name, as tokens carry it."""
        return f"ari:cloud:ecosystem::installation/{self.installation_id}"

    @property
    def version(self) -> str:
        """The app's version at this site."""
        return f"{self.major}.{self.minor}.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The person at a UI module, and where that module is on the site."""

    account_id: str
    module_key: str
    module_type: str
    extension: Mapping[str, Any]


class Invoker:
    """Makes the headers by which a call of a remote proves itself."""

    def __init__(self, *, origin: str, cloud_id: str, mint: TokenMint) -> None:
        self._origin = origin
        self._cloud_id = cloud_id
        self._mint = mint
        self._keys = [SigningKey()]

    @property
    def api_base_url(self) -> str:
        """The API gateway's address for this site."""
        return f"{self._origin}/ex/confluence/{self._cloud_id}"

    def jwks(self) -> dict[str, Any]:
        """Return the public keys, newest first; the one before is kept a while."""
        return {"keys": [key.jwk() for key in reversed(self._keys)]}

    def rotate(self) -> str:
        """Sign with a new key from now on; return its id."""
        self._keys = [self._keys[-1], SigningKey()]
        return self._keys[-1].kid

    def envelope(
        self,
        installation: ForgeInstallation,
        endpoint: Endpoint,
        content: bytes,
        *,
        now: datetime,
        session: Session | None = None,
    ) -> Envelope:
        """Return what an invocation of `endpoint` carries besides its address."""
        claims = self._claims(installation, endpoint.key, now=now, session=session)
        headers = {
            "authorization": f"Bearer {self._keys[-1].sign(claims)}",
            "content-type": "application/json",
            "x-b3-traceid": secrets.token_hex(16),
            "x-b3-spanid": secrets.token_hex(8),
        }
        if endpoint.system_token:
            headers["x-forge-oauth-system"] = self._mint.issue(
                TokenFacts(
                    installation_id=installation.installation_id,
                    account_id=installation.account_id,
                    kind="app",
                ),
                now,
            )
        if endpoint.user_token and session is not None:
            headers["x-forge-oauth-user"] = self._mint.issue(
                TokenFacts(
                    installation_id=installation.installation_id,
                    account_id=session.account_id,
                    kind="user",
                ),
                now,
            )
        return Envelope(headers=headers, content=content, claims=claims)

    def _claims(
        self,
        installation: ForgeInstallation,
        endpoint_key: str,
        *,
        now: datetime,
        session: Session | None,
    ) -> dict[str, Any]:
        issued = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": installation.manifest.app_id,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(FIT_LIFE.total_seconds()),
            "jti": str(uuid4()),
            "app": self._app_claim(installation, endpoint_key),
        }
        if session is not None:
            claims["principal"] = session.account_id
            claims["context"] = {
                "cloudId": self._cloud_id,
                "siteUrl": self._origin,
                "moduleKey": session.module_key,
                "localId": f"{installation.ari}/{session.module_key}",
                "extension": {"type": session.module_type, **session.extension},
            }
        return claims

    def _app_claim(
        self, installation: ForgeInstallation, endpoint_key: str
    ) -> dict[str, Any]:
        place = {
            "name": "confluence",
            "apiBaseUrl": self.api_base_url,
            "cloudId": self._cloud_id,
        }
        return {
            "id": installation.manifest.app_id,
            "appVersion": installation.version,
            "installationId": installation.ari,
            "apiBaseUrl": self.api_base_url,
            "environment": {
                "type": installation.environment,
                "id": installation.environment_id,
            },
            "module": {"type": "core:endpoint", "key": endpoint_key},
            "installation": {"id": installation.ari, "contexts": [place]},
        }
