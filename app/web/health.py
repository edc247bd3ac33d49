"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.usecases.report_health import readiness, refresh_gauges, standstill
from app.web.callers import services_of


async def live(_: Request) -> Response:
    """Answer at all."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Say whether work can be done, and if not, why."""
    services = services_of(request)
    checks = await readiness(services)
    good = all(check == "ok" for check in checks.values())
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    body: dict[str, object] = {
        "status": "ok" if good else "unavailable",
        "checks": checks,
    }
    if good and (stopped := await standstill(services)):
        body["stopped"] = stopped
    return JSONResponse(body, status_code=int(status))


async def metrics(request: Request) -> Response:
    """Serve Prometheus."""
    services = services_of(request)
    await refresh_gauges(services)
    return Response(
        services.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )
