"""Makes pages, and puts pages that we made in the bin again."""

from __future__ import annotations

from app.domain.changes import Change
from app.domain.pages import NewPage
from app.errors import PageGone, WriteRefused
from app.store.ledger import LedgerStore
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.writing.work import Write


async def create_page(
    services: Services, confluence: Confluence, tenant_id: str, one: Write
) -> None:
    """Make the page that a change describes."""
    wanted = one.change.after
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
    one.apply({**wanted, "id": page.id, "version": page.version})


async def trash_page(confluence: Confluence, page_id: str, one: Write) -> None:
    """Put a page in the bin that nobody has edited, and nothing stands below."""
    change: Change = one.change
    try:
        page = await confluence.get_page(page_id)
    except PageGone:
        one.skip("not_there")
        return
    if page.version != change.before["version"]:
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
