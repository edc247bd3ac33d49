"""Whether a page may stand where it should, as the site is at this very moment."""

from __future__ import annotations

from app.errors import WorkObsolete
from app.usecases.ports import Confluence
from app.usecases.writing.work import Write


async def check_parent(
    confluence: Confluence,
    one: Write,
    parent_id: str,
    *,
    space_id: str,
    page_id: str = "",
) -> tuple[str, ...]:
    """Skip a write whose page cannot stand below that parent.

    Args:
        confluence: The site.
        one: The write.
        parent_id: The parent to be.
        space_id: The space that the page stands in.
        page_id: The page, if there is one yet.

    Returns:
        The parent's ancestors, topmost first.
    """
    try:
        parent = await confluence.get_page(parent_id)
        above = await confluence.ancestor_ids(parent_id)
    except WorkObsolete:
        one.skip("parent_gone")
        return ()
    if parent.status != "current":
        one.skip("parent_not_current")
    elif parent.space_id != space_id:
        one.skip("parent_elsewhere")
    elif page_id in (parent_id, *above):
        one.skip("parent_below")
    return above


async def check_title(
    confluence: Confluence, one: Write, *, space_id: str, page_id: str = ""
) -> None:
    """Skip a write whose title another page of the space holds, archived ones too."""
    holders = await confluence.pages_titled(space_id, one.change.after["title"])
    if set(holders) - {page_id}:
        one.skip("title_taken")
