"""Where both APIs hang: below `/wiki` on the site, below `/ex/confluence` as gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.rest import operations, problems
from sandbox.rest.calls import Operation
from sandbox.rest.pipeline import Pipeline
from sandbox.site import Site

#: https://developer.atlassian.com/cloud/confluence/rest/v2/intro/
GATEWAY = "/ex/confluence/{cloud_id}"


def rest_routes(site: Site, pipeline: Pipeline) -> list[BaseRoute]:
    """Return all REST routes of the site, unknown paths included."""
    routes: list[BaseRoute] = [
        Route(
            f"{prefix}/wiki{operation.path}",
            _endpoint(pipeline, operation, gateway=gateway),
            methods=[operation.method],
        )
        for prefix, gateway in (("", False), (GATEWAY, True))
        for operation in operations.ALL
    ]

    async def tenant_info(_: Request) -> Response:
        return JSONResponse({"cloudId": site.cloud_id})

    return [
        *routes,
        Route("/_edge/tenant_info", tenant_info),
        *_unknown("/wiki"),
        *_unknown(f"{GATEWAY}/wiki"),
    ]


def _endpoint(
    pipeline: Pipeline, operation: Operation, *, gateway: bool
) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        return await pipeline.respond(request, operation, gateway=gateway)

    return respond


def _unknown(prefix: str) -> list[BaseRoute]:
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]

    async def v2(_: Request) -> Response:
        return JSONResponse(problems.v2_error(404, "NOT_FOUND", "Not Found"), 404)

    async def v1(_: Request) -> Response:
        message = "null for uri"
        return JSONResponse(problems.v1_error(404, message), 404)

    return [
        Route(f"{prefix}/api/v2/{{path:path}}", v2, methods=methods),
        Route(f"{prefix}/rest/api/{{path:path}}", v1, methods=methods),
    ]
