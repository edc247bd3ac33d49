"""Makes merged labels other names of one term, and takes that back with the plan.

The vocabulary changes in the transaction that begins to carry the plan out: from then on
no run chooses a label that is about to go. Until then a plan is only looked at and has
changed nothing. Carrying an undo of the whole plan out brings the terms back in the
same way, before the labels come back; an undo of single pages, or of a run, leaves the
vocabulary as it is. What the plan did to terms is kept with it, so that what people
changed of them in between stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.domain.vocabulary.merging import Merge, survivor_of
from app.domain.vocabulary.terms import Term, TermPatch
from app.errors import Conflict
from app.store.merges import MergeStore, SaidOfTerm
from app.store.plans import PlanStore, StoredPlan
from app.store.runs import RunStore
from app.store.terms import TermStore


def follow_plan(session: Session, tenant_id: str, plan_id: int, *, actor: str) -> None:
    """Change the terms as a plan that begins to be carried out asks, if it does.

    Raises:
        Conflict: The survivor has been excluded since.
    """
    plan, takes_back = _merge_behind(session, tenant_id, plan_id)
    if plan is None:
        return
    done = "terms" in plan.selection
    if takes_back and done:
        _part(session, tenant_id, plan, actor=actor)
    elif not takes_back and not done:
        _join(session, tenant_id, plan, actor=actor)


def would_change_terms(session: Session, tenant_id: str, plan_id: int) -> bool:
    """Whether taking a plan back changes terms, whatever it did to pages."""
    plan, takes_back = _merge_behind(session, tenant_id, plan_id)
    return plan is not None and ("terms" in plan.selection) is not takes_back


def _merge_behind(
    session: Session, tenant_id: str, plan_id: int
) -> tuple[StoredPlan | None, bool]:
    """Return the merge that a plan is, or takes back, or does again; None if none."""
    plans, takes_back = PlanStore(session), False
    plan = plans.plan(tenant_id, plan_id)
    while plan.undoes is not None:
        plan, takes_back = plans.plan(tenant_id, plan.undoes), not takes_back
    return (plan if plan.cause == "merge" else None), takes_back


def _join(session: Session, tenant_id: str, plan: StoredPlan, *, actor: str) -> None:
    merge = Merge(merged=tuple(plan.selection["merge"]), into=plan.selection["into"])
    store, terms = MergeStore(session), TermStore(session)
    said = store.said(tenant_id, [merge.into, *merge.merged])
    of_site = {one.name: one for one in said if not one.space_id}
    before = of_site.get(merge.into)
    survivor = Term(name=merge.into) if before is None else _term(before)
    if survivor.excluded:
        raise Conflict(f"{merge.into!r} has been excluded since the plan was made")
    gone = [one for one in said if one.name in merge.merged]
    after = survivor_of(
        merge, survivor, [_term(one) for one in gone if not one.space_id]
    )
    children = store.children(tenant_id, merge.merged)
    moved = [
        one.name for one in children if one.name not in (merge.into, *merge.merged)
    ]
    terms.put(tenant_id, after, origin=_origin(before))
    for one in gone:
        terms.remove(tenant_id, one.space_id, [one.name])
    for one in children:
        if one.name in moved:
            _reparent(session, tenant_id, one, merge.into)
    changed = {
        "gone": [one.as_json() for one in gone],
        "added": [one for one in after.synonyms if one not in survivor.synonyms],
        "parent": survivor.parent,
        "children": [[one.name, one.parent] for one in children if one.name in moved],
    }
    store.note(tenant_id, plan.id, {**plan.selection, "terms": changed})
    _audit(session, tenant_id, plan, "terms_merged", actor=actor)


def _part(session: Session, tenant_id: str, plan: StoredPlan, *, actor: str) -> None:
    changed: Mapping[str, Any] = plan.selection["terms"]
    into = plan.selection["into"]
    store, terms = MergeStore(session), TermStore(session)
    gone = [SaidOfTerm(**one) for one in changed["gone"]]
    there = store.said(tenant_id, [into, *(one.name for one in gone)])
    known = {(one.space_id, one.name): one for one in there}
    survivor = known.get(("", into))
    if survivor is not None:
        added = set(changed["added"])
        kept = [one for one in survivor.synonyms or () if one not in added]
        parent = survivor.parent or changed["parent"]
        terms.put(
            tenant_id,
            _term(survivor, synonyms=kept, parent=parent),
            origin=_origin(survivor),
        )
    for one in gone:
        if (one.space_id, one.name) not in known:
            _put_back(terms, tenant_id, one)
    for name, parent in changed["children"]:
        for child in store.said(tenant_id, [name]):
            if not child.space_id and child.parent == into:
                _reparent(session, tenant_id, child, parent)
    left = {name: value for name, value in plan.selection.items() if name != "terms"}
    store.note(tenant_id, plan.id, left)
    _audit(session, tenant_id, plan, "terms_parted", actor=actor)


def _put_back(terms: TermStore, tenant_id: str, one: SaidOfTerm) -> None:
    if not one.space_id:
        terms.put(tenant_id, _term(one), origin=_origin(one))
        return
    patch = TermPatch(
        name=one.name,
        description=one.description,
        synonyms=None if one.synonyms is None else tuple(one.synonyms),
        parent=one.parent,
        excluded=one.excluded,
        manual_only=one.manual_only,
        min_confidence=one.min_confidence,
    )
    terms.put_patch(tenant_id, one.space_id, patch)


def _reparent(
    session: Session, tenant_id: str, one: SaidOfTerm, parent: str | None
) -> None:
    TermStore(session).put(tenant_id, _term(one, parent=parent), origin=_origin(one))


def _origin(one: SaidOfTerm | None) -> Any:
    return "person" if one is None else one.origin


_SAME: Any = object()


def _term(
    one: SaidOfTerm, *, synonyms: Sequence[str] | None = None, parent: Any = _SAME
) -> Term:
    return Term(
        name=one.name,
        description=one.description or "",
        synonyms=tuple((one.synonyms or ()) if synonyms is None else synonyms),
        parent=one.parent if parent is _SAME else parent,
        excluded=bool(one.excluded),
        manual_only=bool(one.manual_only),
        min_confidence=one.min_confidence,
    )


def _audit(
    session: Session, tenant_id: str, plan: StoredPlan, action: str, *, actor: str
) -> None:
    RunStore(session).audit(
        tenant_id,
        actor=actor,
        action=action,
        after={
            "plan": plan.id,
            "merged": list(plan.selection["merge"]),
            "into": plan.selection["into"],
        },
    )
