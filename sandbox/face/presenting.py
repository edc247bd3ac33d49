"""Pages of the site as templates want them: trees, labels, bylines, histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import permissions
from sandbox.clock import to_iso
from sandbox.model import LabelUse, Page, Space, Version
from sandbox.principals import Principal
from sandbox.site import Site


@dataclass(frozen=True, slots=True)
class Node:
    """A page in the tree; `opened` if the page being read is it or lies below."""

    page: Page
    address: str
    below: list[Node]
    opened: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A label as shown: `app` is the name of the app that put it there, if one did."""

    name: str
    prefix: str
    app: str | None


@dataclass(frozen=True, slots=True)
class Byline:
    """What an app says of a page below its title."""

    title: str
    tooltip: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One version in a page's history."""

    version: Version
    author: str
    by_app: bool


def address(site: Site, page: Page) -> str:
    """Return where the web face shows `page`."""
    return f"/wiki/spaces/{site.spaces[page.space_id].key}/pages/{page.id}"


def name_of(site: Site, account_id: str) -> str:
    """Return a user's name, or "Former user" for an account that is not known."""
    user = site.users.get(account_id)
    return "Former user" if user is None else user.display_name


def when(moment: datetime) -> str:
    """Return a moment as people read it, in UTC."""
    return f"{moment:%d %b %Y, %H:%M} UTC"


def machine_time(moment: datetime) -> str:
    """Return a moment for the `datetime` attribute."""
    return to_iso(moment)


def tree(
    site: Site, space: Space, actor: Principal, *, current: Page | None = None
) -> list[Node]:
    """Return the pages of a space that `actor` may see, nested."""
    line = set()
    if current is not None:
        line = {page.id for page in (current, *site.index.ancestors(current))}

    def node(page: Page) -> Node:
        return Node(
            page=page,
            address=address(site, page),
            below=nodes(site.index.children(page)),
            opened=page.id in line or page.id == space.homepage_id,
            current=current is not None and page.id == current.id,
        )

    def nodes(pages: list[Page]) -> list[Node]:
        return [node(page) for page in pages if permissions.may_read(site, actor, page)]

    return nodes(site.index.roots(space.id))


def chips(site: Site, page: Page) -> list[Chip]:
    """Return a page's labels, those of people first."""

    def chip(use: LabelUse) -> Chip:
        app = name_of(site, use.account_id) if use.app else None
        return Chip(use.label.name, use.label.prefix, app)

    shown = [chip(use) for use in page.labels.values()]
    return sorted(shown, key=lambda chip: (chip.app is not None, chip.name))


def bylines(page: Page, keys: Sequence[str]) -> list[Byline]:
    """Return what apps say of a page in the properties they have declared.

    https://developer.atlassian.com/cloud/confluence/changing-a-byline-dynamically/
    """
    values = (page.properties[key].value for key in keys if key in page.properties)
    found = (_byline(value) for value in values)
    return [byline for byline in found if byline is not None]


def _byline(value: Any) -> Byline | None:
    if not isinstance(value, dict):
        return None
    title, tooltip = value.get("title"), value.get("tooltip")
    if isinstance(title, dict):
        title = title.get("value")
    if isinstance(tooltip, dict):
        tooltip = tooltip.get("value")
    if not isinstance(title, str) or not title.strip():
        return None
    return Byline(title, tooltip if isinstance(tooltip, str) else "")


def history(site: Site, page: Page) -> list[Entry]:
    """Return a page's versions, newest first."""
    return [
        Entry(of, name_of(site, of.author_id), of.app is not None)
        for of in reversed(page.versions)
    ]


def recent(site: Site, actor: Principal, *, limit: int) -> list[Page]:
    """Return the pages changed last that `actor` may see."""
    newest = sorted(site.pages.values(), key=lambda page: page.latest.at, reverse=True)
    seen = (
        page
        for page in newest
        if page.status == "current" and permissions.may_read(site, actor, page)
    )
    return [page for page, _ in zip(seen, range(limit), strict=False)]
