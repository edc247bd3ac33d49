"""Forge's routes: events, lifecycle, the hourly tick, and the end.

Any 2xx is success, 401 alone means that the token does not hold, and everything
else is sent again. https://developer.atlassian.com/platform/forge/remote/essentials/
"""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.events import IgnoredEvent, LabelEvent, PageEvent
from app.forge.events import parse_event, retry_of
from app.usecases.install import change_installation, reconnect
from app.usecases.receive_event import receive_event
from app.usecases.tenant_status import tenant_status
from app.web.callers import forge_installation, services_of, ui_installation

log = structlog.get_logger("app")


async def events(request: Request) -> Response:
    """Take in a product event."""
    installation = await forge_installation(request)
    body = await request.body()
    event = parse_event(body)
    if retry := retry_of(body):
        log.warning("event_sent_again", count=retry.count, reason=retry.reason)
    if isinstance(event, PageEvent | LabelEvent | IgnoredEvent):
        await receive_event(services_of(request), installation, event)
    return Response(status_code=204)


async def lifecycle(request: Request) -> Response:
    """Follow `installed` and `upgraded`: the token itself has installed the tenant."""
    installation = await forge_installation(request)
    parse_event(await request.body())
    await reconnect(services_of(request), installation)
    return Response(status_code=204)


async def schedule(request: Request) -> Response:
    """Keep the hourly token; whoever waits for it is woken."""
    await forge_installation(request)
    return Response(status_code=204)


async def uninstall(request: Request) -> Response:
    """End the installation; Forge goes on whatever we answer."""
    installation = await forge_installation(request)
    await change_installation(services_of(request), installation, "uninstalled")
    return Response(status_code=204)


async def ui_status(request: Request) -> Response:
    """Tell a frame of either host how the app is doing on its site."""
    installation = await ui_installation(request)
    return JSONResponse(await tenant_status(services_of(request), installation))
