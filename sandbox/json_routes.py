"""The manners of the site's own control API: JSON in, JSON or a named refusal out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.refusals import Malformed, Missing, Refusal

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


async def read_json(request: Request) -> Any:
    """Return the request's body, decoded.

    Raises:
        Malformed: It is not JSON.
    """
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Malformed(f"body is not JSON: {error}") from error


def json_route(path: str, handler: Handler, methods: Sequence[str]) -> Route:
    """Return a route that answers a `Refusal` by its message: 404 or 400."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            status = 404 if isinstance(refusal, Missing) else 400
            return JSONResponse({"error": str(refusal)}, status_code=status)

    return Route(path, endpoint, methods=list(methods))
