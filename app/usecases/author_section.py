"""Plans a change of one section of a page, in such a way that it can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.domain.changes import Change, Estimate
from app.domain.outline.pages import folded_title
from app.domain.pages import Page, Section
from app.errors import Conflict, MalformedPayload, NotFound, PageGone
from app.store.plan_items import NewItem
from app.store.plans import StoredPlan
from app.usecases.page_plans import keep_plan, require_open
from app.usecases.ports import PageMarkup
from app.usecases.section_markup import heading_of, sections_of
from app.usecases.services import Services
from app.usecases.show_plan import require_tenant
from app.usecases.site import open_site

#: What happens to a section: its text is replaced or grows at the end, or it goes.
How = Literal["replace", "append", "remove"]

#: Levels of headings.
LOWEST_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionWish:
    """What should become of a section.

    Attributes:
        heading: Its heading, in any case; empty for what stands before the first one.
            One that is not there becomes a new section at the page's end.
        text: What it should say, or say besides.
        is_storage: Whether the text is storage format rather than plain text.
        level: Of a new section's heading, 1 to 6.
    """

    page_id: str
    heading: str
    how: How = "replace"
    text: str = field(default="", repr=False)
    is_storage: bool = False
    level: int = 2


async def plan_section(
    services: Services, tenant_id: str, wish: SectionWish, *, author: str
) -> StoredPlan:
    """Plan to change a section of a page; all other bytes of it stay.

    Raises:
        MalformedPayload: Nothing is said, or the text would end the section.
        MarkupAmbiguous: The page, or the text, is not well-formed.
        NotFound: No such page; or no such section to remove.
        Conflict: Several sections have that heading, the page says so already, is a
            live doc, is archived, lies where the policy is off; or the change could
            not be taken back byte for byte.
    """
    await services.database.read(lambda s: require_tenant(s, tenant_id))
    async with open_site(services, tenant_id) as (confluence, _, _):
        try:
            page = await confluence.get_page(wish.page_id)
        except PageGone:
            raise NotFound(f"there is no page {wish.page_id}") from None
        spent = Estimate(points=confluence.meter.points)
    await require_open(services, tenant_id, page.space_id)
    change = changed_section(services.markup, page, wish)
    item = NewItem(
        change=change,
        space_id=page.space_id,
        page_version=page.version,
        page_title=page.title,
    )
    plan, _ = await services.database.write(
        lambda s: keep_plan(
            s,
            services,
            tenant_id,
            [item],
            cause="authoring",
            author=author,
            selection={"pages": [page.id]},
            spent=spent,
        )
    )
    return plan


def changed_section(markup: PageMarkup, page: Page, wish: SectionWish) -> Change:
    """Return the change of a page that a wish comes to; see `plan_section`."""
    if page.is_live or page.body is None:
        raise Conflict("a live doc is written by its editors")
    if page.status not in ("current", "draft"):
        raise Conflict(f"the page is {page.status}")
    body = page.body
    sections = markup.sections(body)
    section = _found(sections, wish.heading)
    heading = section.heading if section else " ".join(wish.heading.split())
    after = _after(markup, section, heading, wish)
    before: dict[str, Any] | None = None
    if section is not None:
        before = {"markup": section.markup}
        if after is None and (follower := _follower(sections, section)):
            before["precedes"] = follower
    _require_way_back(markup, body, heading, before, after)
    return Change(
        kind="page_text",
        page_id=page.id,
        value=heading,
        before=before,
        after=None if after is None else {"markup": after},
    )


def _found(sections: Sequence[Section], heading: str) -> Section | None:
    wanted = folded_title(heading)
    found = [one for one in sections if folded_title(one.heading) == wanted]
    if len(found) > 1:
        raise Conflict(f"{len(found)} sections of the page have that heading")
    return found[0] if found else None


def _after(
    markup: PageMarkup, section: Section | None, heading: str, wish: SectionWish
) -> str | None:
    """Return the section as it should be; None if it should not be."""
    if wish.how == "remove":
        if section is None:
            raise NotFound("the page has no section of that heading")
        return None
    content = wish.text if wish.is_storage else markup.from_text(wish.text)
    if not content.strip():
        raise MalformedPayload("section", "nothing is said")
    markup.sections(content)
    if section is None:
        level = wish.level if heading else 0
        title = markup.from_text(f"{'#' * level} {heading}") if heading else ""
        after = title + content
    else:
        level = section.level
        kept = heading_of(markup, section) if wish.how == "replace" else section.markup
        after = kept + content
    _require_one_section(markup, after, heading, level)
    return after


def _require_one_section(
    markup: PageMarkup, after: str, heading: str, level: int
) -> None:
    found = sections_of(markup, after)
    first = found[0] if found else None
    if first is None or (first.heading, first.level, first.markup) != (
        heading,
        level,
        after,
    ):
        reason = "its text has a heading that would end it: use ones of a lower level"
        if not level:
            reason = "what stands before the first heading has none itself"
        raise MalformedPayload("section", reason)


def _follower(sections: Sequence[Section], section: Section) -> str:
    """Return the heading of the next section that does not lie in this one."""
    behind = sections[sections.index(section) + 1 :]
    return next((one.heading for one in behind if one.level <= section.level), "")


def _require_way_back(
    markup: PageMarkup,
    body: str,
    heading: str,
    before: dict[str, Any] | None,
    after: str | None,
) -> None:
    """Refuse a change that says nothing new, or that no undo could take back."""
    written = markup.with_section(body, heading, after)
    if written == body:
        raise Conflict("the page says so already")
    told = before or {}
    back = markup.with_section(
        written, heading, told.get("markup"), precedes=told.get("precedes", "")
    )
    if back != body:
        raise Conflict("the page's layout would not let it be taken back exactly")
