"""People's changes to the vocabulary: terms added, changed and removed, site and space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.domain.vocabulary.editing import Edit, Layer, edit
from app.domain.vocabulary.saying import Said, patch_of, read_text, told
from app.domain.vocabulary.terms import TermPatch
from app.errors import TermsRefused
from app.store.policies import PolicyStore
from app.store.refusals import RefusalStore
from app.store.runs import RunStore
from app.store.terms import Origin, TermStore
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.vocabularies import vocabulary_of

Row = Mapping[str, Any]

#: Names that one audit row lists.
_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a vocabulary is edited: on a site, or in one of its spaces."""

    tenant_id: str
    space_key: str | None = None

    def space_id(self, session: Session) -> str:
        """Return the space's id; empty for the site.

        Raises:
            NotFound: There is no such tenant, or no such space on its site.
        """
        require_tenant(session, self.tenant_id)
        if self.space_key is None:
            return ""
        return PolicyStore(session).space_named(self.tenant_id, self.space_key)

    def layer(self, session: Session) -> Layer:
        """Return its terms as they can be edited."""
        space_id = self.space_id(session)
        store = TermStore(session)
        site = store.terms(self.tenant_id)
        if not space_id:
            return Layer(here={term.name: patch_of(term) for term in site})
        patches = store.patches(self.tenant_id, space_id)
        return Layer(
            here={one.name: one for one in patches},
            below={term.name: term for term in site},
        )


Make = Callable[[Session, Layer], Edit]


async def open_place(services: Services, place: Place) -> None:
    """Make sure of a place, and that a site has the terms that its people use.

    Raises:
        NotFound: There is no such tenant or space.
    """
    await services.database.read(place.space_id)
    await vocabulary_of(services, place.tenant_id, "")


async def set_term(
    services: Services,
    place: Place,
    name: str,
    pairs: Sequence[tuple[str, str]],
    *,
    by: str,
) -> Edit:
    """Add a term or change it, as a person typed its fields; an empty one is taken back.

    Raises:
        NotFound: There is no such tenant or space.
        TermsRefused: Some of it cannot be; all problems are told.
    """
    said = Said(name=name.strip(), fields=_fields(name, pairs))
    return await change_terms(
        services,
        place,
        lambda _, layer: edit(layer, [said]),
        origin="person",
        action="term_set",
        by=by,
    )


async def remove_terms(
    services: Services, place: Place, names: Sequence[str], *, by: str
) -> tuple[Edit, Sequence[str]]:
    """Remove terms of a site, or take back all that a space says of them.

    A term that is removed from a site does not come back by itself: neither is it
    proposed again, nor learned from pages. Return the edit, and the keys of spaces that
    still say something of these terms.

    Raises:
        NotFound: There is no such tenant or space.
        TermsRefused: Some of them are not there, or stand above others.
    """
    done = await change_terms(
        services,
        place,
        lambda _, layer: edit(layer, removed=names),
        origin="person",
        action="terms_removed",
        by=by,
    )
    if place.space_key is not None:
        return done, ()
    return done, await services.database.read(
        lambda s: _still_said(s, place.tenant_id, done.removed)
    )


async def change_terms(
    services: Services,
    place: Place,
    make: Make,
    *,
    origin: Origin,
    action: str,
    by: str,
    more: Mapping[str, Any] | None = None,
) -> Edit:
    """Make an edit and keep it.

    It is worked out beforehand, so that a large one holds nobody up, and worked out
    anew only if the vocabulary has changed in between.

    Args:
        services: The bundle.
        place: Where.
        make: Works the edit out.
        origin: Of terms that are new.
        action: The audit's word for it.
        by: Who does it.
        more: What the audit is told besides.
    """

    def prepare(session: Session) -> tuple[int, Edit]:
        version = TermStore(session).version(place.tenant_id)
        return version, make(session, place.layer(session))

    await open_place(services, place)
    seen, prepared = await services.database.read(prepare)

    def work(session: Session) -> Edit:
        store = TermStore(session)
        # Whoever else changes the vocabulary waits from here on.
        store.changed(place.tenant_id)
        is_fresh = store.version(place.tenant_id) == seen + 1
        done = prepared if is_fresh else make(session, place.layer(session))
        keep_edit(session, place, done, origin=origin, by=by)
        if done.kept or done.removed:
            audit_edit(session, place, done, action=action, by=by, more=more or {})
        return done

    return await services.database.write(work)


def keep_edit(
    session: Session, place: Place, done: Edit, *, origin: Origin, by: str
) -> None:
    """Write an edit down, within somebody's transaction."""
    tenant_id, space_id = place.tenant_id, place.space_id(session)
    store, refusals = TermStore(session), RefusalStore(session)
    store.remove(tenant_id, space_id, done.removed)
    if space_id:
        store.put_all(tenant_id, space_id, done.kept, origin=origin)
    else:
        terms = [patch.over(None) for patch in done.kept]
        store.put_all(tenant_id, space_id, terms, origin=origin)
        refusals.add(tenant_id, done.removed, by=by)
    # What a person says now goes over a no that was said before.
    names = [name for one in done.kept for name in (one.name, *(one.synonyms or ()))]
    refusals.lift(tenant_id, names)


def audit_edit(
    session: Session,
    place: Place,
    done: Edit,
    *,
    action: str,
    by: str,
    more: Mapping[str, Any],
) -> None:
    """Record who changed which terms, with what was before and after."""
    touched = (*done.added, *done.changed, *done.removed)
    listed = touched[:_LISTED]
    RunStore(session).audit(
        place.tenant_id,
        actor=by,
        action=action,
        before={"space": place.space_key, "terms": _told(done.before, listed)},
        after={
            "space": place.space_key,
            "terms": _told(done.after, listed),
            "added": len(done.added),
            "changed": len(done.changed),
            "removed": len(done.removed),
            **more,
        },
    )


def _told(patches: Mapping[str, TermPatch], names: Sequence[str]) -> dict[str, Row]:
    return {name: told(patches[name]) for name in names if name in patches}


def _fields(name: str, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for key, text in pairs:
        try:
            fields[key] = read_text(key, text)
        except ValueError as error:
            problems.append(f"{name[:80]}: {key[:40]}: {error}")
    if problems:
        raise TermsRefused(problems)
    return fields


def _still_said(
    session: Session, tenant_id: str, names: Sequence[str]
) -> Sequence[str]:
    policies = PolicyStore(session)
    return [
        policies.space_key(tenant_id, space_id) or space_id
        for space_id in TermStore(session).speaking(tenant_id, names)
    ]
