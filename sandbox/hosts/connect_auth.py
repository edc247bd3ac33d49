"""Proves REST requests of Connect apps by their JWT."""

from __future__ import annotations

from starlette.requests import Request

from sandbox.clock import Clock
from sandbox.hosts.connect_apps import ConnectApps
from sandbox.hosts.connect_tokens import check_app_token, unverified_issuer
from sandbox.hosts.qsh import query_string_hash
from sandbox.principals import CredentialsRefused, Principal


class ConnectAuthenticator:
    """Lets enabled Connect apps in, on the site itself only.

    https://developer.atlassian.com/cloud/confluence/understanding-jwt/
    """

    def __init__(self, apps: ConnectApps, clock: Clock) -> None:
        self._apps = apps
        self._clock = clock

    def __call__(self, request: Request, *, gateway: bool) -> Principal | None:
        """Return the app user whose app signed the request, None without a JWT.

        Raises:
            CredentialsRefused: There is a JWT, but none of an enabled app for this
                very request.
        """
        token = _token_of(request)
        if token is None or gateway:
            return None
        installation = self._apps.find(unverified_issuer(token))
        if installation is None or installation.state != "enabled":
            raise CredentialsRefused("JWT of an app that is not installed and enabled")
        check_app_token(
            token,
            secret=installation.shared_secret,
            app_key=installation.descriptor.key,
            expected_qsh=_qsh_of(request),
            now=self._clock(),
        )
        return Principal(
            account_id=installation.account_id,
            kind="app",
            app=installation.descriptor.key,
            scopes=installation.descriptor.scopes,
        )


def _token_of(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.upper() == "JWT":
        return token.strip()
    return request.query_params.get("jwt")


def _qsh_of(request: Request) -> str:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    path = raw_path.partition(b"?")[0].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return query_string_hash(request.method, path, query, "/wiki")
