"""The Forge Invocation Token: proof that Atlassian calls us, for one installation.

It vouches for the caller, not for the body, and lives for seconds: it is verified
on arrival and never kept.
https://developer.atlassian.com/platform/forge/remote/essentials/#the-forge-invocation-token--fit-
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from jwt import PyJWK, PyJWS, PyJWTError

from app.domain.jwts import (
    check_lifetime,
    read_claims,
    text_claim,
    unverified_rs256_kid,
)
from app.domain.origins import is_allowed_url
from app.errors import NotAuthenticated

ISSUER = "forge/invocation-token"
#: How far Atlassian's clock and ours may differ; the token itself lives for 25 s.
LEEWAY = timedelta(seconds=10)

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_API_BASE_URL = re.compile(rf"(.+)/ex/confluence/({_UUID})", re.ASCII)
_CLOUD_ID = re.compile(_UUID, re.ASCII)
_INSTALLATION = re.compile(
    r"ari:cloud:ecosystem::installation/[A-Za-z0-9-]{1,64}", re.ASCII
)
_RS256 = PyJWS(algorithms=["RS256"], options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One verified call by Forge.

    Attributes:
        app_id: Our app's ARI.
        installation_id: ARI of the installation; a re-install makes a new one.
        environment_type: `DEVELOPMENT`, `STAGING` or `PRODUCTION`.
        module_key: Key of the module in the manifest that the call is for.
        api_base_url: Where the site's API hangs, of an allowed origin.
        cloud_id: The site, the same for good.
        account_id: The person before the screen; None for events and schedules.
        context: Where in the site a frame is: a claim about a place, no permission.
    """

    app_id: str
    installation_id: str
    environment_type: str
    environment_id: str | None
    module_type: str | None
    module_key: str
    api_base_url: str
    cloud_id: str
    account_id: str | None
    app_version: str | None
    context: Mapping[str, Any] = field(repr=False)
    expires_at: datetime


def bearer_of(authorization: str | None) -> str:
    """Return the token of an `Authorization: Bearer` header.

    Raises:
        NotAuthenticated: No such header.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("no bearer token")
    return token.strip()


def unverified_kid(token: str) -> str:
    """Return the id of the key that signed a token, safe to look up.

    Raises:
        NotAuthenticated: Not RS256, or an unusual key id.
    """
    return unverified_rs256_kid(token)


def verify(
    token: str,
    *,
    key: Mapping[str, Any],
    app_id: str,
    environments: Collection[str],
    api_hosts: Sequence[str],
    module_keys: Collection[str],
    now: datetime,
) -> Invocation:
    """Prove that Forge makes this call for our app, and return what it says.

    Args:
        token: As returned by `bearer_of`.
        key: The JWK with the token's key id.
        app_id: Our app's ARI, the audience.
        environments: Environment types served here.
        api_hosts: Patterns of `app.domain.origins` for the API's address.
        module_keys: Modules whose calls belong to the route that was called.
        now: The moment to hold against the token's lifetime.

    Raises:
        NotAuthenticated: Any check failed; `reason` is for the log.
    """
    claims = _verified_claims(token, key)
    expires_at = check_lifetime(claims, now=now, leeway=LEEWAY)
    _check_parties(claims, app_id)
    app = _object(claims, "app")
    environment = _object(app, "environment")
    module = _object(app, "module")
    context = claims.get("context")
    invocation = Invocation(
        app_id=app_id,
        installation_id=_installation_id(app),
        environment_type=text_claim(environment, "type"),
        environment_id=_optional_text(environment, "id"),
        module_type=_optional_text(module, "type"),
        module_key=text_claim(module, "key"),
        api_base_url=text_claim(app, "apiBaseUrl"),
        cloud_id=_cloud_id(app, claims, api_hosts),
        account_id=_optional_text(claims, "principal"),
        app_version=_optional_text(app, "appVersion"),
        context=context if isinstance(context, dict) else {},
        expires_at=expires_at,
    )
    if invocation.environment_type not in environments:
        raise NotAuthenticated("environment is not served here")
    if invocation.module_key not in module_keys:
        raise NotAuthenticated("token is for another module")
    return invocation


def _verified_claims(token: str, key: Mapping[str, Any]) -> dict[str, Any]:
    kid = unverified_kid(token)
    if key.get("kid", kid) != kid:
        raise NotAuthenticated("key has another kid")
    try:
        # The algorithm is given here, so a key that claims to be symmetric fails.
        jwk = PyJWK(dict(key), algorithm="RS256")
        payload: bytes = _RS256.decode(token, jwk, algorithms=["RS256"])
    except (PyJWTError, ValueError, TypeError) as error:
        raise NotAuthenticated(f"signature: {type(error).__name__}") from error
    return read_claims(payload)


def _check_parties(claims: Mapping[str, Any], app_id: str) -> None:
    if text_claim(claims, "iss") != ISSUER:
        raise NotAuthenticated("issuer is not Forge")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not app_id or app_id not in audiences:
        raise NotAuthenticated("audience is another app")
    if text_claim(_object(claims, "app"), "id") != app_id:
        raise NotAuthenticated("app is another than the audience")


def _installation_id(app: Mapping[str, Any]) -> str:
    installation_id = text_claim(app, "installationId")
    if _INSTALLATION.fullmatch(installation_id) is None:
        raise NotAuthenticated("installation id is unusual")
    installation = app.get("installation")
    if isinstance(installation, dict):
        other = installation.get("id", installation_id)
        if other != installation_id:
            raise NotAuthenticated("two installations in one token")
    return installation_id


def _cloud_id(
    app: Mapping[str, Any], claims: Mapping[str, Any], api_hosts: Sequence[str]
) -> str:
    """Return the site, which every place that names it must agree on."""
    api_base_url = text_claim(app, "apiBaseUrl")
    match = _API_BASE_URL.fullmatch(api_base_url)
    if match is None or not is_allowed_url(match[1], api_hosts):
        raise NotAuthenticated("API base URL is not allowed")
    if match[1].count("/") != len("//"):
        raise NotAuthenticated("API base URL has a longer path")
    cloud_id = match[2]
    named = [*_context_cloud_ids(app), _claimed_cloud_id(claims.get("context"))]
    if any(other not in {None, cloud_id} for other in named):
        raise NotAuthenticated("token names two sites")
    return cloud_id


def _context_cloud_ids(app: Mapping[str, Any]) -> list[str | None]:
    installation = app.get("installation")
    contexts = installation.get("contexts") if isinstance(installation, dict) else None
    return [
        _claimed_cloud_id(context)
        for context in (contexts if isinstance(contexts, list) else [])
        if isinstance(context, dict) and context.get("name") == "confluence"
    ]


def _claimed_cloud_id(context: Any) -> str | None:
    value = context.get("cloudId") if isinstance(context, dict) else None
    if value is None:
        return None
    if not isinstance(value, str) or _CLOUD_ID.fullmatch(value) is None:
        raise NotAuthenticated("cloud id is unusual")
    return value


def _object(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name)
    if not isinstance(value, dict):
        raise NotAuthenticated(f"no {name} claim")
    return value


def _optional_text(claims: Mapping[str, Any], name: str) -> str | None:
    return None if claims.get(name) is None else text_claim(claims, name)
