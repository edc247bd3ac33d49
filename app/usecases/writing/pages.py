"""Makes pages, and puts pages that we made in the bin again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.pages import NewPage, Page
from app.errors import PageGone, WriteRefused
from app.store.ledger import LedgerStore
from app.usecases.ports import Confluence, PageMarkup
from app.usecases.services import Services
from app.usecases.writing.places import check_title
from app.usecases.writing.work import Write


async def create_page(
    services: Services, confluence: Confluence, tenant_id: str, one: Write
) -> None:
    """Make the page that a change describes.

    Cut off by a crash, a published page is known again by its title; of a draft
    nothing can be known, so another one is made.
    """
    wanted = one.change.after
    if one.was_sent and wanted["status"] == "current":
        found = await _made_before(services, confluence, one)
        if found is not None:
            _made(one, found)
            return
    await check_title(confluence, one, space_id=wanted["space_id"])
    if not one.is_open:
        return
    draft = NewPage(
        space_id=wanted["space_id"],
        parent_id=wanted["parent_id"],
        title=wanted["title"],
        body=wanted["body"],
        status=wanted["status"],
    )
    try:
        page = await confluence.create_page(draft)
    except WriteRefused as error:
        one.skip("refused_by_site")
        one.after = str(error)
        return
    await services.database.write(
        lambda s: LedgerStore(s).note_version(tenant_id, page.id, page.version)
    )
    _made(one, page)


def _made(one: Write, page: Page) -> None:
    # The address: nobody finds a draft that they did not write themselves.
    place = {"id": page.id, "version": page.version, "webui": page.webui}
    one.apply({**one.change.after, **place})


async def _made_before(
    services: Services, confluence: Confluence, one: Write
) -> Page | None:
    """Return the page if an earlier try made it and nobody has touched it since."""
    wanted = one.change.after
    account = await confluence.current_account_id()
    for page_id in await confluence.pages_titled(wanted["space_id"], wanted["title"]):
        page = await confluence.get_page(page_id)
        if (page.version, page.version_author_id) == (1, account) and (
            services.markup.same(page.body or "", wanted["body"])
        ):
            return page
    return None


async def trash_page(
    services: Services, confluence: Confluence, page_id: str, one: Write
) -> None:
    """Put a page in the bin that nobody has edited, and nothing stands below."""
    try:
        page = await confluence.get_page(page_id)
    except PageGone:
        one.skip("not_there")
        return
    if not _is_as_made(services.markup, page, one.change.before):
        one.skip("changed_since")
        return
    below = [
        found async for found in confluence.tree_page_ids(page_id) if found != page_id
    ]
    if below:
        one.skip("has_children")
        return
    await confluence.trash_page(page_id)
    one.apply()


def _is_as_made(markup: PageMarkup, page: Page, made: Mapping[str, Any]) -> bool:
    """Whether nobody has taken a page up since it was made.

    A draft keeps its version however often it is edited, so its words are compared.
    """
    if page.version != made["version"]:
        return False
    return "body" not in made or (
        (page.status, page.title) == (made["status"], made["title"])
        and markup.same(page.body or "", made["body"])
    )
