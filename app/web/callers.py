"""From a Starlette request to a proved caller; the rules themselves are use cases."""

from __future__ import annotations

from starlette.requests import Request

from app.connect.requests import SignedRequest
from app.domain.tenants import Installation
from app.errors import NotAuthenticated
from app.forge.manifest import EVENTS_PATH, MODULE_KEYS, UI_PATH
from app.usecases.authenticate import authenticate_connect, authenticate_forge
from app.usecases.install import ensure_forge_installation
from app.usecases.services import Services


def services_of(request: Request) -> Services:
    """Return what the lifespan opened."""
    services: Services = request.state.services
    return services


def signed_request(request: Request) -> SignedRequest:
    """Return the request as the signature saw it: raw path and raw query."""
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return SignedRequest(
        method=request.method,
        raw_path=raw_path.decode("latin-1"),
        raw_query=request.scope["query_string"].decode("latin-1"),
        authorization=request.headers.get("authorization"),
    )


async def forge_installation(request: Request) -> Installation:
    """Return the installation behind a Forge call, keeping the token it brings."""
    services = services_of(request)
    route = UI_PATH if request.url.path.startswith(UI_PATH) else request.url.path
    headers = request.headers
    invocation = await authenticate_forge(
        services, headers.get("authorization"), module_keys=MODULE_KEYS[route]
    )
    return await ensure_forge_installation(
        services,
        invocation,
        system_token=headers.get("x-forge-oauth-system"),
        user_token=headers.get("x-forge-oauth-user"),
        is_event=route == EVENTS_PATH,
    )


async def ui_installation(request: Request) -> Installation:
    """Return the installation behind a UI call of either host."""
    header = request.headers.get("authorization", "")
    if header.lower().startswith("bearer "):
        installation = await forge_installation(request)
    else:
        installation, _ = await authenticate_connect(
            services_of(request), signed_request(request), allow_context=True
        )
    if not installation.is_active:
        raise NotAuthenticated("the installation has ended")
    return installation
