"""The deliveries' control API and the plain table that people read."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.hosts.control import control_route, read_fields
from sandbox.hosts.deliveries import Deliveries
from sandbox.hosts.delivery_log import DeliveryRecord
from sandbox.plugins import AppSummary
from sandbox.principals import Authenticator

#: Longest wait of `/_sandbox/deliveries/idle`.
IDLE_WAIT_SECONDS = 30.0

_FIELDS = {
    "duplicate": int,
    "drop_next": int,
    "reorder": bool,
    "delay_seconds": float,
    "hold": bool,
    "retry_seconds": float,
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Deliveries</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }}
body {{ margin: 2rem auto; max-width: 78rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .35rem .6rem; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent) }}
td {{ white-space: nowrap }}
td:nth-child(4), td:nth-child(6) {{ white-space: normal; overflow-wrap: anywhere; min-width: 12rem }}

</style></head><body>
<h1>Deliveries</h1>
<p>{summary}</p>
<table><thead><tr><th>#<th>Time<th>Host<th>App<th>Event<th>To<th>State<th>Attempts
</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


class DeliveryControl:
    """Plugs the deliveries into the site: their routes and their background work."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def routes(self) -> list[BaseRoute]:
        """Return the control routes below `/_sandbox/deliveries`."""
        root = "/_sandbox/deliveries"
        return [
            control_route(root, self._show, ["GET"]),
            control_route(root, self._clear, ["DELETE"]),
            control_route(f"{root}/settings", self._settings, ["GET", "POST"]),
            control_route(f"{root}/idle", self._idle, ["GET"]),
        ]

    def authenticators(self) -> list[Authenticator]:
        """Return nothing: deliveries let nobody in."""
        return []

    def run(self) -> AbstractAsyncContextManager[None]:
        """Deliver while entered."""
        return self._deliveries.run()

    def byline_property_keys(self) -> list[str]:
        """Return nothing: deliveries show nothing on pages."""
        return []

    def apps(self) -> list[AppSummary]:
        """Return nothing: the hosts list their own apps."""
        return []

    async def _show(self, request: Request) -> Response:
        records = self._deliveries.log.records()
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(self._table(records))
        return JSONResponse(
            {
                "deliveries": [record.as_json() for record in records],
                "under_way": self._deliveries.under_way,
                "held": self._deliveries.held,
                "settings": asdict(self._deliveries.settings),
            }
        )

    async def _clear(self, _: Request) -> Response:
        self._deliveries.log.clear()
        return Response(status_code=204)

    async def _settings(self, request: Request) -> Response:
        changes = await read_fields(request, _FIELDS)
        return JSONResponse(asdict(self._deliveries.configure(**changes)))

    async def _idle(self, _: Request) -> Response:
        idle = await self._deliveries.wait_idle(IDLE_WAIT_SECONDS)
        under_way, held = self._deliveries.under_way, self._deliveries.held
        return JSONResponse({"idle": idle, "under_way": under_way, "held": held})

    def _table(self, records: list[DeliveryRecord]) -> str:
        summary = (
            f"{len(records)} remembered, {self._deliveries.under_way} under way, "
            f"{self._deliveries.held} held. Newest first."
        )
        rows = "\n".join(_row(record) for record in reversed(records))
        return _PAGE.format(summary=escape(summary), rows=rows)


def _row(record: DeliveryRecord) -> str:
    attempts = "; ".join(
        f"{attempt.status or attempt.error} in {attempt.milliseconds:.0f} ms"
        for attempt in record.attempts
    )
    state = f"{record.state} ({record.reason})" if record.reason else record.state
    time = record.as_json()["time"][11:23]
    cells = [
        str(record.number),
        time,
        record.host,
        record.app,
        record.event,
        record.url,
        state,
        attempts,
    ]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
