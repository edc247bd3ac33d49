"""Puts what was decided about a page into a plan, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.changes import OPEN_STATES, Agent, Change, ChangeKind, Item, PlanCause
from app.domain.plans import new_names
from app.store.encryption import Cipher
from app.store.ledger import LedgerStore
from app.store.plan_items import SENT, ItemFilter, NewItem, PlanItemStore, StoredItem
from app.store.plans import PlanStore
from app.store.proposals import ProposalStore
from app.usecases.decide_page import Decision
from app.usecases.writing.work import Write

#: Why something may not be written at a place: it is no event of the page, so it leaves
#: no item behind, and the next look at the page says it anew.
GUARDS = frozenset(
    {"policy_off", "policy_suggest", "mode_test", "not_whitelisted", "stopped"}
)

#: Of these agents a look at a page says all anew; what others suggest is not its business.
_OWN_AGENTS: frozenset[Agent] = frozenset({"tagging", "summary"})


def keep_decision(
    session: Session,
    cipher: Cipher,
    tenant_id: str,
    decision: Decision,
    *,
    cause: PlanCause,
    author: str = "app",
) -> list[Write]:
    """Keep what an event's look at a page came to; return what is to be written now.

    Suggestions that were made before and still hold keep their place in the queue; the
    others are superseded.
    """
    _note_proposals(session, cipher, tenant_id, decision)
    store = PlanItemStore(session, cipher)
    unheard = _settle_unheard(session, store, tenant_id, decision)
    fresh = _renew(store, tenant_id, decision)
    if not fresh and not decision.planned:
        return []
    plan_id = PlanStore(session).create(
        tenant_id, cause, author=author, state="done", selection=_page(decision)
    )
    store.add(tenant_id, plan_id, fresh)
    ids = store.add(tenant_id, plan_id, decision.planned)
    # Marked before anything is sent: whoever finds them after a crash knows.
    for item_id, one in zip(ids, decision.planned, strict=True):
        store.set_state(tenant_id, [item_id], one.state, reason=SENT)
    return [
        Write(
            change=one.change,
            authority="person" if one.state == "approved" else "policy",
            item=_item(item_id, plan_id, one),
            was_sent=(one.change.kind, one.change.value) in unheard,
        )
        for item_id, one in zip(ids, decision.planned, strict=True)
    ]


def add_to_plan(
    session: Session,
    cipher: Cipher,
    tenant_id: str,
    plan_id: int,
    decision: Decision,
    *,
    run_id: int | None = None,
) -> None:
    """Put all that a look at a page came to into a plan that somebody asked for.

    `run_id` is the look's own run, if anybody was asked.

    The newest look at a page wins: what waited for a person from before is superseded.
    """
    _note_proposals(session, cipher, tenant_id, decision)
    store = PlanItemStore(session, cipher)
    if not decision.skipped:
        _supersede(store, tenant_id, decision.page.id)
    items = [*decision.planned, *decision.suggested]
    store.add(tenant_id, plan_id, items, run_id=run_id)


def settle_items(
    session: Session,
    cipher: Cipher,
    tenant_id: str,
    writes: Iterable[Write],
    *,
    run_id: int | None,
    drop_guarded: bool,
) -> None:
    """Write down what became of stored items; what they took back is `undone` then."""
    store = PlanItemStore(session, cipher)
    for one in writes:
        if one.item is None or one.is_open:
            continue
        if one.outcome == "applied":
            store.applied(tenant_id, one.item, after=one.after, run_id=run_id)
            if one.item.undoes is not None:
                store.set_state(tenant_id, [one.item.undoes], "undone")
        elif drop_guarded and one.reason in GUARDS:
            store.drop(tenant_id, one.item.id)
        else:
            # Somebody else may have done it meanwhile: that stays said.
            store.set_state(
                tenant_id,
                [one.item.id],
                "skipped",
                reason=one.reason,
                run_id=run_id,
                only_from=OPEN_STATES,
            )


def _note_proposals(
    session: Session, cipher: Cipher, tenant_id: str, decision: Decision
) -> None:
    """Queue the names that the AI would like and the vocabulary lacks."""
    if decision.answer is not None:
        ProposalStore(session, cipher).note(
            tenant_id,
            decision.page.id,
            new_names(decision.answer.completion, decision.vocabulary),
        )


def _settle_unheard(
    session: Session, store: PlanItemStore, tenant_id: str, decision: Decision
) -> set[tuple[ChangeKind, str]]:
    """Settle what an earlier run of an event sent and never came to tell of.

    What stands on the page is applied, so that it can be undone; what this look says
    anew is superseded. Return what was sent so.
    """
    plans, page = PlanStore(session), decision.page
    which = ItemFilter(page_ids=[page.id], states=OPEN_STATES)
    unheard = [
        one.item
        for one in store.items(tenant_id, which)
        if one.item.reason == SENT
        and plans.plan(tenant_id, one.item.plan_id).cause == "event"
    ]
    anew = {(one.change.kind, one.change.value) for one in decision.planned}
    for one in unheard:
        if _stands(session, tenant_id, decision, one.change):
            store.set_state(tenant_id, [one.id], "applied", only_from=OPEN_STATES)
        elif (one.change.kind, one.change.value) in anew:
            store.set_state(tenant_id, [one.id], "superseded", only_from=OPEN_STATES)
    return {(one.change.kind, one.change.value) for one in unheard}


def _stands(
    session: Session, tenant_id: str, decision: Decision, change: Change
) -> bool:
    page, label = decision.page, change.value
    if change.kind == "summary":
        current = page.property(BYLINE_PROPERTY_KEY)
        return current is not None and bool(current.value == change.after)
    return (
        change.kind == "label_add"
        and label in decision.on_page
        and LedgerStore(session).has(tenant_id, page.id, "label", label)
    )


def _renew(store: PlanItemStore, tenant_id: str, decision: Decision) -> list[NewItem]:
    """Say waiting suggestions anew; return those that did not wait before."""
    page = decision.page
    found = _waiting(store, tenant_id, page.id)
    waiting = {(one.item.change.kind, one.item.change.value): one for one in found}
    fresh: list[NewItem] = []
    for new in decision.suggested:
        known = waiting.pop((new.change.kind, new.change.value), None)
        if known is None:
            fresh.append(new)
        else:
            store.rewrite(tenant_id, known.item.id, new)
    outdated = [one.item.id for one in waiting.values()]
    store.set_state(tenant_id, outdated, "superseded", only_from=["waiting"])
    return fresh


def _supersede(store: PlanItemStore, tenant_id: str, page_id: str) -> None:
    ids = [one.item.id for one in _waiting(store, tenant_id, page_id)]
    store.set_state(tenant_id, ids, "superseded", only_from=["waiting"])


def _waiting(
    store: PlanItemStore, tenant_id: str, page_id: str
) -> Sequence[StoredItem]:
    """Return what an earlier look at the page left for a person."""
    found = store.items(tenant_id, ItemFilter(page_ids=[page_id], states=["waiting"]))
    return [one for one in found if one.item.change.by in _OWN_AGENTS]


def _item(item_id: int, plan_id: int, new: NewItem) -> Item:
    return Item(
        id=item_id,
        plan_id=plan_id,
        change=new.change,
        state=new.state,
        space_id=new.space_id,
        page_version=new.page_version,
    )


def _page(decision: Decision) -> dict[str, Sequence[str]]:
    return {"pages": [decision.page.id]}
