"""Every address of the web face on one screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.face.forms import Forms
from sandbox.face.rendering import Renderer
from sandbox.face.views import Views
from sandbox.plugins import HostPlugin
from sandbox.refusals import Conflict, Forbidden, Missing, Refusal
from sandbox.site import Site

Handler = Callable[[Request], Awaitable[Response]]

_SPACE = "/wiki/spaces/{key}"
_PAGE = _SPACE + "/pages/{id}"


def face_routes(site: Site, hosts: Sequence[HostPlugin]) -> list[BaseRoute]:
    """Return the routes of the web face."""
    renderer = Renderer(site, hosts)
    views = Views(site, renderer, hosts)
    forms = Forms(site, renderer, views)

    def get(path: str, handler: Handler) -> Route:
        return Route(path, _told(renderer, handler), methods=["GET"])

    def post(path: str, handler: Handler) -> Route:
        return Route(path, _told(renderer, handler), methods=["POST"])

    return [
        get("/", views.front),
        get("/wiki", views.home),
        get("/wiki/apps", views.apps),
        post("/wiki/acting-user", forms.act_as),
        Mount("/wiki/static", StaticFiles(directory=Path(__file__).parent / "static")),
        get(_SPACE, views.space),
        get(_SPACE + "/overview", views.overview),
        get(_SPACE + "/create", forms.show_create),
        post(_SPACE + "/create", forms.create),
        get(_PAGE, views.page),
        get(_PAGE + "/marks", views.marks),
        get(_PAGE + "/edit", forms.show_edit),
        post(_PAGE + "/edit", forms.save),
        post(_PAGE + "/delete", forms.delete),
        post(_PAGE + "/restore", forms.restore),
        post(_PAGE + "/labels", forms.add_label),
        post(_PAGE + "/labels/remove", forms.remove_label),
    ]


def _told(renderer: Renderer, handler: Handler) -> Handler:
    """Return a handler that shows refusals as a page a person can read."""

    async def respond(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return renderer.page(
                request, "refusal.html", status=_status(refusal), reason=str(refusal)
            )

    return respond


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, Missing):
        return 404
    if isinstance(refusal, Forbidden):
        return 403
    return 409 if isinstance(refusal, Conflict) else 400
