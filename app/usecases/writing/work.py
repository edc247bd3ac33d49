"""What is handed to the writers: changes with their leave, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from app.domain.changes import Change, Item
from app.domain.modes import Authority
from app.domain.pages import Page
from app.domain.vocabulary.terms import Vocabulary
from app.usecases.ports import Confluence
from app.usecases.services import Services


@dataclass(slots=True, kw_only=True)
class Write:
    """One change on its way to the site.

    It is filled step by step, so that a failure midway tells what was done.

    Attributes:
        authority: By whose leave.
        item: The plan item, if it is stored.
        was_sent: Whether an earlier try may have done it already.
        outcome: What became of it; empty if nothing yet.
        reason: Why it was skipped, in a constant word.
        after: What really stands there now, where that is more than the change says.
    """

    change: Change
    authority: Authority = "policy"
    item: Item | None = None
    was_sent: bool = False
    outcome: Literal["", "applied", "skipped"] = ""
    reason: str = ""
    after: Any = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether nothing has become of it yet."""
        return not self.outcome

    @property
    def undoes(self) -> bool:
        """Whether it takes something back."""
        return self.item is not None and self.item.undoes is not None

    def apply(self, after: Any = None) -> None:
        """Note that it was done."""
        self.outcome = "applied"
        self.after = self.change.after if after is None else after

    def skip(self, reason: str) -> None:
        """Note that it was not done, and why."""
        self.outcome, self.reason = "skipped", reason


@dataclass(slots=True, kw_only=True)
class Target:
    """The page that is written to, as it stands by now.

    Attributes:
        page: As it was read, and after each write as that left it.
    """

    services: Services
    confluence: Confluence
    tenant_id: str
    page: Page
    vocabulary: Vocabulary

    @property
    def labels(self) -> set[str]:
        """The page's global labels."""
        return {one.name for one in self.page.labels or () if one.prefix == "global"}
