"""Proves requests at the API gateway by the bearer tokens that Forge apps hold."""

from __future__ import annotations

from starlette.requests import Request

from sandbox.clock import Clock
from sandbox.hosts.forge_apps import ForgeApps
from sandbox.hosts.forge_invocations import ForgeInstallation
from sandbox.hosts.forge_tokens import TokenFacts
from sandbox.principals import CredentialsRefused, Principal


class ForgeAuthenticator:
    """Lets installed Forge apps in, at the gateway only.

    https://developer.atlassian.com/platform/forge/remote/calling-product-apis/
    """

    def __init__(self, apps: ForgeApps, clock: Clock) -> None:
        self._apps = apps
        self._clock = clock

    def __call__(self, request: Request, *, gateway: bool) -> Principal | None:
        """Return the app user, or the person a user token stands for.

        None where no bearer token is present, or one that this host never issued.

        Raises:
            CredentialsRefused: The token is expired, or its installation is gone.
        """
        if not gateway:
            return None
        found = self.holder(request)
        if found is None:
            return None
        installation, facts = found
        return Principal(
            account_id=facts.account_id,
            kind=facts.kind,
            app=installation.manifest.app_id,
            scopes=installation.manifest.scopes,
        )

    def holder(self, request: Request) -> tuple[ForgeInstallation, TokenFacts] | None:
        """Return the installation whose token the request bears, None without one.

        Raises:
            CredentialsRefused: The token is expired, or its installation is gone.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        facts = self._apps.mint.read(token.strip(), self._clock())
        if facts is None:
            return None
        installation = self._apps.by_id(facts.installation_id)
        if installation is None:
            raise CredentialsRefused("the app is not installed any more")
        return installation, facts
