"""What takes a change back: the opposite change, where there is one."""

from __future__ import annotations

from dataclasses import replace

from app.domain.changes import OURS, THEIRS, Change, ChangeKind, Item

#: All other kinds are taken back by the same kind, with before and after exchanged.
_OPPOSITE: dict[ChangeKind, ChangeKind] = {
    "label_add": "label_remove",
    "label_remove": "label_add",
    "page_create": "page_trash",
    "page_trash": "page_create",
}


def inverse(item: Item) -> Change:
    """Return the change that takes an applied one back.

    It belongs to the same agent, so the same guard stands before it. Whether it may
    still be done is seen when it is: what people changed since stays as they left it.
    """
    change = item.change
    taken_back = replace(
        change,
        kind=_OPPOSITE.get(change.kind, change.kind),
        agent=change.by,
        before=change.after,
        after=change.before,
        confidence=None,
        evidence="",
    )
    if change.kind == "label_add":
        # What was put there in a person's name is no label of ours to be found.
        only = None if change.before == THEIRS else OURS
        return replace(taken_back, before=only, after=None)
    if change.kind == "label_remove":
        return replace(taken_back, after=None)
    if change.kind == "page_create":
        # The page that was made, under the id that it was given.
        return replace(taken_back, page_id=change.after["id"])
    if change.kind == "page_trash":
        # What is in the bin stays there: its words are written to a new page.
        return replace(taken_back, page_id=None)
    return taken_back


def can_be_undone(item: Item) -> bool:
    """Whether an item was carried out and not taken back since."""
    return item.state == "applied"
