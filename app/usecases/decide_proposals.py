"""Names that the AI proposed, and a person's word on them: accept, map, reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain.vocabulary.editing import edit
from app.domain.vocabulary.saying import MOST_SYNONYMS, Said
from app.domain.vocabulary.terms import Term, Vocabulary, fold
from app.errors import Conflict, NotFound, TermsRefused
from app.store.memory import MemoryStore
from app.store.proposals import Proposal, ProposalStore, Verdict
from app.store.runs import RunStore
from app.store.terms import TermStore
from app.usecases.edit_vocabulary import Place, keep_edit
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of a wish to decide.

    Attributes:
        proposals: What was decided now.
        conflicts: Name -> why nothing was decided, such as: somebody was faster.
    """

    proposals: tuple[Proposal, ...]
    conflicts: Mapping[str, str]


async def list_proposals(
    services: Services, tenant_id: str, *, at_least: int = 1, limit: int | None = None
) -> Sequence[Proposal]:
    """Return the names that wait, most proposed first.

    What the site's vocabulary knows by now waits no more. Evidence is shown of pages
    that we may still see.

    Raises:
        NotFound: There is no such tenant.
    """

    def work(session: Session) -> list[Proposal]:
        require_tenant(session, tenant_id)
        vocabulary = _vocabulary(session, tenant_id)
        waiting = ProposalStore(session, services.cipher).waiting(
            tenant_id, at_least=at_least
        )
        found = [one for one in waiting if vocabulary.canonical(one.name) is None]
        found = found[:limit]
        shown = MemoryStore(session).known(
            tenant_id, {page for one in found for page in one.pages}
        )
        return [_as_seen(one, shown) for one in found]

    return await services.database.read(work)


async def accept(
    services: Services, tenant_id: str, names: Sequence[str], *, by: str
) -> Decided:
    """Make terms of proposed names.

    Raises:
        NotFound: There is no such tenant, or one of them was never proposed.
        TermsRefused: They cannot be terms; nothing is decided then.
    """
    return await _decide(services, tenant_id, names, "accepted", by=by)


async def map_to(
    services: Services, tenant_id: str, names: Sequence[str], term: str, *, by: str
) -> Decided:
    """Make proposed names synonyms of a term: they lead to it from then on.

    Raises:
        NotFound: There is no such tenant or term, or one of them was never proposed.
        TermsRefused: The term has too many synonyms; nothing is decided then.
    """
    return await _decide(services, tenant_id, names, "mapped", by=by, to=term)


async def reject(
    services: Services, tenant_id: str, names: Sequence[str], *, by: str
) -> Decided:
    """Reject proposed names for good: they come back under no spelling.

    Raises:
        NotFound: There is no such tenant, or one of them was never proposed.
    """
    return await _decide(services, tenant_id, names, "rejected", by=by)


async def _decide(
    services: Services,
    tenant_id: str,
    names: Sequence[str],
    verdict: Verdict,
    *,
    by: str,
    to: str | None = None,
) -> Decided:
    place = Place(tenant_id=tenant_id)

    def work(session: Session) -> Decided:
        require_tenant(session, tenant_id)
        # Whoever else changes the vocabulary waits from here on.
        TermStore(session).changed(tenant_id)
        vocabulary = _vocabulary(session, tenant_id)
        target = None if to is None else _target(vocabulary, to)
        store = ProposalStore(session, services.cipher)
        done: list[Proposal] = []
        conflicts: dict[str, str] = {}
        for name in {fold(one): one for one in names}.values():
            known = vocabulary.canonical(name)
            try:
                _refuse_known(name, known)
                mapped_to = target.name if target else None
                one = store.decide(tenant_id, name, verdict, by=by, mapped_to=mapped_to)
                done.append(one)
            except Conflict as error:
                conflicts[name] = str(error)
        if said := _said(done, verdict, target):
            terms = edit(place.layer(session), said)
            keep_edit(session, place, terms, origin="proposal", by=by)
        if done:
            RunStore(session).audit(
                tenant_id,
                actor=by,
                action=f"proposals_{verdict}",
                after={one.name: one.mapped_to or verdict for one in done},
            )
        return Decided(proposals=tuple(done), conflicts=conflicts)

    return await services.database.write(work)


def _target(vocabulary: Vocabulary, name: str) -> Term:
    found = vocabulary.term(name)
    if found is None:
        raise NotFound(f"no term {name[:80]}")
    return found


def _refuse_known(name: str, known: str | None) -> None:
    if known is not None:
        raise Conflict(f"{name[:80]}: is a name of the term {known} by now")


def _said(
    done: Sequence[Proposal], verdict: Verdict, target: Term | None
) -> Sequence[Said]:
    """Return what the decisions say of terms."""
    if target is not None and done:
        synonyms = (*target.synonyms, *(one.name for one in done))
        if len(synonyms) > MOST_SYNONYMS:
            reason = f"a term has at most {MOST_SYNONYMS} synonyms"
            raise TermsRefused([f"{target.name}: {reason}"])
        return [Said(name=target.name, fields={"synonyms": synonyms})]
    return [Said(name=one.name) for one in done if verdict == "accepted"]


def _vocabulary(session: Session, tenant_id: str) -> Vocabulary:
    return Vocabulary.build(TermStore(session).terms(tenant_id))


def _as_seen(one: Proposal, shown: set[str]) -> Proposal:
    is_shown = bool(one.pages) and one.pages[0] in shown
    return one if is_shown else replace(one, evidence="")
