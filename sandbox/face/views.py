"""What people read in the web face."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sandbox import permissions, view
from sandbox.face import presenting
from sandbox.face.acting import acting_principal
from sandbox.face.rendering import Renderer
from sandbox.model import Page
from sandbox.plugins import HostPlugin
from sandbox.refusals import PageMissing
from sandbox.site import Site

_RECENT = 12


class Views:
    """Handlers that only read."""

    def __init__(
        self, site: Site, renderer: Renderer, hosts: Sequence[HostPlugin]
    ) -> None:
        self._site = site
        self._renderer = renderer
        self._hosts = hosts

    async def front(self, _: Request) -> Response:
        """Lead to the spaces."""
        return RedirectResponse("/wiki", 302)

    async def home(self, request: Request) -> HTMLResponse:
        """Show the spaces and what changed last."""
        actor = acting_principal(self._site, request)
        spaces = [
            space
            for space in self._site.spaces.values()
            if permissions.may_read_space(self._site, actor, space)
        ]
        return self._renderer.page(
            request,
            "home.html",
            spaces=spaces,
            recent=presenting.recent(self._site, actor, limit=_RECENT),
            sizes={
                space.id: len(self._site.index.numbers(space.id)) for space in spaces
            },
        )

    async def apps(self, request: Request) -> HTMLResponse:
        """Show the installed apps."""
        apps = [app for host in self._hosts for app in host.apps()]
        return self._renderer.page(request, "apps.html", apps=apps)

    async def space(self, request: Request) -> HTMLResponse:
        """Show a space as a tree of its pages."""
        actor = acting_principal(self._site, request)
        space = self._site.space_by_key(request.path_params["key"], actor)
        tree = presenting.tree(self._site, space, actor)
        return self._renderer.page(request, "space.html", space=space, tree=tree)

    async def overview(self, request: Request) -> Response:
        """Lead to a space's homepage."""
        actor = acting_principal(self._site, request)
        space = self._site.space_by_key(request.path_params["key"], actor)
        below = f"/pages/{space.homepage_id}" if space.homepage_id else ""
        return RedirectResponse(f"/wiki/spaces/{space.key}{below}", 302)

    async def page(self, request: Request) -> HTMLResponse:
        """Show a page, or with `version=` an older one."""
        page = self.read(request)
        actor = acting_principal(self._site, request)
        space = self._site.spaces[page.space_id]
        number = _version_number(request, page)
        shown = page.versions[number - 1]
        return self._renderer.page(
            request,
            "page.html",
            space=space,
            tree=presenting.tree(self._site, space, actor, current=page),
            page=page,
            shown=shown,
            is_old=number != page.latest.number,
            body=view.render(shown.body),
            # The space's name stands for its homepage.
            trail=[
                above
                for above in self._site.index.ancestors(page)
                if above.id != space.homepage_id
            ],
            history=presenting.history(self._site, page),
            marks=self._renderer.marks(request, page),
        )

    async def marks(self, request: Request) -> JSONResponse:
        """Tell a page that is open in a browser what has changed on it."""
        page = self.read(request)
        body = {**self._renderer.marks(request, page), "version": page.latest.number}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    def read(self, request: Request) -> Page:
        """Return the page that a path names.

        Raises:
            PageMissing: It is not there, hidden from the actor, or in another space.
        """
        actor = acting_principal(self._site, request)
        page = self._site.page(request.path_params["id"], actor)
        space = self._site.spaces[page.space_id]
        if space.key.lower() != request.path_params["key"].lower():
            raise PageMissing(page.id)
        return page


def _version_number(request: Request, page: Page) -> int:
    text = request.query_params.get("version", "")
    if not text:
        return page.latest.number
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise PageMissing(page.id)
    if not 1 <= int(text) <= page.latest.number:
        raise PageMissing(page.id)
    return int(text)
