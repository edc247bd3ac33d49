"""Proposes what would make a space's structure better: a plan that waits for people.

Whatever the policy, no outline is carried out by itself. What only people can do is
told in words beside the plan's items.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.domain.changes import Change, Estimate
from app.domain.outline.merges import movable
from app.domain.outline.outline import Outline, outline, propose
from app.domain.outline.pages import folded_title
from app.domain.outline.proposals import Proposal
from app.domain.outline.splits import new_page_title
from app.domain.selection import Selection
from app.errors import MarkupAmbiguous, NotFound, WorkObsolete
from app.store.plan_items import ItemFilter, NewItem, PlanItemStore
from app.store.plans import PlanStore, StoredPlan
from app.usecases.make_plan import Progress, silent
from app.usecases.outline_pages import Surveyed, survey
from app.usecases.page_plans import keep_plan, require_open
from app.usecases.ports import Confluence, PageMarkup
from app.usecases.section_markup import content_of, sections_of
from app.usecases.services import Services
from app.usecases.show_plan import SEALED, require_tenant
from app.usecases.site import open_site

#: Links in a new page, at most.
_LINKS = 200
#: Plans of the same place that are looked through for what was said no to.
_EARLIER = 200

#: What an item comes to: kind, page, and where or how it is to be called.
_Wish = tuple[str, str, str]


@dataclass(slots=True, kw_only=True)
class _Drafted:
    """A proposal with the items that would carry it out."""

    proposal: Proposal
    items: list[NewItem] = field(default_factory=list)


async def propose_structure(
    services: Services,
    tenant_id: str,
    selection: Selection,
    *,
    author: str,
    progress: Progress = silent,
) -> StoredPlan:
    """Propose an outline of a space or a tree; nothing is written to the site.

    What people said no to, or took back, is not proposed again; what still waits of an
    earlier outline of the same place is superseded.

    Raises:
        NotFound: There is no such tenant or space.
        MalformedPayload: The selection names neither a space nor a tree.
        PageGone: The tree's root is not there.
        Conflict: The policy of the space is `off`.
    """
    await services.database.read(lambda s: require_tenant(s, tenant_id))
    async with open_site(services, tenant_id) as (confluence, _, _):
        surveyed = await survey(
            services, confluence, tenant_id, selection, progress=progress
        )
        await require_open(services, tenant_id, surveyed.space_id)
        proposals = await asyncio.to_thread(propose, surveyed.tree)
        refused = await services.database.read(
            lambda s: _refused(s, services, tenant_id, surveyed.space_id)
        )
        taken = set(surveyed.tree.taken)
        drafted = [
            one
            for proposal in proposals
            if not _is_spared(proposal, surveyed)
            and (
                one := _unrefused(
                    await _draft(services, confluence, surveyed, proposal, taken),
                    refused,
                )
            )
        ]
        spent = Estimate(pages=len(surveyed.tree.pages), points=confluence.meter.points)

    def work(session: Session) -> StoredPlan:
        _supersede(session, services, tenant_id, selection)
        return _keep(
            session,
            services,
            tenant_id,
            surveyed,
            drafted,
            selection=selection,
            author=author,
            spent=spent,
        )

    return await services.database.write(work)


async def show_outline(services: Services, tenant_id: str, plan_id: int) -> Outline:
    """Return the outline that a plan was made with.

    Raises:
        NotFound: There is no such plan, or it has no outline.
    """
    plan = await services.database.read(lambda s: PlanStore(s).plan(tenant_id, plan_id))
    sealed = plan.selection.get(SEALED)
    if plan.cause != "structure" or not isinstance(sealed, str):
        raise NotFound(f"plan {plan_id} has no outline")
    return Outline.from_json(json.loads(services.cipher.open(sealed)))


# ---------------------------------------------------------------- proposals to items


def _is_spared(proposal: Proposal, surveyed: Surveyed) -> bool:
    about = {proposal.page_id, proposal.parent_id, *proposal.other_ids}
    return bool(about & surveyed.spared)


async def _draft(
    services: Services,
    confluence: Confluence,
    surveyed: Surveyed,
    proposal: Proposal,
    taken: set[str],
) -> _Drafted:
    """Return a proposal with its items; the titles that they use are `taken` then."""
    written = {proposal.page_id, *proposal.other_ids} & surveyed.live
    if written and proposal.kind != "split":
        proposal = replace(proposal, by_hand="a live doc is written by its editors")
    if proposal.by_hand and proposal.kind != "merge":
        return _Drafted(proposal=proposal)
    if proposal.kind == "move":
        return _moving(surveyed, proposal, [proposal.page_id or ""])
    if proposal.kind == "merge":
        movers = [] if written else movable(surveyed.tree, proposal)
        return _moving(surveyed, proposal, movers)
    if proposal.kind == "split":
        return await _splitting(services, confluence, surveyed, proposal, taken)
    if proposal.kind == "retitle":
        return _retitling(surveyed, proposal)
    return _writing(services.markup, surveyed, proposal)


def _moving(
    surveyed: Surveyed, proposal: Proposal, page_ids: Sequence[str]
) -> _Drafted:
    aim = proposal.page_id if proposal.kind == "merge" else proposal.parent_id
    return _Drafted(
        proposal=proposal,
        items=[
            _on_page(
                surveyed,
                proposal,
                page_id,
                Change(
                    kind="page_move",
                    page_id=page_id,
                    before={"parent_id": surveyed.tree.pages[page_id].parent_id},
                    after={"parent_id": aim},
                ),
            )
            for page_id in page_ids
        ],
    )


def _retitling(surveyed: Surveyed, proposal: Proposal) -> _Drafted:
    change = Change(
        kind="page_title",
        page_id=proposal.page_id,
        before={"title": proposal.title},
        after={"title": proposal.new_title},
    )
    item = _on_page(surveyed, proposal, proposal.page_id or "", change)
    return _Drafted(proposal=proposal, items=[item])


def _on_page(
    surveyed: Surveyed, proposal: Proposal, page_id: str, change: Change
) -> NewItem:
    page = surveyed.tree.pages[page_id]
    return NewItem(
        change=_founded(change, proposal),
        state="waiting",
        space_id=surveyed.space_id,
        page_version=page.version,
        page_title=page.title,
    )


async def _splitting(
    services: Services,
    confluence: Confluence,
    surveyed: Surveyed,
    proposal: Proposal,
    taken: set[str],
) -> _Drafted:
    """Return drafts of the sections that should be pages, as the page is now."""
    page_id = proposal.page_id or ""
    try:
        page = await confluence.get_page(page_id)
        found = {
            one.heading: content_of(services.markup, one)
            for one in sections_of(services.markup, page.body or "")
            if one.heading in proposal.sections
        }
    except (WorkObsolete, MarkupAmbiguous):
        found = {}
    items: list[NewItem] = []
    for heading in proposal.sections:
        title = new_page_title(proposal.title, heading, taken)
        if heading in found and title:
            taken.add(folded_title(title))
            items.append(_new_page(surveyed, proposal, title, found[heading]))
    if len(items) < len(proposal.sections):
        by_hand = "its sections have changed, or their titles are taken"
        return _Drafted(proposal=replace(proposal, by_hand=by_hand))
    return _Drafted(proposal=proposal, items=items)


def _writing(markup: PageMarkup, surveyed: Surveyed, proposal: Proposal) -> _Drafted:
    body = skeleton(markup, proposal.sections, proposal.related)
    item = _new_page(surveyed, proposal, proposal.title, body)
    return _Drafted(proposal=proposal, items=[item])


def skeleton(
    markup: PageMarkup, headings: Sequence[str], related: Sequence[str]
) -> str:
    """Return a page of headings without text, and links to related pages."""
    lines = [f"## {' '.join(one.split())}" for one in headings]
    return markup.from_text("\n\n".join(lines)) + markup.links(related[:_LINKS])


def _new_page(surveyed: Surveyed, proposal: Proposal, title: str, body: str) -> NewItem:
    change = Change(
        kind="page_create",
        page_id=None,
        after={
            "space_id": surveyed.space_id,
            "parent_id": proposal.parent_id,
            "title": title,
            "status": "draft",
            "body": body,
        },
    )
    return NewItem(
        change=_founded(change, proposal),
        state="waiting",
        space_id=surveyed.space_id,
        page_title=title,
    )


def _founded(change: Change, proposal: Proposal) -> Change:
    evidence = "; ".join((proposal.reason, *proposal.evidence))
    return replace(change, confidence=proposal.confidence, evidence=evidence)


# --------------------------------------------------------------- what was said before


def _wish(change: Change) -> _Wish:
    after: Mapping[str, Any] = change.after or {}
    aim = f"{after.get('parent_id') or ''} {after.get('title') or ''}"
    return change.kind, change.page_id or "", aim


def _unrefused(drafted: _Drafted, refused: Collection[_Wish]) -> _Drafted | None:
    """Return a proposal without what was refused; None if nothing is left of it."""
    left = [one for one in drafted.items if _wish(one.change) not in refused]
    if drafted.items and not left:
        return None
    drafted.items = left
    return drafted


def _refused(
    session: Session, services: Services, tenant_id: str, space_id: str
) -> set[_Wish]:
    """Return what people said no to in a space, or took back."""
    which = ItemFilter(
        space_id=space_id,
        kinds=["page_move", "page_title", "page_create"],
        states=["rejected", "undone"],
        takes_back=False,
    )
    found = PlanItemStore(session, services.cipher).items(tenant_id, which)
    return {_wish(one.item.change) for one in found}


def _supersede(
    session: Session, services: Services, tenant_id: str, selection: Selection
) -> None:
    store = PlanItemStore(session, services.cipher)
    plans = PlanStore(session).plans(tenant_id, causes=["structure"], limit=_EARLIER)
    for plan in plans:
        said = {name: one for name, one in plan.selection.items() if name != SEALED}
        if said == selection.as_json():
            which = ItemFilter(plan_id=plan.id, states=["waiting"])
            ids = [one.item.id for one in store.items(tenant_id, which)]
            store.set_state(tenant_id, ids, "superseded", only_from=["waiting"])


def _keep(
    session: Session,
    services: Services,
    tenant_id: str,
    surveyed: Surveyed,
    drafted: Sequence[_Drafted],
    *,
    selection: Selection,
    author: str,
    spent: Estimate,
) -> StoredPlan:
    plan, ids = keep_plan(
        session,
        services,
        tenant_id,
        [item for one in drafted for item in one.items],
        cause="structure",
        author=author,
        selection=selection.as_json(),
        spent=spent,
    )
    waiting = iter(ids)
    told = [
        one.proposal.with_items(*(next(waiting) for _ in one.items)) for one in drafted
    ]
    # Titles and passages of the site: sealed, as all that quotes it.
    whole = json.dumps(outline(surveyed.tree, told).as_json())
    sealed = {**plan.selection, SEALED: services.cipher.seal(whole)}
    PlanStore(session).note_selection(tenant_id, plan.id, sealed)
    return replace(plan, selection=sealed)
