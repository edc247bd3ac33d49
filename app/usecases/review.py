"""Suggestions that wait for a person: shown, approved, edited, rejected; and learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy.orm import Session

from app.domain.byline import summarised_as
from app.domain.changes import Change, Item, ItemState
from app.domain.vocabulary.terms import Vocabulary
from app.errors import MalformedPayload
from app.store.decisions import DecisionStore
from app.store.feedback import FeedbackStore
from app.store.ledger import LedgerStore
from app.store.plan_items import ItemFilter, PlanItemStore, StoredItem
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.kill_switch import require_going
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.vocabularies import vocabulary_of

#: Characters of a summary that a person writes.
LONGEST_SUMMARY = 1_000
#: Suggestions decided in one transaction: few enough that events need not wait.
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of a wish to decide.

    Attributes:
        items: What was decided now.
        conflicts: Item id -> why nothing was decided: somebody was faster.
        unwritten: Of these, what was approved before and is still to be written.
    """

    items: tuple[Item, ...]
    conflicts: Mapping[int, str]
    unwritten: tuple[Item, ...] = ()

    def __add__(self, other: Decided) -> Decided:
        """Return both together."""
        return Decided(
            items=(*self.items, *other.items),
            conflicts={**self.conflicts, **other.conflicts},
            unwritten=(*self.unwritten, *other.unwritten),
        )

    @property
    def page_ids(self) -> tuple[str, ...]:
        """The pages of what was decided, or is still to be written, each once."""
        every = (*self.items, *self.unwritten)
        found = [one.change.page_id for one in every if one.change.page_id]
        return tuple(dict.fromkeys(found))

    @property
    def new_pages(self) -> tuple[int, ...]:
        """The items of pages that are yet to be made."""
        every = (*self.items, *self.unwritten)
        return tuple(one.id for one in every if one.change.page_id is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Which suggestions are meant."""

    page_id: str | None = None
    space_key: str | None = None
    label: str | None = None
    plan_id: int | None = None
    at_least: float = 0.0


async def suggestions(
    services: Services,
    tenant_id: str,
    which: Waiting,
    *,
    after: int = 0,
    limit: int = 100,
) -> Sequence[StoredItem]:
    """Return what waits for a person, oldest first.

    Raises:
        NotFound: There is no such tenant or space.
    """

    def work(session: Session) -> Sequence[StoredItem]:
        require_tenant(session, tenant_id)
        found = PlanItemStore(session, services.cipher).items(
            tenant_id, _filter(session, tenant_id, which), after=after, limit=limit
        )
        return [one for one in found if _sure_enough(one, which)]

    return await services.database.read(work)


def _sure_enough(one: StoredItem, which: Waiting) -> bool:
    confidence = one.item.change.confidence
    return confidence is None or confidence >= which.at_least


def _filter(session: Session, tenant_id: str, which: Waiting) -> ItemFilter:
    space_id = None
    if which.space_key is not None:
        space_id = PolicyStore(session).space_named(tenant_id, which.space_key)
    return ItemFilter(
        plan_id=which.plan_id,
        page_ids=None if which.page_id is None else [which.page_id],
        space_id=space_id,
        value=which.label,
        states=["waiting"],
    )


async def approve(
    services: Services, tenant_id: str, item_ids: Collection[int], *, by: str
) -> Decided:
    """Approve suggestions; `carry_out_approved` then writes them.

    Approved again, what was cut off before it was written goes on.

    Raises:
        NotFound: One of them is not there.
        Stopped: A kill switch stands: what is approved now could not be written now.
    """
    await require_going(services, tenant_id)

    def judge(session: Session, done: Sequence[Item]) -> None:
        _teach(session, tenant_id, done, accepted=1)

    return await _decide(services, tenant_id, item_ids, "approved", by=by, judge=judge)


async def reject(
    services: Services, tenant_id: str, item_ids: Collection[int], *, by: str
) -> Decided:
    """Reject suggestions: these labels are not suggested for these pages again.

    Raises:
        NotFound: One of them is not there.
    """

    def judge(session: Session, done: Sequence[Item]) -> None:
        ledger = LedgerStore(session)
        for change in (one.change for one in done):
            if change.kind == "label_add" and change.page_id is not None:
                ledger.bury(tenant_id, change.page_id, change.value)
        _teach(session, tenant_id, done, rejected=1)

    return await _decide(services, tenant_id, item_ids, "rejected", by=by, judge=judge)


async def _decide(
    services: Services,
    tenant_id: str,
    item_ids: Collection[int],
    state: ItemState,
    *,
    by: str,
    judge: Callable[[Session, Sequence[Item]], None],
) -> Decided:
    ids = list(dict.fromkeys(item_ids))

    def look(session: Session) -> None:
        require_tenant(session, tenant_id)
        DecisionStore(session, services.cipher).require(tenant_id, ids)

    await services.database.read(look)

    def work(session: Session, *, batch: Sequence[int]) -> Decided:
        store = DecisionStore(session, services.cipher)
        decided, conflicts = store.decide(tenant_id, batch, state, by=by)
        done = [one.item for one in decided]
        if done:
            judge(session, done)
            RunStore(session).audit(
                tenant_id,
                actor=by,
                action=f"suggestions_{state}",
                after={"items": [one.id for one in done]},
            )
        late: Sequence[StoredItem] = ()
        if conflicts and state == "approved":
            which = ItemFilter(ids=list(conflicts), states=[state])
            late = PlanItemStore(session, services.cipher).items(tenant_id, which)
        return Decided(
            items=tuple(done),
            conflicts=conflicts,
            unwritten=tuple(one.item for one in late),
        )

    found = Decided(items=(), conflicts={})
    for at in range(0, len(ids), _BATCH):
        batch = ids[at : at + _BATCH]
        found += await services.database.write(partial(work, batch=batch))
    return found


async def edit(
    services: Services, tenant_id: str, item_id: int, text: str, *, by: str
) -> Decided:
    """Approve a suggestion in other words: another label, another summary.

    Raises:
        NotFound: It is not there.
        Conflict: It does not wait any more.
        MalformedPayload: It cannot say that: no such label, too long a summary.
        Stopped: A kill switch stands.
    """
    await require_going(services, tenant_id)
    stored = await services.database.read(
        lambda s: PlanItemStore(s, services.cipher).item(tenant_id, item_id)
    )
    before = stored.item.change
    vocabulary = await vocabulary_of(services, tenant_id, stored.item.space_id)
    after = _edited(before, text.strip(), vocabulary)

    def work(session: Session) -> Decided:
        store = DecisionStore(session, services.cipher)
        decided = store.reword(tenant_id, item_id, after, by=by)
        if after.kind == "label_add" and after.value != before.value:
            page_id = before.page_id or ""
            LedgerStore(session).bury(tenant_id, page_id, before.value)
            _teach(session, tenant_id, [stored.item], rejected=1)
        _teach(session, tenant_id, [decided.item], accepted=1)
        RunStore(session).audit(
            tenant_id,
            actor=by,
            action="suggestion_edited",
            page_id=before.page_id,
            before={"item": item_id, "label": before.value},
            after={"item": item_id, "label": after.value},
        )
        return Decided(items=(decided.item,), conflicts={})

    return await services.database.write(work)


def _edited(change: Change, text: str, vocabulary: Vocabulary) -> Change:
    if not text:
        raise MalformedPayload("edit", "nothing is said instead")
    if change.kind == "label_add":
        known = vocabulary.canonical(text)
        if known is None:
            reason = f"{text!r} is no term of the vocabulary: add it first"
            raise MalformedPayload("edit", reason)
        return replace(change, value=known, confidence=None)
    if change.after is None:
        raise MalformedPayload("edit", "what is taken back has no words")
    if len(text) > LONGEST_SUMMARY:
        reason = f"a summary has at most {LONGEST_SUMMARY} characters"
        raise MalformedPayload("edit", reason)
    if change.kind == "summary":
        return replace(change, after=summarised_as(change.after, text))
    if change.kind in ("excerpt", "comment"):
        return replace(change, after={**change.after, "text": text})
    raise MalformedPayload("edit", f"a {change.kind} cannot be edited here")


def _teach(
    session: Session,
    tenant_id: str,
    items: Sequence[Item],
    *,
    accepted: int = 0,
    rejected: int = 0,
) -> None:
    """Count a judgement of each label among these items."""
    labels = Counter(
        (one.space_id, one.change.value)
        for one in items
        if one.change.kind == "label_add"
    )
    teaching = FeedbackStore(session)
    # Always in the same order: two people's judgements would lock each other crosswise.
    for (space_id, label), count in sorted(labels.items()):
        teaching.add(
            tenant_id,
            space_id,
            label,
            accepted=accepted * count,
            rejected=rejected * count,
        )
