"""Who sends a REST request: people by Basic, apps by what their host accepts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Literal

from starlette.requests import Request

from sandbox.directory import Directory
from sandbox.principals import Authenticator, CredentialsRefused, Principal

#: What stands in the Authorization header before the blank, in lower case.
Scheme = Literal["none", "basic", "bearer", "jwt", "other"]

_SCHEMES: dict[str, Scheme] = {"basic": "basic", "bearer": "bearer", "jwt": "jwt"}


def scheme_of(request: Request) -> Scheme:
    """Return the kind of credential that a request carries."""
    header = request.headers.get("authorization", "")
    if not header:
        return "jwt" if "jwt" in request.query_params else "none"
    return _SCHEMES.get(header.partition(" ")[0].lower(), "other")


def _read_basic(header: str) -> tuple[str, str]:
    encoded = header.partition(" ")[2].strip()
    try:
        email, colon, token = (
            base64.b64decode(encoded, validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError) as error:
        raise CredentialsRefused("Basic credentials are not base64 text") from error
    if not colon:
        raise CredentialsRefused("Basic credentials have no colon")
    return email, token


class BasicAuth:
    """E-mail and API token of a person; the site takes them, the gateway does not."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __call__(self, request: Request, *, gateway: bool) -> Principal | None:
        """See `Authenticator`."""
        if gateway or scheme_of(request) != "basic":
            return None
        email, token = _read_basic(request.headers["authorization"])
        user = self._directory.by_credentials(email, token)
        if user is None:
            raise CredentialsRefused("no such e-mail and token")
        return user.principal


class Authentication:
    """All ways of proving a sender, tried in order."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    def principal(self, request: Request, *, gateway: bool) -> Principal:
        """Return the proved sender.

        Raises:
            CredentialsRefused: There is no credential that counts here, or it is bad.
        """
        for authenticator in self._authenticators:
            principal = authenticator(request, gateway=gateway)
            if principal is not None:
                return principal
        raise CredentialsRefused("no credential that counts here")
