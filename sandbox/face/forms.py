"""What people change in the web face."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.face import presenting
from sandbox.face.acting import ANONYMOUS, acting_principal, remember
from sandbox.face.rendering import Renderer
from sandbox.face.views import Views
from sandbox.model import Page
from sandbox.refusals import Forbidden, Refusal, VersionStale
from sandbox.site import Site

_SEE_OTHER = 303
_MAX_FIELD_BYTES = 6 * 1024 * 1024


async def _fields(request: Request) -> FormData:
    return await request.form(max_files=0, max_part_size=_MAX_FIELD_BYTES)


def _text(form: FormData, name: str) -> str:
    """Return a field; browsers send line ends as CR LF, the site keeps LF."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


class Forms:
    """Handlers that show forms and take them."""

    def __init__(self, site: Site, renderer: Renderer, views: Views) -> None:
        self._site = site
        self._renderer = renderer
        self._views = views

    async def act_as(self, request: Request) -> Response:
        """Switch the acting user and go back to where the person was."""
        form = await _fields(request)
        account_id, back = _text(form, "account_id"), _text(form, "back")
        if account_id != ANONYMOUS:
            self._site.directory.get(account_id)
        # Only ways within this site; "//host" would lead away.
        safe = back.startswith("/wiki") and "\\" not in back and "\n" not in back
        response = RedirectResponse(back if safe else "/wiki", _SEE_OTHER)
        remember(response, account_id)
        return response

    async def show_edit(self, request: Request) -> Response:
        """Show the form with the newest version."""
        page = self._views.read(request)
        return self._edit_form(
            request,
            page,
            title=page.title,
            body=page.latest.body,
            base=page.latest.number,
        )

    async def save(self, request: Request) -> Response:
        """Save an edit; on a conflict show both texts and lose neither."""
        page = self._views.read(request)
        form = await _fields(request)
        title, body = _text(form, "title"), _text(form, "body")
        base = _base_version(form, page)
        try:
            self._site.update_page(
                page.id,
                version=base + 1,
                title=title,
                body=body,
                message=_text(form, "message"),
                actor=acting_principal(self._site, request),
            )
        except Forbidden:
            raise
        except Refusal as refusal:
            return self._edit_form(
                request, page, title=title, body=body, base=base, refusal=refusal
            )
        return RedirectResponse(presenting.address(self._site, page), _SEE_OTHER)

    def _edit_form(
        self,
        request: Request,
        page: Page,
        *,
        title: str,
        body: str,
        base: int,
        refusal: Refusal | None = None,
    ) -> Response:
        conflict = isinstance(refusal, VersionStale)
        return self._renderer.page(
            request,
            "edit.html",
            status=200 if refusal is None else 409 if conflict else 400,
            space=self._site.spaces[page.space_id],
            page=page,
            parent=None,
            title=title,
            body=body,
            # After a conflict the person has seen the newest text: it is the base now.
            base=page.latest.number if conflict else base,
            problem=None if refusal is None else str(refusal),
            theirs=page.latest if conflict else None,
        )

    async def show_create(self, request: Request) -> Response:
        """Show an empty form."""
        return self._create_form(request, title="", body="")

    async def create(self, request: Request) -> Response:
        """Make a page below the one named, or below the homepage."""
        actor = acting_principal(self._site, request)
        space = self._site.space_by_key(request.path_params["key"], actor)
        form = await _fields(request)
        title, body = _text(form, "title"), _text(form, "body")
        try:
            page = self._site.create_page(
                space_id=space.id,
                title=title,
                body=body,
                parent_id=_text(form, "parent") or space.homepage_id,
                actor=actor,
            )
        except Forbidden:
            raise
        except Refusal as refusal:
            return self._create_form(request, title=title, body=body, refusal=refusal)
        return RedirectResponse(presenting.address(self._site, page), _SEE_OTHER)

    def _create_form(
        self, request: Request, *, title: str, body: str, refusal: Refusal | None = None
    ) -> Response:
        actor = acting_principal(self._site, request)
        space = self._site.space_by_key(request.path_params["key"], actor)
        parent_id = request.query_params.get("parent") or space.homepage_id
        return self._renderer.page(
            request,
            "edit.html",
            status=200 if refusal is None else 400,
            space=space,
            page=None,
            parent=None if parent_id is None else self._site.page(parent_id, actor),
            title=title,
            body=body,
            base=0,
            problem=None if refusal is None else str(refusal),
            theirs=None,
        )

    async def delete(self, request: Request) -> Response:
        """Put a page into the bin."""
        page = self._views.read(request)
        space = self._site.spaces[page.space_id]
        self._site.trash_page(page.id, acting_principal(self._site, request))
        return RedirectResponse(f"/wiki/spaces/{space.key}", _SEE_OTHER)

    async def restore(self, request: Request) -> Response:
        """Bring a page back from the bin."""
        page = self._views.read(request)
        self._site.restore_page(page.id, acting_principal(self._site, request))
        return RedirectResponse(presenting.address(self._site, page), _SEE_OTHER)

    async def add_label(self, request: Request) -> Response:
        """Put a label on a page by hand."""
        page = self._views.read(request)
        name = _text(await _fields(request), "name")
        actor = acting_principal(self._site, request)
        self._site.add_labels(page.id, [("global", name)], actor)
        return RedirectResponse(presenting.address(self._site, page), _SEE_OTHER)

    async def remove_label(self, request: Request) -> Response:
        """Take a label off a page by hand."""
        page = self._views.read(request)
        name = _text(await _fields(request), "name")
        actor = acting_principal(self._site, request)
        self._site.remove_label(page.id, name, actor)
        return RedirectResponse(presenting.address(self._site, page), _SEE_OTHER)


def _base_version(form: FormData, page: Page) -> int:
    text = _text(form, "base")
    known = text.isascii() and text.isdecimal() and len(text) < 10
    # A form without its version must not overwrite anything.
    return int(text) if known else page.latest.number - 1
