"""The control API's manners: JSON objects in, JSON or a named refusal out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

#: A field may hold a value of its type only; `float` admits whole numbers too.
Fields: TypeAlias = Mapping[str, type]
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class ControlRefused(Exception):
    """A call of the control API cannot be done; says everything that is wrong."""

    def __init__(self, *problems: str, status: int = 400) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.status = status


def control_route(path: str, handler: Handler, methods: Sequence[str]) -> Route:
    """Return a route that answers `ControlRefused` with its status and problems."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except ControlRefused as refusal:
            body = {"error": str(refusal), "problems": list(refusal.problems)}
            return JSONResponse(body, status_code=refusal.status)

    return Route(path, endpoint, methods=list(methods))


async def read_fields(request: Request, fields: Fields) -> dict[str, Any]:
    """Read the body as a JSON object that has none but the given fields.

    An empty body is an empty object; null stands for a field left out.

    Raises:
        ControlRefused: It is no JSON object, or has unknown or ill-typed fields.
    """
    raw = await request.body()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ControlRefused(f"body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlRefused("body must be a JSON object")
    problems = [
        problem
        for name, value in body.items()
        if (problem := _fault(name, value, fields))
    ]
    if problems:
        raise ControlRefused(*problems)
    return {name: value for name, value in body.items() if value is not None}


def required(fields: Mapping[str, Any], name: str) -> Any:
    """Return a field's value.

    Raises:
        ControlRefused: It is missing or empty.
    """
    if not fields.get(name):
        raise ControlRefused(f"{name}: is required")
    return fields[name]


def _fault(name: str, value: object, fields: Fields) -> str | None:
    if name not in fields:
        return f"{name}: unknown field; known are {', '.join(sorted(fields))}"
    wanted = fields[name]
    if value is None or wanted is object or _fits(value, wanted):
        return None
    return f"{name}: must be of type {wanted.__name__}"


def _fits(value: object, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    if isinstance(value, int | float) and wanted in (int, float):
        return value >= 0 and (wanted is float or isinstance(value, int))
    return isinstance(value, wanted)
