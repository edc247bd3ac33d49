"""Plans to make several labels one: on every page that carries them, whoever put them.

A merge is a person's explicit wish, so labels of people go too; the survivor is theirs
then. It is a plan like any other: looked at, carried out page by page, and undone. See
`app.usecases.merged_terms` for what becomes of the terms, and when.

Which pages carry a label is what the site says now, not what we remember. Pages that we
remember with one of the labels and may not see any more are left alone, and told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.changes import Change, Estimate
from app.domain.estimating import cost_of_applying
from app.domain.vocabulary.merging import Merge, on_page, resolve
from app.domain.vocabulary.terms import Vocabulary
from app.errors import PageGone, PageOutOfReach
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.merges import NOWHERE, MergeStore
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore, StoredPlan
from app.store.runs import RunStore
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.site import open_site
from app.usecases.vocabularies import vocabulary_of

#: Pages written down in one transaction.
_BATCH = 250
#: What a page came to: something is done; a person took the survivor off there; it
#: carried a label when we last saw it, and is gone or hidden from us now.
PLANNED, TOMBSTONE, OUT_OF_REACH = "planned", "tombstone", "out_of_reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the site says of a merge's labels.

    Attributes:
        present: Page id -> which of the labels stand there.
        unseen: Pages that should carry one, and that we may not see.
    """

    present: Mapping[str, Collection[str]]
    unseen: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page of a merge: what would be done there, or why nothing."""

    page_id: str
    outcome: str
    changes: Sequence[Change] = ()


async def plan_merge(
    services: Services,
    tenant_id: str,
    names: Collection[str],
    into: str,
    *,
    author: str,
) -> StoredPlan:
    """Plan to merge labels; nothing is written to the site, and no term changes yet.

    A page whose person took the survivor off does not get it, and keeps what it has.

    Raises:
        NotFound: No such tenant; or a label is no term and on no page.
        MalformedPayload: It cannot be merged: into itself, into an excluded term.
    """
    await services.database.read(lambda s: require_tenant(s, tenant_id))
    vocabulary = await vocabulary_of(services, tenant_id, "")
    async with open_site(services, tenant_id) as (confluence, _, _):
        used = await _used(confluence)
        merge = resolve(vocabulary, used, names, into)
        found = await _carrying(services, confluence, tenant_id, merge, used)
        spent = Estimate(points=confluence.meter.points)
    pages = await services.database.read(
        lambda s: _judged(s, tenant_id, merge, found, vocabulary)
    )
    plan_id = await services.database.write(
        lambda s: PlanStore(s).create(
            tenant_id,
            "merge",
            author=author,
            state="drafting",
            selection={"merge": list(merge.merged), "into": merge.into},
        )
    )
    for at in range(0, len(pages), _BATCH):
        await services.database.write(
            _keeping(services, tenant_id, plan_id, pages[at : at + _BATCH])
        )
    estimate = cost_of_applying(change for one in pages for change in one.changes)

    def finish(session: Session) -> StoredPlan:
        plans = PlanStore(session)
        plans.note_costs(tenant_id, plan_id, estimate=estimate, spent=spent)
        plans.move(tenant_id, plan_id, "ready", only_from=["drafting"])
        RunStore(session).audit(
            tenant_id,
            actor=author,
            action="merge_planned",
            after={
                "plan": plan_id,
                "merged": list(merge.merged),
                "into": merge.into,
                "pages": estimate.pages,
                "unseen": len(found.unseen),
            },
        )
        return plans.plan(tenant_id, plan_id)

    return await services.database.write(finish)


async def _used(confluence: Confluence) -> Mapping[str, str]:
    """Return the ids of all global labels of the site, by name."""
    found: dict[str, str] = {}
    async for space in confluence.spaces():
        async for label in confluence.space_labels(space.id):
            if label.prefix == "global":
                found[label.name] = label.id
    return found


async def _carrying(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    merge: Merge,
    used: Mapping[str, str],
) -> _Found:
    present: defaultdict[str, set[str]] = defaultdict(set)
    for name in (merge.into, *merge.merged):
        if name in used:
            async for page_id in confluence.label_page_ids(used[name]):
                present[page_id].add(name)

    def remembered(session: Session) -> set[str]:
        memory = MemoryStore(session)
        ours = LedgerStore(session).all_labels(tenant_id)
        told = {page_id for page_id, label in ours if label in merge.merged}
        return told.union(*(memory.labelled(tenant_id, one) for one in merge.merged))

    expected = await services.database.read(remembered)
    unseen: list[str] = []
    for page_id in sorted(expected - present.keys()):
        try:
            await confluence.get_page(page_id)
        except (PageGone, PageOutOfReach):
            # The site says of neither whether the page is gone or hidden from us.
            unseen.append(page_id)
    return _Found(present=present, unseen=unseen)


def _judged(
    session: Session,
    tenant_id: str,
    merge: Merge,
    found: _Found,
    vocabulary: Vocabulary,
) -> Sequence[_Page]:
    """Say of each page what would be done there; pages without the labels are left out."""
    term = vocabulary.terms.get(merge.into)
    names = (merge.into, *(term.synonyms if term else ()))
    buried = MergeStore(session).buried(
        tenant_id, [one for one in names if one not in merge.merged]
    )
    ours: defaultdict[str, set[str]] = defaultdict(set)
    for page_id, label in LedgerStore(session).all_labels(tenant_id):
        ours[page_id].add(label)
    return [*_pages(merge, found, buried, ours)]


def _pages(
    merge: Merge,
    found: _Found,
    buried: Collection[str],
    ours: Mapping[str, Collection[str]],
) -> Iterator[_Page]:
    for page_id, present in sorted(found.present.items()):
        changes = tuple(on_page(merge, page_id, present, ours.get(page_id, ())))
        if changes and page_id in buried and merge.into not in present:
            yield _Page(page_id=page_id, outcome=TOMBSTONE)
        elif changes:
            yield _Page(page_id=page_id, outcome=PLANNED, changes=changes)
    for page_id in found.unseen:
        yield _Page(page_id=page_id, outcome=OUT_OF_REACH)


def _keeping(
    services: Services, tenant_id: str, plan_id: int, pages: Sequence[_Page]
) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        store = MergeStore(session)
        places = store.places(tenant_id, [one.page_id for one in pages])
        store.note_pages(
            tenant_id, plan_id, {one.page_id: one.outcome for one in pages}
        )
        PlanItemStore(session, services.cipher).add(
            tenant_id,
            plan_id,
            [
                NewItem(
                    change=change,
                    space_id=places.get(one.page_id, NOWHERE).space_id,
                    page_title=places.get(one.page_id, NOWHERE).title,
                )
                for one in pages
                for change in one.changes
            ],
        )

    return work
