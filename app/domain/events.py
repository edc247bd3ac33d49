"""What a host told us, in one vocabulary for both hosts. An event is only a hint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Host = Literal["forge", "connect"]

#: Verbs of both hosts, in our words. `live` verbs of live docs
#: (`initialized`, `started`, `snapshotted`, `published`) keep Atlassian's names.
PageVerb = Literal[
    "created",
    "updated",
    "moved",
    "trashed",
    "removed",
    "restored",
    "initialized",
    "started",
    "snapshotted",
    "published",
    "permissions_updated",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEvent:
    """A page was created, edited, moved, binned, brought back or purged.

    Attributes:
        version: The page's version after the event; None where the host leaves it out.
        self_generated: The host says that this app caused it.
        live: The page is a live doc.
        occurred_at: When the host says it happened (dedupe and log only).
    """

    host: Host
    verb: PageVerb
    page_id: str
    version: int | None = None
    space_id: str | None = None
    space_key: str | None = None
    account_id: str | None = None
    self_generated: bool = False
    live: bool = False
    occurred_at: datetime | None = None

    @property
    def name(self) -> str:
        """Constant name for logs, metrics and the event receipt."""
        return f"page_{self.verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent:
    """A label was put on a page or taken off it."""

    host: Host
    verb: Literal["added", "removed"]
    page_id: str
    label: str
    prefix: str = "global"
    account_id: str | None = None
    self_generated: bool = False
    occurred_at: datetime | None = None

    @property
    def name(self) -> str:
        """Constant name for logs, metrics and the event receipt."""
        return f"label_{self.verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredEvent:
    """A genuine event that the app has no use for (a blog post, a space, a like)."""

    host: Host
    name: str


ProductEvent: TypeAlias = PageEvent | LabelEvent | IgnoredEvent
