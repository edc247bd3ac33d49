"""Who makes a request of the site, and how requests are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from starlette.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The proved sender of a REST request.

    Attributes:
        account_id: A user's, or the app user's.
        app: Key of the app whose points are charged; None for people (exempt).
        scopes: Granted scopes of an app's token; None means not limited by scopes.
    """

    account_id: str
    kind: Literal["user", "app", "anonymous"]
    app: str | None = None
    scopes: frozenset[str] | None = None


class CredentialsRefused(Exception):
    """Credentials of a known kind are present and wrong (expired, bad signature)."""

    def __init__(self, reason: str, *, scope_mismatch: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.scope_mismatch = scope_mismatch


class Authenticator(Protocol):
    """One way of proving who sends a request; tried in order until one answers."""

    def __call__(self, request: Request, *, gateway: bool) -> Principal | None:
        """Return the sender, or None if this kind of credential is absent.

        Args:
            request: The request as received.
            gateway: True below `/ex/confluence/{cloudId}`, False on the site itself.

        Raises:
            CredentialsRefused: The kind is present but the credential is no good.
        """
        ...
