"""What listeners are told of a page: its state at the moment of a change."""

from __future__ import annotations

from typing import Any

from sandbox.model import Page, Space


def webui(page: Page, space: Space) -> str:
    """Return where people read `page`, below the site's `/wiki`.

    The homepage's address ends in `/overview`, as on Confluence Cloud.
    """
    if page.id == space.homepage_id:
        return f"/spaces/{space.key}/overview"
    return f"/spaces/{space.key}/pages/{page.id}"


def snapshot(page: Page, space: Space) -> dict[str, Any]:
    """Return `page` as plain data, for `Change.details["page"]`; times are aware."""
    latest = page.latest
    return {
        "id": page.id,
        "title": page.title,
        "type": "page",
        "status": page.status,
        "subtype": page.subtype,
        "space_id": space.id,
        "space_key": space.key,
        "space_name": space.name,
        "parent_id": page.parent_id,
        "version": latest.number,
        "version_at": latest.at,
        "version_author_id": latest.author_id,
        "version_message": latest.message,
        "author_id": page.author_id,
        "owner_id": page.owner_id,
        "created_at": page.created_at,
        "webui": webui(page, space),
        "labels": [
            {"id": use.label.id, "name": use.label.name, "prefix": use.label.prefix}
            for use in page.labels.values()
        ],
    }
