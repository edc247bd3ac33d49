"""What would be done to one page, and why: nothing is written to the site here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.changes import Change, Item, ItemState
from app.domain.pages import Page, PageText
from app.domain.plans import NOTHING, LedgerState, Plan, PlanItem, plan_labels
from app.domain.policy import Policy
from app.domain.scope import PageFacts, is_secret, needs_ancestors, out_of_scope
from app.domain.teaching import LearnedBar, by_term
from app.domain.vocabulary.terms import Vocabulary
from app.store.feedback import FeedbackStore
from app.store.memory import MemoryStore
from app.store.plan_items import ItemFilter, NewItem, PlanItemStore
from app.store.policies import PolicyStore
from app.usecases.complete_page import Answer, complete_page
from app.usecases.decide_summary import SummarySight, summary_changes
from app.usecases.learn_site import remember
from app.usecases.notice_edits import Sight, notice_edits
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.vocabularies import note_people_labels, vocabulary_of

#: Of a page without text: it has nothing to say, and what we said of it is outdated.
EMPTY = "empty"
#: Of a page that no AI may see: what was known of it is forgotten.
NEVER_SEND = "never_send"
#: Items of a page that are looked at for what people said of our summaries.
_HISTORY = 60


@dataclass(slots=True, kw_only=True)
class Decision:
    """What is known of a page, and what follows; filled as far as it got.

    Attributes:
        skipped: Why nothing is done, in a constant word; empty if something is.
        bar: How sure one must be of each label; None if it did not come to that.
        planned: Changes that go ahead where guard and policy allow.
        suggested: Changes that wait for a person.
    """

    page: Page
    text: PageText
    policy: Policy
    vocabulary: Vocabulary
    skipped: str = ""
    answer: Answer | None = None
    plan: Plan = NOTHING
    bar: LearnedBar | None = None
    planned: tuple[NewItem, ...] = ()
    suggested: tuple[NewItem, ...] = ()

    @property
    def on_page(self) -> frozenset[str]:
        """The labels that stood on the page when it was read."""
        found = self.page.labels or ()
        return frozenset(one.name for one in found if one.prefix == "global")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database says of a page."""

    ledger: Mapping[str, LedgerState]
    bar: LearnedBar
    history: Sequence[Item]


async def decide_page(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    page: Page,
    *,
    priority: int,
    read_at: datetime,
) -> Decision:
    """Look at a page as it was read, ask the AI, and say what would be done.

    Ledger and memory are brought in line with what stands on the page; that is all
    that is written, and to our own database.

    What we wrote since `read_at`, a moment just before the page was read, it cannot show.

    Raises:
        ProviderError: Nobody can answer now; waiting may help.
        BudgetExceeded: There is no money for it; the next period has some.
    """
    # Milliseconds for most pages, but a huge one must not hold up the events.
    text = await asyncio.to_thread(services.read_page, page)
    policy = await services.database.read(
        lambda s: PolicyStore(s).policy(tenant_id, page.space_id)
    )
    vocabulary = await vocabulary_of(services, tenant_id, page.space_id)
    decision = Decision(page=page, text=text, policy=policy, vocabulary=vocabulary)
    decision.skipped = await reason_to_skip(services, confluence, decision)
    if decision.skipped == NEVER_SEND:
        await services.database.write(lambda s: _forget(s, tenant_id, page.id))
    if decision.skipped not in ("", EMPTY):
        return decision
    known = await services.database.write(
        lambda s: _reconcile(s, services, tenant_id, decision, read_at)
    )
    decision.bar = known.bar
    if not decision.skipped:
        decision.answer = await complete_page(
            services,
            tenant_id,
            page,
            text,
            policy=policy,
            vocabulary=vocabulary,
            priority=priority,
        )
        decision.plan = plan_labels(
            decision.answer.completion,
            on_page=decision.on_page,
            ledger=known.ledger,
            vocabulary=vocabulary,
            bar=known.bar,
            max_labels=policy.max_labels,
        )
    _spell_out(services, decision, known)
    return decision


async def reason_to_skip(
    services: Services, confluence: Confluence, decision: Decision
) -> str:
    """Return why the page is not looked at, in a constant word; empty if it is."""
    page, policy = decision.page, decision.policy
    known = PageFacts(page_id=page.id, title=page.title, labels=decision.on_page)
    if is_secret(known, policy, decision.vocabulary):
        return NEVER_SEND
    if policy.mode == "off":
        return "policy_off"
    above = await confluence.ancestor_ids(page.id) if needs_ancestors(policy) else None
    facts = replace(
        known,
        status=page.status,
        ancestor_ids=above,
        created_at=page.created_at,
        edited_at=page.edited_at,
        is_empty=decision.text.is_empty,
    )
    return out_of_scope(facts, policy, decision.vocabulary, services.now()) or ""


def _forget(session: Session, tenant_id: str, page_id: str) -> None:
    """Forget what was known of a page before it became a secret."""
    memory = MemoryStore(session)
    if memory.space_of(tenant_id, page_id) is not None:
        memory.forget(tenant_id, [page_id])


# --------------------------------------------------------------- what is known of it


def _reconcile(
    session: Session,
    services: Services,
    tenant_id: str,
    decision: Decision,
    read_at: datetime,
) -> _Known:
    """Bring ledger, feedback and memory in line with what stands on the page now."""
    page, on_page = decision.page, decision.on_page
    ledger = notice_edits(
        session,
        services.cipher,
        tenant_id,
        Sight(
            page_id=page.id,
            space_id=page.space_id,
            labels=on_page,
            vocabulary=decision.vocabulary,
            age=services.now() - read_at,
        ),
    )
    ours = {label for label, state in ledger.items() if state == "written"}
    theirs = on_page - ours
    strangers = [one for one in theirs if decision.vocabulary.canonical(one) is None]
    note_people_labels(session, tenant_id, strangers)
    memory = remember(page, decision.text, set(theirs))
    MemoryStore(session).keep(tenant_id, memory, page_version=page.version)
    items = PlanItemStore(session, services.cipher).items(
        tenant_id,
        ItemFilter(
            page_ids=[page.id],
            kinds=["summary", "excerpt", "comment"],
            states=["planned", "applied", "skipped", "undone", "rejected"],
        ),
        newest_first=True,
        limit=_HISTORY,
    )
    return _Known(
        ledger=ledger,
        bar=LearnedBar(
            decision.policy,
            decision.vocabulary,
            by_term(
                FeedbackStore(session).of_space(tenant_id, page.space_id),
                decision.vocabulary,
            ),
        ),
        history=[one.item for one in items],
    )


# ------------------------------------------------------------------- what would be done


def _spell_out(services: Services, decision: Decision, known: _Known) -> None:
    """Turn labels and summary into changes, by whether they wait for a person."""
    asks = decision.policy.mode == "suggest"
    new: list[NewItem] = []
    for one in decision.plan.items:
        if one.action not in ("add", "suggest"):
            continue
        # Labels that people keep accepting need no further asking.
        is_known = asks and known.bar.is_unlocked(one.label)
        state: ItemState = "approved" if is_known else "planned"
        if one.action == "suggest" or (asks and not is_known):
            state = "waiting"
        new.append(_new(decision, _label(decision.page, one), state))
    waiting = sum(one.state == "waiting" for one in new)
    sight = SummarySight(
        page=decision.page,
        place=decision.policy.summary_place,
        answer=decision.answer,
        plan=decision.plan,
        history=known.history,
    )
    new += [
        _new(decision, change, "waiting" if asks else "planned")
        for change in summary_changes(services.markup, sight, waiting=waiting)
    ]
    decision.planned = tuple(one for one in new if one.state != "waiting")
    decision.suggested = tuple(one for one in new if one.state == "waiting")


def _label(page: Page, one: PlanItem) -> Change:
    return Change(
        kind="label_add",
        page_id=page.id,
        value=one.label,
        confidence=one.confidence,
        evidence=one.evidence,
    )


def _new(decision: Decision, change: Change, state: ItemState) -> NewItem:
    page = decision.page
    return NewItem(
        change=change,
        state=state,
        space_id=page.space_id,
        page_version=page.version,
        page_title=decision.text.title,
    )
