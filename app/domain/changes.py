"""Changes to a site, one by one: what would be done, what became of it, by whose leave.

Every write is a `Change` first. A stored one is a plan item; carried out, it can be
undone, for it remembers what was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

#: | kind | `value` | `before` and `after` |
#: |---|---|---|
#: | label_add | the label | `before` is `THEIRS` if it is (again) people's |
#: | label_remove | the label | `before` is `OURS` if it goes only if we put it there, `{"into"}` if only where that label stands for it; once done, `after` says whose it was |
#: | summary | nothing | our content property's value, or None where there is none |
#: | excerpt | name of the excerpt block | `{"text"}` as plain text, or None |
#: | comment | what it tells (`summary`, `recommendations`) | `{"id", "text"}`, or None |
#: | page_create | nothing | None, and `{"space_id", "parent_id", "title", "status", "body"}`; once made `id` too |
#: | page_text | heading of the section, empty for the part before the first | `{"markup"}`, or None for a section that is not there; `precedes` names the heading that one which comes back stands before |
#: | page_title | nothing | `{"title"}` |
#: | page_move | nothing | `{"parent_id"}` |
#: | page_trash | nothing | `{"title", "version"}`, and None |
ChangeKind = Literal[
    "label_add",
    "label_remove",
    "summary",
    "excerpt",
    "comment",
    "page_create",
    "page_text",
    "page_title",
    "page_move",
    "page_trash",
]

#: Whose a label is: it stands there because of us, or because of people.
OURS: Final = "ours"
THEIRS: Final = "theirs"

#: Whose setting `<AGENT>_AGENT_MODE` narrows what may be written.
Agent = Literal["tagging", "summary", "recommendation", "structure"]

#: A plan item's life: `planned` goes ahead without asking, `waiting` waits for a
#: person, who makes it `approved` or `rejected`; then it is `applied`, or `skipped`
#: with a reason. What a newer plan says again is `superseded`; what was taken back is
#: `undone`.
ItemState = Literal[
    "planned",
    "waiting",
    "approved",
    "rejected",
    "applied",
    "skipped",
    "superseded",
    "undone",
]

#: In these states an item may still be written.
OPEN_STATES: frozenset[ItemState] = frozenset({"planned", "approved"})

AGENTS: Mapping[ChangeKind, Agent] = {
    "label_add": "tagging",
    "label_remove": "tagging",
    "summary": "summary",
    "excerpt": "summary",
    "comment": "recommendation",
    "page_create": "structure",
    "page_text": "structure",
    "page_title": "structure",
    "page_move": "structure",
    "page_trash": "structure",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a plan would do to one page; see `ChangeKind` for the fields.

    Attributes:
        page_id: The page; None for one that is yet to be made.
        confidence: How sure the chooser is (0..1), where that means anything.
        evidence: The passage that speaks for it, in the page's own words.
        agent: Whose mode it obeys; empty takes the kind's own.
    """

    kind: ChangeKind
    page_id: str | None
    value: str = ""
    before: Any = field(default=None, repr=False)
    after: Any = field(default=None, repr=False)
    confidence: float | None = None
    evidence: str = field(default="", repr=False)
    agent: Agent | None = None

    @property
    def by(self) -> Agent:
        """The agent whose mode decides."""
        return self.agent or AGENTS[self.kind]

    @property
    def adds_another(self) -> bool:
        """Whether doing it twice makes two things, where other kinds find it done."""
        return self.kind == "page_create" or (
            self.kind == "comment" and self.before is None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A change as a stored plan holds it.

    Attributes:
        page_version: The version of the page that it was planned for.
        reason: Why it was skipped, in a constant word.
        undoes: The item that it takes back, if it does.
        takes_back: Whether it takes back what was done, rather than doing it again.
    """

    id: int
    plan_id: int
    change: Change
    state: ItemState
    space_id: str = ""
    page_version: int | None = None
    reason: str = ""
    run_id: int | None = None
    undoes: int | None = None
    takes_back: bool = False
    decided_by: str = ""


#: Why a plan was made: an edit, somebody's wish, a walk through many pages, a review,
#: an undo, a reset, a merge of labels, advice, an outline, a draft.
PlanCause = Literal[
    "event",
    "manual",
    "bulk",
    "undo",
    "reset",
    "merge",
    "recommendations",
    "structure",
    "authoring",
]

#: `drafting` while pages are still looked at; `ready`; `applying`; `done` when no item
#: is open any more; `cancelled`.
PlanState = Literal["drafting", "ready", "applying", "done", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What something will cost, before it is done, or did cost.

    Attributes:
        tokens: Of the AI, read and written.
        micro_usd: Millionths of a US dollar.
        points: Of Confluence's quota.
        seconds: Of waiting for quotas, at best.
    """

    pages: int = 0
    tokens: int = 0
    micro_usd: int = 0
    points: int = 0
    seconds: float = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        """Return what both come to, one after the other."""
        return Estimate(
            pages=self.pages + other.pages,
            tokens=self.tokens + other.tokens,
            micro_usd=self.micro_usd + other.micro_usd,
            points=self.points + other.points,
            seconds=self.seconds + other.seconds,
        )
