"""The facts of a page that events tell, read from a change's snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """A page as it was when the change happened.

    Attributes:
        live: It is a live doc, edited without drafts.
        author: Account id of who created it.
        editor: Account id of who made this version.
        labels: Id, name and prefix of each label it had.
    """

    page_id: str
    title: str
    version: int
    status: str
    live: bool
    space_id: str
    space_key: str
    space_name: str
    parent_id: str | None
    author: str | None
    owner: str | None
    editor: str | None
    created_at: datetime
    modified_at: datetime
    labels: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, change: Change) -> PageFacts:
        """Read the snapshot in `change`; what it lacks is filled from the change."""
        page: Mapping[str, Any] = change.details.get("page") or {}
        return cls(
            page_id=str(page.get("id") or change.page_id or ""),
            title=str(page.get("title", "")),
            version=int(page.get("version", 1)),
            status=str(page.get("status", "current")),
            live=page.get("subtype") == "live",
            space_id=str(page.get("space_id", "0")),
            space_key=str(page.get("space_key", "")),
            space_name=str(page.get("space_name") or page.get("space_key", "")),
            parent_id=page.get("parent_id"),
            author=page.get("author_id"),
            owner=page.get("owner_id") or page.get("author_id"),
            editor=page.get("version_author_id") or change.account_id,
            created_at=page.get("created_at") or change.at,
            modified_at=page.get("version_at") or change.at,
            labels=tuple(page.get("labels", ())),
        )
