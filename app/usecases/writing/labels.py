"""Puts labels on a page and takes labels of ours off again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.orm import Session

from app.domain.changes import OURS, THEIRS
from app.domain.plans import withdrawn_labels
from app.errors import AppError, Unavailable
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.usecases.writing.work import Target, Write


async def add_labels(target: Target, writes: Sequence[Write]) -> None:
    """Put labels on the page in one call.

    They are noted as planned before they are sent: if this process dies in between,
    the next one knows them for ours.
    """
    wanted = [one for one in writes if not _settled(target, one)]
    if not wanted:
        return
    kept = await target.services.database.write(partial(_note, target, wanted))
    for one in wanted:
        if one.change.value not in kept:
            one.skip("tombstone")
    names = [one.change.value for one in wanted if one.is_open]
    if not names:
        return
    try:
        present = await target.confluence.add_labels(target.page.id, names)
    except Unavailable:
        # It may have been done: the next reading of the page will tell.
        raise
    except AppError:
        # A plain no: nothing was written, and a person who puts one of these there
        # later must not find it taken for ours.
        await _take_back(target, names)
        raise
    target.page = replace(target.page, labels=present)
    standing = target.labels
    await _take_back(target, [one for one in names if one not in standing])
    for one in wanted:
        if one.is_open and one.change.value in standing:
            one.apply()
        elif one.is_open:
            one.skip("refused_by_site")
    added = sum(one.outcome == "applied" for one in wanted)
    target.services.metrics.labels_written.inc(added)


async def _take_back(target: Target, names: Sequence[str]) -> None:
    if names:
        await target.services.database.write(
            lambda s: LedgerStore(s).take_back(target.tenant_id, target.page.id, names)
        )


def _settled(target: Target, one: Write) -> bool:
    """Whether nothing is to be sent: it stands there, or must never stand there."""
    label = one.change.value
    if label in target.labels:
        if one.was_sent:
            one.apply()
        else:
            one.skip("already_there")
    elif not _is_in_vocabulary(target, one):
        one.skip("not_in_vocabulary")
    return not one.is_open


def _is_in_vocabulary(target: Target, one: Write) -> bool:
    """Whether the label may be written by the vocabulary as it is now.

    People may have written what they alone may put, and have back what was there.
    """
    vocabulary, label = target.vocabulary, one.change.value
    if one.undoes:
        return True
    term = vocabulary.terms.get(label)
    if one.authority == "person" and term is not None:
        return not term.excluded
    return vocabulary.may_choose(label)


def _note(target: Target, wanted: Sequence[Write], session: Session) -> set[str]:
    # What people had put there, and we took off for them, is not ours when it returns.
    theirs = [one for one in wanted if one.change.before == THEIRS]
    allowed = _not_buried(target, theirs, session)
    memory = MemoryStore(session)
    for label in sorted(allowed):
        memory.change_label(target.tenant_id, target.page.id, label, present=True)
    ours = {
        one.change.value: one.change.confidence for one in wanted if one not in theirs
    }
    kept = LedgerStore(session).plan(
        target.tenant_id,
        target.page.id,
        ours,
        vocabulary=target.vocabulary,
        present=target.labels,
        again=[
            one.change.value
            for one in wanted
            if one.undoes or one.change.before == OURS
        ],
    )
    return kept | allowed


def _not_buried(target: Target, wanted: Sequence[Write], session: Session) -> set[str]:
    """Return labels that no person took off, by this name or another of it.

    What takes something back may bring them back: it was not there for a while only.
    """
    known = LedgerStore(session).labels(target.tenant_id, target.page.id)
    buried = [label for label, state in known.items() if state == "withdrawn"]
    buried += withdrawn_labels(known, target.labels)
    same = target.vocabulary.same
    return {
        one.change.value
        for one in wanted
        if one.undoes or not any(same(one.change.value, label) for label in buried)
    }


def is_replaced(one: Write) -> bool:
    """Whether a label goes only where another stands for it."""
    return isinstance(one.change.before, Mapping)


async def remove_labels(target: Target, writes: Sequence[Write]) -> None:
    """Take labels off the page, one call each; some of them only if they are ours."""
    for one in writes:
        label = one.change.value
        if label not in target.labels:
            whose_was = await target.services.database.read(_whose(target, label))
            if one.was_sent and whose_was is not None:
                one.apply(whose_was)
            else:
                one.skip("not_there")
            continue
        into = one.change.before["into"] if is_replaced(one) else None
        if into is not None and into not in target.labels:
            one.skip("not_replaced")
            continue
        whose = await target.services.database.write(partial(_let_go, target, one))
        if whose == THEIRS and one.change.before == OURS:
            one.skip("not_ours")
            continue
        try:
            await target.confluence.remove_label(target.page.id, label)
        except Unavailable:
            raise
        except AppError:
            # A plain no: it stands there still, and whose it is has not changed.
            if whose == OURS:
                await target.services.database.write(partial(_keep, target, label))
            raise
        left = tuple(was for was in target.page.labels or () if was.name != label)
        target.page = replace(target.page, labels=left)
        one.apply(whose)


def _whose(target: Target, label: str) -> Callable[[Session], str | None]:
    """Look up whose a label was that we may have taken off; None if a person did."""

    def work(session: Session) -> str | None:
        known = LedgerStore(session).labels(target.tenant_id, target.page.id)
        if known.get(label, "undone") != "undone":
            # We note that a label of ours goes before it does.
            return None
        return OURS if label in known else THEIRS

    return work


def _let_go(target: Target, one: Write, session: Session) -> str:
    """Note that a label goes, before it does; return whose it was.

    In the other order a crash in between would look as if a person took it off. After
    such a crash what is noted to have gone may stand there still.
    """
    store, label = LedgerStore(session), one.change.value
    state = store.labels(target.tenant_id, target.page.id).get(label)
    if state == "undone" and one.was_sent:
        return OURS
    if state in ("written", "planned"):
        store.settle(
            target.tenant_id, target.page.id, [label], state="undone", run_id=None
        )
        return OURS
    if one.change.before != OURS:
        _take_over(target, one, session)
    return THEIRS


def _keep(target: Target, label: str, session: Session) -> None:
    """Take back that a label of ours goes."""
    LedgerStore(session).settle(
        target.tenant_id,
        target.page.id,
        [label],
        state="written",
        run_id=None,
        only_from="undone",
    )


def _take_over(target: Target, one: Write, session: Session) -> None:
    """Have what stands for a person's label be that person's from now on."""
    page_id, memory = target.page.id, MemoryStore(session)
    memory.change_label(target.tenant_id, page_id, one.change.value, present=False)
    if is_replaced(one):
        into = one.change.before["into"]
        LedgerStore(session).forget(target.tenant_id, page_id, [into])
        memory.change_label(target.tenant_id, page_id, into, present=True)
