"""Named failures as RFC 9457 problem JSON: the only place that knows statuses.

Refusals of authentication all read the same; their reasons go to the security log.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import (
    AppError,
    MalformedPayload,
    NotAuthenticated,
    NotFound,
    PayloadTooLarge,
    RemoteError,
    RequestRejected,
)

security_log = structlog.get_logger("security")
log = structlog.get_logger("app")

#: The first class that fits decides; a failure without a line is a bug of ours.
_STATUS: tuple[tuple[type[AppError], HTTPStatus], ...] = (
    (NotAuthenticated, HTTPStatus.UNAUTHORIZED),
    (NotFound, HTTPStatus.NOT_FOUND),
    (PayloadTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (MalformedPayload, HTTPStatus.BAD_REQUEST),
    (RequestRejected, HTTPStatus.BAD_REQUEST),
    (RemoteError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem(status: HTTPStatus, detail: str | None = None) -> JSONResponse:
    """Return a problem document."""
    body: dict[str, object] = {"title": status.phrase, "status": int(status)}
    if detail:
        body["detail"] = detail
    return JSONResponse(
        body, status_code=int(status), media_type="application/problem+json"
    )


async def on_app_error(request: Request, error: Exception) -> Response:
    """Answer a named failure."""
    status = next(
        (code for kind, code in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    kind = type(error).__name__
    request.state.services.metrics.refusals.labels(_route(request), kind).inc()
    if isinstance(error, NotAuthenticated):
        security_log.warning(
            "not_authenticated", path=request.url.path, reason=error.reason
        )
        return problem(status)
    if isinstance(error, RemoteError):
        log.warning("unavailable", path=request.url.path, reason=str(error))
        answer = problem(status, "a service this depends on does not answer")
        wait = error.retry_after.total_seconds() if error.retry_after else 5
        answer.headers["Retry-After"] = str(max(int(wait), 1))
        return answer
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", path=request.url.path, reason=str(error))
        return problem(status)
    log.info("request_rejected", path=request.url.path, reason=str(error))
    return problem(status, str(error))


async def on_http_exception(_: Request, error: Exception) -> Response:
    """Answer what the router itself refuses (unknown path, method not allowed)."""
    if not isinstance(error, HTTPException):
        raise error
    answer = problem(HTTPStatus(error.status_code))
    answer.headers.update(error.headers or {})
    return answer


def _route(request: Request) -> str:
    """Return a bounded word for metrics: the handler's name, never the path."""
    endpoint = request.scope.get("endpoint")
    return str(getattr(endpoint, "__name__", "none"))
