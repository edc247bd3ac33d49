"""Product events of Connect: webhooks, one route an event.

The body does not name its event, carries no page text, and may come late, twice or
never: it is a hint to read the page.
https://developer.atlassian.com/cloud/confluence/modules/webhook/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from app.domain.events import (
    IgnoredEvent,
    LabelEvent,
    PageEvent,
    PageVerb,
    ProductEvent,
)
from app.domain.payloads import Fields
from app.errors import MalformedPayload

_PAGE_VERBS: Mapping[str, PageVerb] = {
    "page_created": "created",
    "page_updated": "updated",
    "page_trashed": "trashed",
    "page_removed": "removed",
    "page_restored": "restored",
    "page_moved": "moved",
}
_LABEL_VERBS: Mapping[str, Literal["added", "removed"]] = {
    "label_added": "added",
    "label_removed": "removed",
}

#: Every event that has a route, in the order of the descriptor.
WEBHOOK_EVENTS: tuple[str, ...] = (*_PAGE_VERBS, *_LABEL_VERBS)


def parse_webhook(event: str, body: bytes) -> ProductEvent:
    """Read the body that came to the route of `event`.

    Raises:
        MalformedPayload: An event without a route, or a body without its page
            or label.
    """
    if event not in WEBHOOK_EVENTS:
        raise MalformedPayload("webhook", "unknown event")
    fields = Fields.from_body(body, what=f"{event} webhook")
    if event in _PAGE_VERBS:
        return _page_event(_PAGE_VERBS[event], fields)
    return _label_event(_LABEL_VERBS[event], fields)


def _page_event(verb: PageVerb, fields: Fields) -> ProductEvent:
    page = fields.object("page")
    if not _is_page(page):
        return IgnoredEvent(host="connect", name=f"page_{verb}")
    return PageEvent(
        host="connect",
        verb=verb,
        page_id=page.content_id("idAsString", "id"),
        version=page.version("version"),
        space_id=page.optional_id("spaceId"),
        space_key=page.optional_text("spaceKey"),
        account_id=fields.optional_text("userAccountId"),
        live=page.optional_text("subType") == "live",
        occurred_at=fields.moment_of_millis("timestamp"),
    )


def _label_event(verb: Literal["added", "removed"], fields: Fields) -> ProductEvent:
    label = fields.object("label")
    name = label.text("name")
    labeled = fields.object("labeled")
    if not _is_page(labeled):
        return IgnoredEvent(host="connect", name=f"label_{verb}")
    return LabelEvent(
        host="connect",
        verb=verb,
        page_id=labeled.content_id("idAsString", "id"),
        label=name,
        prefix=label.optional_text("prefix") or "global",
        account_id=fields.optional_text("userAccountId"),
        occurred_at=fields.moment_of_millis("timestamp"),
    )


def _is_page(content: Fields) -> bool:
    # Older bodies name no type; the worker finds out when it reads the page.
    kind = content.optional_text("contentType") or content.optional_text("type")
    return kind is None or kind == "page"
