"""What happened on the site: the source of every event that hosts deliver."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ChangeName = Literal[
    "page_created",
    "page_updated",
    "page_moved",
    "page_trashed",
    "page_removed",
    "page_restored",
    "page_initialized",
    "page_started",
    "page_snapshotted",
    "page_published",
    "page_permissions_updated",
    "label_added",
    "label_removed",
    "content_updated",
    "user_created",
    "user_removed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, published to every listener after it is done.

    Attributes:
        page_id: The page concerned, where there is one.
        account_id: Who did it; None for anonymous.
        app: Key of the app that did it through the API, None for people.
        details: Extra facts: `label`, `prefix`, `old_parent_id`, `update_trigger`,
            and a `page` snapshot (title, version, space, dates) taken at that moment.
    """

    name: ChangeName
    at: datetime
    page_id: str | None = None
    account_id: str | None = None
    app: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
