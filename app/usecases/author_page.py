"""Plans a new page: from a template, or from what an outline says is missing.

A draft unless somebody wants it published. Nothing is written to the site here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.domain.changes import Change, Estimate
from app.domain.pages import Page
from app.domain.templates import (
    checked_title,
    fill,
    fill_title,
    placeholders,
    require,
)
from app.errors import Conflict, MalformedPayload, NotFound, PageGone
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore, StoredPlan
from app.store.policies import PolicyStore
from app.usecases.page_plans import keep_plan, require_open
from app.usecases.ports import Confluence, PageMarkup
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.site import open_site


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPageWish:
    """A page that somebody wants; of the first three one says what it is made of.

    Attributes:
        template_id: A page of the site.
        template: A template's text.
        proposal: An item of an outline's plan.
        is_storage: Whether `template` is storage format rather than plain text.
        values: What the placeholders stand for.
        title: Its title, perhaps with placeholders; None takes the template's.
        space_key: Its space; None takes the parent's, or the template's.
        parent_id: What it hangs below; None takes the proposal's, or the homepage.
        publish: Whether it is published at once.
    """

    template_id: str | None = None
    template: str | None = field(default=None, repr=False)
    proposal: int | None = None
    is_storage: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    title: str | None = None
    space_key: str | None = None
    parent_id: str | None = None
    publish: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a page is made of, and where it would stand if nobody says otherwise."""

    title: str
    body: str = field(repr=False)
    space_id: str | None = None
    parent_id: str | None = None


async def plan_new_page(
    services: Services, tenant_id: str, wish: NewPageWish, *, author: str
) -> StoredPlan:
    """Plan to make a page.

    Raises:
        MalformedPayload: Values are missing or unknown (all are told), the title cannot
            be, or it is not said where the page should stand.
        MarkupAmbiguous: The template is not well-formed.
        NotFound: There is no such template, parent, space or proposal.
        Conflict: The title is taken, the policy of the space is off, the parent is
            archived, the template is a live doc, or the proposal was decided already.
    """
    named = (wish.template_id, wish.template, wish.proposal)
    if sum(one is not None for one in named) != 1:
        reason = "name a template page, a template's text or a proposal; one of them"
        raise MalformedPayload("new page", reason)
    await services.database.read(lambda s: require_tenant(s, tenant_id))
    async with open_site(services, tenant_id) as (confluence, _, _):
        source = await _source(services, confluence, tenant_id, wish)
        space_id, parent_id = await _place(
            services, confluence, tenant_id, wish, source
        )
        await require_open(services, tenant_id, space_id)
        if await confluence.pages_titled(space_id, source.title):
            raise Conflict(f"the space has a page titled “{source.title}” already")
        spent = Estimate(points=confluence.meter.points)
    wanted = {
        "space_id": space_id,
        "parent_id": parent_id,
        "title": source.title,
        "status": "current" if wish.publish else "draft",
        "body": source.body,
    }

    def work(session: Session) -> StoredPlan:
        if wish.proposal is not None:
            _take(session, services, tenant_id, wish.proposal)
        item = NewItem(
            change=Change(kind="page_create", page_id=None, after=wanted),
            space_id=space_id,
            page_title=source.title,
        )
        plan, _ = keep_plan(
            session,
            services,
            tenant_id,
            [item],
            cause="authoring",
            author=author,
            selection=_told(wish),
            spent=spent,
        )
        return plan

    return await services.database.write(work)


def _told(wish: NewPageWish) -> dict[str, Any]:
    if wish.template_id is not None:
        return {"template": [wish.template_id]}
    return {"proposal": [wish.proposal]} if wish.proposal is not None else {}


def _take(session: Session, services: Services, tenant_id: str, item_id: int) -> None:
    """Let the new plan stand for a proposal, unless somebody decided meanwhile."""
    store = PlanItemStore(session, services.cipher)
    if not store.set_state(tenant_id, [item_id], "superseded", only_from=["waiting"]):
        raise Conflict(f"item {item_id} does not wait any more")


# ------------------------------------------------------------------- what it is made of


async def _source(
    services: Services, confluence: Confluence, tenant_id: str, wish: NewPageWish
) -> _Source:
    if wish.proposal is not None:
        return await _proposed(services, tenant_id, wish, wish.proposal)
    if wish.template_id is not None:
        page = await _template(confluence, wish.template_id)
        return _filled(
            services.markup, wish, page.title, page.body or "", page.space_id
        )
    body = wish.template or ""
    if not wish.is_storage:
        # Made markup first: what a value begins with makes no heading and no list.
        body = services.markup.from_text(body)
    if wish.title is None:
        raise MalformedPayload("title", "a template's text has none: name one")
    return _filled(services.markup, wish, wish.title, body, None)


def _filled(
    markup: PageMarkup, wish: NewPageWish, title: str, body: str, space_id: str | None
) -> _Source:
    pattern = title if wish.title is None else wish.title
    # What is not well-formed is told before anything is looked for in it.
    markup.sections(body)
    wanted = dict.fromkeys((*placeholders(pattern), *placeholders(body)))
    require(tuple(wanted), wish.values)
    return _Source(
        title=fill_title(pattern, wish.values),
        body=fill(body, wish.values),
        space_id=space_id,
    )


async def _template(confluence: Confluence, page_id: str) -> Page:
    try:
        page = await confluence.get_page(page_id)
    except PageGone:
        raise NotFound(f"there is no page {page_id} to take for a template") from None
    if page.is_live:
        raise Conflict("a live doc cannot be a template: it has no storage format")
    return page


async def _proposed(
    services: Services, tenant_id: str, wish: NewPageWish, item_id: int
) -> _Source:
    def work(session: Session) -> Any:
        item = PlanItemStore(session, services.cipher).item(tenant_id, item_id).item
        return item, PlanStore(session).plan(tenant_id, item.plan_id).cause

    item, cause = await services.database.read(work)
    if cause != "structure" or item.change.kind != "page_create":
        raise NotFound(f"item {item_id} proposes no page")
    if item.state != "waiting":
        raise Conflict(f"item {item_id} is {item.state}")
    require((), wish.values)
    proposed = item.change.after
    return _Source(
        title=checked_title(wish.title or proposed["title"]),
        body=proposed["body"],
        space_id=proposed["space_id"],
        parent_id=proposed["parent_id"],
    )


# --------------------------------------------------------------------- where it stands


async def _place(
    services: Services,
    confluence: Confluence,
    tenant_id: str,
    wish: NewPageWish,
    source: _Source,
) -> tuple[str, str | None]:
    """Return the space and the parent, None for the homepage."""
    space_id = None
    if (key := wish.space_key) is not None:
        space_id = await services.database.read(
            lambda s: PolicyStore(s).space_named(tenant_id, key)
        )
    parent_id = wish.parent_id
    if parent_id is None and space_id in (None, source.space_id):
        parent_id = source.parent_id
    if parent_id is not None:
        return await _below(confluence, parent_id, space_id), parent_id
    if found := space_id or source.space_id:
        return found, None
    raise MalformedPayload("new page", "name a space or a parent")


async def _below(confluence: Confluence, parent_id: str, space_id: str | None) -> str:
    """Return the space of a parent that can have pages below it."""
    try:
        parent = await confluence.get_page(parent_id)
    except PageGone:
        raise NotFound(f"there is no page {parent_id} to hang it below") from None
    if parent.status != "current":
        raise Conflict(f"page {parent_id} is {parent.status}: nothing hangs below it")
    if space_id not in (None, parent.space_id):
        raise MalformedPayload("new page", "the parent stands in another space")
    return parent.space_id
