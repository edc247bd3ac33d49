"""Templates to responses, with headers that keep page bodies harmless."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sandbox import permissions
from sandbox.face import presenting
from sandbox.face.acting import acting_principal
from sandbox.model import Page
from sandbox.plugins import HostPlugin, byline_keys
from sandbox.site import Site

#: Own styles and scripts only; nothing of a page can run or load anything.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Renderer:
    """Fills templates with what every page of the face shows."""

    def __init__(self, site: Site, hosts: Sequence[HostPlugin]) -> None:
        self._site = site
        self._hosts = hosts
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["when"] = presenting.when
        self._templates.filters["machine_time"] = presenting.machine_time

    def page(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """Return a whole page of the face."""
        actor = acting_principal(self._site, request)
        text = self._templates.get_template(template).render(
            people=self._site.directory.people(),
            actor=actor,
            may_write=permissions.may_write(self._site, actor),
            here=request.url.path,
            name_of=lambda account_id: presenting.name_of(self._site, account_id),
            address=lambda page: presenting.address(self._site, page),
            **context,
        )
        return HTMLResponse(text, status, _HEADERS)

    def marks(self, request: Request, page: Page) -> dict[str, Markup]:
        """Return labels and bylines of a page as fragments, each safe HTML."""
        actor = acting_principal(self._site, request)
        keys = byline_keys(self._hosts)
        # What a template renders is escaped where it has to be.
        labels = self._templates.get_template("labels.html").render(
            chips=presenting.chips(self._site, page),
            address=presenting.address(self._site, page),
            may_write=permissions.may_write(self._site, actor),
        )
        bylines = self._templates.get_template("bylines.html").render(
            bylines=presenting.bylines(page, keys)
        )
        return {"labels": Markup(labels), "bylines": Markup(bylines)}  # noqa: S704 - rendered with autoescape
