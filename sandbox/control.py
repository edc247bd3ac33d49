"""Control of the sandbox by tests and demos, under `/_sandbox`; not Atlassian's."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.json_routes import json_route, read_json
from sandbox.refusals import Malformed
from sandbox.site import Site


class Control:
    """Faults, the request log, the quota and restrictions of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Return the control routes."""
        return [
            json_route("/_sandbox/faults", self._list_faults, ["GET"]),
            json_route("/_sandbox/faults", self._order_fault, ["POST"]),
            json_route("/_sandbox/faults", self._clear_faults, ["DELETE"]),
            json_route("/_sandbox/requests", self._list_requests, ["GET"]),
            json_route("/_sandbox/requests", self._clear_requests, ["DELETE"]),
            json_route("/_sandbox/points", self._report_points, ["GET"]),
            json_route("/_sandbox/points", self._set_quota, ["POST"]),
            json_route("/_sandbox/points", self._reset_points, ["DELETE"]),
            json_route("/_sandbox/pages/{id}/readers", self._restrict, ["PUT"]),
            json_route("/_sandbox/users", self._list_users, ["GET"]),
        ]

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse({"faults": self._site.faults.report()})

    async def _order_fault(self, request: Request) -> Response:
        fault = self._site.faults.order(await read_json(request))
        return JSONResponse(fault.report(), status_code=201)

    async def _clear_faults(self, _: Request) -> Response:
        self._site.faults.clear()
        return Response(status_code=204)

    async def _list_requests(self, request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isascii() or not since.isdecimal() or len(since) > 18:
            raise Malformed("since must be a whole number, zero or more")
        return JSONResponse({"requests": self._site.requests.since(int(since))})

    async def _clear_requests(self, _: Request) -> Response:
        self._site.requests.clear()
        return Response(status_code=204)

    async def _report_points(self, _: Request) -> Response:
        points = self._site.points
        return JSONResponse({"quota": points.quota, "apps": points.report()})

    async def _set_quota(self, request: Request) -> Response:
        fields = await read_json(request)
        quota = fields.get("quota") if isinstance(fields, dict) else None
        if not isinstance(quota, int) or isinstance(quota, bool) or quota < 0:
            raise Malformed("quota must be a whole number of points an hour")
        self._site.points.quota = quota
        return JSONResponse({"quota": quota})

    async def _reset_points(self, _: Request) -> Response:
        self._site.points.reset()
        return Response(status_code=204)

    async def _restrict(self, request: Request) -> Response:
        readers = _read_readers(await read_json(request))
        for account_id in readers or ():
            self._site.directory.get(account_id)
        page_id = request.path_params["id"]
        self._site.restrict_page(page_id, readers, self._site.admin)
        return Response(status_code=204)

    async def _list_users(self, _: Request) -> Response:
        users = [
            {
                "account_id": user.account_id,
                "display_name": user.display_name,
                "role": user.role,
                "app": user.app_key,
                "active": user.active,
            }
            for user in self._site.users.values()
        ]
        return JSONResponse({"users": users})


def _read_readers(fields: Any) -> list[str] | None:
    if not isinstance(fields, dict) or "readers" not in fields:
        raise Malformed("readers must be a list of account ids, or null for everyone")
    readers = fields["readers"]
    if readers is None:
        return None
    if not isinstance(readers, list) or not all(isinstance(of, str) for of in readers):
        raise Malformed("readers must be a list of account ids, or null for everyone")
    return readers
