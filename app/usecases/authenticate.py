"""Who sent a request: the hosts' tokens held against what we know of tenants."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar
from urllib.parse import urlsplit

from app.connect import tokens as connect_tokens
from app.connect.lifecycle import LifecycleEvent, check_install
from app.connect.requests import SignedRequest, token_of
from app.connect.tokens import Claims
from app.domain.tenants import Installation
from app.errors import NotAuthenticated
from app.forge import invocations
from app.forge.invocations import Invocation
from app.store.installations import InstallationStore
from app.usecases.services import Services

_Event = TypeVar("_Event", bound=LifecycleEvent)


async def authenticate_connect(
    services: Services,
    request: SignedRequest,
    *,
    allow_context: bool = False,
    allow_disabled: bool = False,
) -> tuple[Installation, Claims]:
    """Prove that an installed Connect site sent this request.

    Args:
        services: The bundle.
        request: The request as received.
        allow_context: Accept a context token (UI API routes only).
        allow_disabled: Accept a disabled installation (lifecycle routes only).

    Raises:
        NotAuthenticated: Anything is wrong; unknown and ended sites look the same.
    """
    if not services.rules.connect_enabled:
        raise NotAuthenticated("Connect is switched off")
    token = token_of(request)
    issuer = connect_tokens.unverified_issuer(token)
    installation = await services.database.read(
        lambda s: InstallationStore(s, services.cipher).find("connect", issuer)
    )
    if installation is None or installation.status == "uninstalled":
        raise NotAuthenticated("no such installation")
    if not installation.is_active and not allow_disabled:
        raise NotAuthenticated("the installation is disabled")
    claims = connect_tokens.verify_symmetric(
        token,
        request,
        client_key=installation.external_id,
        shared_secret=installation.secret,
        base_path=base_path(services),
        now=services.now(),
        allow_context=allow_context,
    )
    return installation, claims


async def authenticate_lifecycle(
    services: Services, request: SignedRequest, kind: type[_Event], body: bytes
) -> _Event:
    """Prove that Atlassian itself sent an `installed` or `uninstalled` call.

    Raises:
        NotAuthenticated: The RS256 token, or what the body claims, does not hold.
        MalformedPayload: The body cannot be read.
        Unavailable: The host of the public keys does not answer.
    """
    if not services.rules.connect_enabled:
        raise NotAuthenticated("Connect is switched off")
    token = token_of(request)
    kid = connect_tokens.unverified_kid(token)
    event = kind.from_body(body)
    claims = connect_tokens.verify_asymmetric(
        token,
        request,
        public_key_pem=await services.keys.install_key(kid),
        client_key=event.client_key,
        audiences=[services.rules.app_base_url],
        base_path=base_path(services),
        now=services.now(),
    )
    check_install(
        event,
        claims,
        app_key=services.rules.app_key,
        allowed_hosts=services.rules.connect_allowed_hosts,
    )
    return event


async def authenticate_forge(
    services: Services, authorization: str | None, *, module_keys: Collection[str]
) -> Invocation:
    """Prove that Forge invoked this very endpoint of our app.

    Raises:
        NotAuthenticated: The token does not hold, or is for another endpoint.
        Unavailable: The JWKS host does not answer.
    """
    rules = services.rules
    if not rules.forge_app_id:
        raise NotAuthenticated("Forge is not set up: FORGE_APP_ID is empty")
    token = invocations.bearer_of(authorization)
    key = await services.keys.forge_key(invocations.unverified_kid(token))
    return invocations.verify(
        token,
        key=key,
        app_id=rules.forge_app_id,
        environments=rules.forge_environments,
        api_hosts=rules.forge_api_hosts,
        module_keys=module_keys,
        now=services.now(),
    )


def base_path(services: Services) -> str:
    """Return the path part of our base URL: query string hashes leave it out."""
    return urlsplit(services.rules.app_base_url).path.rstrip("/")
