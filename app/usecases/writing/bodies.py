"""Writes a new version of a page: excerpt block, sections, title, place; in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.pages import Page
from app.errors import AppError, MarkupAmbiguous, Unavailable, WriteRefused
from app.store.ledger import LedgerStore
from app.usecases.ports import PageMarkup
from app.usecases.writing.work import Target, Write

#: What the page's history says of our versions.
MESSAGE = "Confluence AI"


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The page as it will be."""

    title: str
    body: str
    parent_id: str | None


async def write_version(target: Target, writes: Sequence[Write]) -> None:
    """Write all changes of body, title and place as one version.

    Each is made only where the page still says what it said when planned. Should the
    site refuse the version, none of them is made.

    Raises:
        VersionConflict: Somebody wrote in between.
    """
    page = target.page
    if page.body is None or page.body_format != "storage" or page.is_live:
        for one in writes:
            one.skip("live_page")
        return
    draft = _Draft(title=page.title, body=page.body, parent_id=page.parent_id)
    made = [one for one in writes if _edit(target.services.markup, draft, one)]
    if not made:
        return
    try:
        target.page = await _send(target, page, draft)
    except WriteRefused as error:
        for one in made:
            one.skip("refused_by_site")
            one.after = str(error)
        return
    for one in made:
        one.apply()


async def _send(target: Target, page: Page, draft: _Draft) -> Page:
    database, tenant_id = target.services.database, target.tenant_id
    # A draft stays at its first version until somebody publishes it.
    version = page.version + (page.status != "draft")
    # Noted before it is sent: the event of this version is our own.
    is_new = await database.write(
        lambda s: LedgerStore(s).note_version(tenant_id, page.id, version)
    )
    moved = draft.parent_id if draft.parent_id != page.parent_id else None
    try:
        return await target.confluence.update_page(
            page,
            title=draft.title,
            body=draft.body,
            parent_id=moved,
            message=MESSAGE,
        )
    except Unavailable:
        # It may have been done: then its event is our own.
        raise
    except AppError:
        # A plain no: the version of that number is, or will be, a person's.
        if is_new:
            await database.write(
                lambda s: LedgerStore(s).forget_version(tenant_id, page.id, version)
            )
        raise


def _edit(markup: PageMarkup, draft: _Draft, one: Write) -> bool:
    """Work one change into the draft; False if there is nothing to write of it."""
    try:
        now = _said(markup, draft, one)
        if _is_same(markup, now, one.change.after):
            if one.was_sent:
                one.apply()
            else:
                one.skip("already_there")
        elif not _is_same(markup, now, one.change.before):
            one.skip("changed_since")
        else:
            _make(markup, draft, one)
    except MarkupAmbiguous:
        one.skip("markup")
    return one.is_open


_Words = dict[str, str | None]


def _is_same(markup: PageMarkup, now: _Words | None, said: _Words | None) -> bool:
    """Whether what stands there is what was said, but for what the site adds."""
    if now is None or said is None or "markup" not in said:
        return now == said
    return markup.same(now["markup"] or "", said["markup"] or "")


def _said(markup: PageMarkup, draft: _Draft, one: Write) -> _Words | None:
    """Return what stands where the change would write, in the form of its `before`."""
    change = one.change
    if change.kind == "page_title":
        return {"title": draft.title}
    if change.kind == "page_move":
        return {"parent_id": draft.parent_id}
    if change.kind == "excerpt":
        text = markup.excerpt(draft.body, change.value)
        return None if text is None else {"text": text}
    found = [
        section.markup
        for section in markup.sections(draft.body)
        if section.heading == change.value
    ]
    if len(found) > 1:
        raise MarkupAmbiguous(f"{len(found)} sections have one heading")
    return {"markup": found[0]} if found else None


def _make(markup: PageMarkup, draft: _Draft, one: Write) -> None:
    change, after = one.change, one.change.after
    if change.kind == "page_title":
        draft.title = after["title"]
    elif change.kind == "page_move":
        draft.parent_id = after["parent_id"]
    elif change.kind == "excerpt":
        text = None if after is None else after["text"]
        draft.body = markup.with_excerpt(draft.body, change.value, text)
    else:
        section = None if after is None else after["markup"]
        precedes = "" if after is None else after.get("precedes", "")
        draft.body = markup.with_section(
            draft.body, change.value, section, precedes=precedes
        )
