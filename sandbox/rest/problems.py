"""Error answers of both API families, as they were measured on Confluence Cloud.

https://github.com/mozilla/markfluence (docs/confluence, measured in August 2026)
"""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.auth import Scheme
from sandbox.principals import CredentialsRefused
from sandbox.refusals import (
    Conflict,
    Forbidden,
    Missing,
    Refusal,
    TooLarge,
)
from sandbox.rest.calls import Family

#: Most special first; what is not named is a bad request.
_STATUS: tuple[tuple[type[Refusal], int, str], ...] = (
    (Missing, 404, "NOT_FOUND"),
    (Forbidden, 403, "FORBIDDEN"),
    (Conflict, 409, "CONFLICT"),
    (TooLarge, 413, "REQUEST_ENTITY_TOO_LARGE"),
    (Refusal, 400, "INVALID_REQUEST_PARAMETER"),
)
_V1_EXCEPTIONS = {
    400: "BadRequestException",
    403: "PermissionException",
    404: "NotFoundException",
    409: "ConflictException",
    410: "GoneException",
    413: "RequestTooLargeException",
}


def v2_error(status: int, code: str, title: str) -> dict[str, Any]:
    """Return the body of an error of REST v2."""
    error = {"status": status, "code": code, "title": title, "detail": None}
    return {"errors": [error]}


def v1_error(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error of REST v1 that an authorised caller gets."""
    exception = _V1_EXCEPTIONS.get(status, "ServiceException")
    return {
        "statusCode": status,
        "data": {"authorized": True, "valid": True, "errors": [], "successful": False},
        "message": f"com.atlassian.confluence.api.service.exceptions.{exception}: {message}",
    }


def refusal_response(refusal: Refusal, family: Family) -> JSONResponse:
    """Return the answer to a request that the site refuses."""
    status, code = next(
        (status, code) for kind, status, code in _STATUS if isinstance(refusal, kind)
    )
    if family == "v2":
        body = v2_error(status, code, str(refusal))
    else:
        body = v1_error(status, str(refusal))
    return JSONResponse(body, status_code=status)


def credentials_response(
    refused: CredentialsRefused, *, family: Family, scheme: Scheme, gateway: bool
) -> Response:
    """Return the answer to a request whose sender is not proved.

    On the site itself v2 hides behind a bare "Not Found" and v1 says 403; bearer
    tokens there get an HTML page. The gateway says 401 in JSON.
    """
    if refused.scope_mismatch:
        return scope_response()
    if gateway:
        return JSONResponse({"code": 401, "message": "Unauthorized"}, status_code=401)
    if scheme == "jwt":
        message = "Client must be authenticated to access this resource."
        return JSONResponse({"message": message, "status-code": 401}, status_code=401)
    if scheme == "bearer":
        return HTMLResponse("<html><body><h1>401 Unauthorized</h1></body></html>", 401)
    if family == "v2":
        return JSONResponse(v2_error(404, "NOT_FOUND", "Not Found"), status_code=404)
    message = "Request rejected because caller cannot access Confluence"
    return JSONResponse({"statusCode": 403, "message": message}, status_code=403)


def scope_response() -> JSONResponse:
    """Return the answer to an app whose granted scopes do not cover the operation."""
    message = "Unauthorized; scope does not match"
    return JSONResponse({"code": 401, "message": message}, status_code=401)


def quota_response() -> JSONResponse:
    """Return the answer to an app that has spent its quota."""
    message = "Rate limit exceeded"
    return JSONResponse({"code": 429, "message": message}, status_code=429)


def xsrf_response() -> Response:
    """Return the answer to a v1 write without `X-Atlassian-Token: no-check`."""
    return Response("XSRF check failed", status_code=403, media_type="text/plain")


def body_too_large_response(family: Family) -> JSONResponse:
    """Return the answer to a body that is not even read."""
    return refusal_response(TooLarge("Request body is too large"), family)
