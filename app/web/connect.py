"""Connect's routes: the descriptor, lifecycle, webhooks, and the frames."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.connect.lifecycle import InstalledEvent, UninstalledEvent
from app.connect.webhooks import parse_webhook
from app.errors import NotFound
from app.usecases.authenticate import authenticate_connect, authenticate_lifecycle
from app.usecases.describe import descriptor
from app.usecases.install import change_installation, end_connect, install_connect
from app.usecases.receive_event import receive_event
from app.usecases.services import Services
from app.usecases.tenant_status import tenant_status
from app.web.callers import services_of, signed_request
from app.web.frames import SCRIPT_SOURCE, reader_page, status_page


async def get_descriptor(request: Request) -> Response:
    """Serve the descriptor with our own address in it."""
    services = services_of(request)
    if not services.rules.connect_enabled:
        raise NotFound("Connect is switched off")
    return JSONResponse(descriptor(services))


async def installed(request: Request) -> Response:
    """Install, or install again; Atlassian waits for the answer."""
    services = services_of(request)
    event = await authenticate_lifecycle(
        services, signed_request(request), InstalledEvent, await request.body()
    )
    await install_connect(services, event)
    return Response(status_code=204)


async def uninstalled(request: Request) -> Response:
    """End an installation; one that is not known is no error."""
    services = services_of(request)
    event = await authenticate_lifecycle(
        services, signed_request(request), UninstalledEvent, await request.body()
    )
    await end_connect(services, event.client_key)
    return Response(status_code=204)


async def enabled(request: Request) -> Response:
    """Go on with a site that was switched off."""
    return await _switch(request, "active")


async def disabled(request: Request) -> Response:
    """Pause a site that was switched off."""
    return await _switch(request, "disabled")


async def webhook(request: Request) -> Response:
    """Take in a product event; the answer waits for nothing but the disk."""
    services = services_of(request)
    installation, _ = await authenticate_connect(services, signed_request(request))
    event = parse_webhook(request.path_params["event"], await request.body())
    await receive_event(services, installation, event)
    return Response(status_code=204)


async def admin_frame(request: Request) -> Response:
    """Show a site's admin that the app lives, and what it has done."""
    services = services_of(request)
    installation, _ = await authenticate_connect(services, signed_request(request))
    return _framed(services, status_page(await tenant_status(services, installation)))


async def space_frame(request: Request) -> Response:
    """Show whoever reads a space that the app is there."""
    services = services_of(request)
    await authenticate_connect(services, signed_request(request))
    return _framed(services, reader_page("in this space"))


async def page_frame(request: Request) -> Response:
    """Show whoever reads a page that the app is there."""
    services = services_of(request)
    await authenticate_connect(services, signed_request(request))
    return _framed(services, reader_page("on this page"))


def _framed(services: Services, html: str) -> Response:
    answer = HTMLResponse(html)
    # Framed by sites alone; customers' own domains are covered by the sites' frames.
    hosts = " ".join(_frame_sources(services.rules.connect_allowed_hosts))
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {SCRIPT_SOURCE}; style-src 'unsafe-inline'; "
        f"frame-ancestors {hosts}"
    )
    return answer


async def _switch(request: Request, status: str) -> Response:
    services = services_of(request)
    installation, _ = await authenticate_connect(
        services, signed_request(request), allow_disabled=True
    )
    await change_installation(services, installation, status)
    return Response(status_code=204)


def _frame_sources(hosts: tuple[str, ...]) -> list[str]:
    return [host if "://" in host else f"https://{host}" for host in hosts]
