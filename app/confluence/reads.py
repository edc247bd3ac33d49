"""What is read of one tenant's Confluence."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from app.confluence import calls, values
from app.confluence.calls import Node
from app.confluence.exchange import Exchange
from app.confluence.replies import SERVICE, broken_shape
from app.domain.pages import BodyFormat, Comment, ContentProperty, Label, Page, Space
from app.errors import ContractBroken, PageGone, WorkObsolete
from app.usecases.ports import Confluence

#: What a tree may hold, folders and the like among it.
MAX_TREE = 100_000

_CLOUD_ID = re.compile(r"/ex/confluence/([\w-]+)(?:/|\Z)", re.ASCII)


class Reads(Exchange, Confluence):
    """The reading part of `app.usecases.ports.Confluence`."""

    @override
    async def get_page(self, page_id: str, *, live: bool = False) -> Page:
        """Read a page; one that was never published is read as its draft."""
        body_format: BodyFormat = "atlas_doc_format" if live else "storage"
        data = await self._page_or_draft(page_id, body_format)
        page = values.page(data, body_format=body_format)
        if page.status in {"trashed", "deleted"}:
            raise PageGone(f"the page is {page.status}")
        if page.body is None:
            broken_shape(f"a {body_format} body")
        if not values.is_complete(data, "labels"):
            labels = await self._all(calls.page_labels(page_id), values.label)
            page = replace(page, labels=labels)
        if not values.is_complete(data, "properties"):
            call = calls.page_properties(page_id)
            properties = await self._all(call, values.content_property)
            page = replace(page, properties=properties)
        return page

    async def _page_or_draft(self, page_id: str, body_format: BodyFormat) -> Any:
        call = calls.get_page(page_id, body_format)
        try:
            data, _ = await self._ask(call)
        except PageGone:
            # Asked for second: of a published page it would be unpublished edits.
            data, _ = await self._ask(call.with_params(**{"get-draft": "true"}))
            if values.status(data) != "draft":
                raise
        return data

    @override
    async def ancestor_ids(self, page_id: str) -> tuple[str, ...]:
        return await self._all(calls.page_ancestors(page_id), values.identity)

    @override
    async def get_property(self, page_id: str, key: str) -> ContentProperty | None:
        call = calls.page_properties(page_id, key)
        found = await self._all(call, values.content_property)
        return next((item for item in found if item.key == key), None)

    @override
    async def page_comments(self, page_id: str) -> tuple[Comment, ...]:
        return await self._all(calls.page_comments(page_id), values.comment)

    @override
    async def get_comment(self, comment_id: str) -> Comment | None:
        try:
            data, _ = await self._ask(calls.get_comment(comment_id))
        except PageGone:
            return None
        return values.comment(data) if values.status(data) == "current" else None

    @override
    async def tree_page_ids(self, root_id: str) -> AsyncIterator[str]:
        """Walk the ids of a page and all pages below it, level by level.

        What goes away while we walk is passed over; but for the root.

        Raises:
            ContractBroken: There are more than `MAX_TREE` nodes.
        """
        root = Node(kind="page", id=root_id)
        waiting, seen = deque([root]), {root}
        while waiting:
            node = waiting.popleft()
            try:
                below = await self._all(calls.direct_children(node), values.node)
            except WorkObsolete:
                if node is root:
                    raise
                continue
            if node is root:
                yield root_id
            fresh = [one for one in dict.fromkeys(below) if one and one not in seen]
            seen.update(fresh)
            if len(seen) > MAX_TREE:
                raise ContractBroken(SERVICE, f"a tree has over {MAX_TREE} nodes")
            waiting.extend(fresh)
            for one in fresh:
                if one.kind == "page":
                    yield one.id

    @override
    async def search_page_ids(self, cql: str) -> AsyncIterator[str]:
        seen: set[str] = set()
        async for part in self._walk(calls.search_pages(cql)):
            for item in values.results(part):
                page_id = values.found_page_id(item)
                if page_id is not None and page_id not in seen:
                    seen.add(page_id)
                    yield page_id

    @override
    async def get_space(self, space_id: str) -> Space:
        data, _ = await self._ask(calls.get_space(space_id))
        return values.space(data)

    @override
    async def spaces(self) -> AsyncIterator[Space]:
        async for part in self._walk(calls.spaces()):
            for item in values.results(part):
                yield values.space(item)

    @override
    async def space_pages(self, space_id: str) -> AsyncIterator[Page]:
        async for part in self._walk(calls.space_pages(space_id)):
            site = values.site_of(part)
            for item in values.results(part):
                yield values.page(item, body_format="storage", site=site)

    @override
    async def pages_titled(self, space_id: str, title: str) -> tuple[str, ...]:
        return await self._all(calls.pages_titled(space_id, title), values.identity)

    @override
    async def space_labels(self, space_id: str) -> AsyncIterator[Label]:
        async for part in self._walk(calls.space_labels(space_id)):
            for item in values.results(part):
                yield values.label(item)

    @override
    async def label_page_ids(self, label_id: str) -> AsyncIterator[str]:
        """Walk the ids of pages that carry a label; an unused label has none.

        A label ends to exist with its last use, so "not found" is no error.
        """
        try:
            async for part in self._walk(calls.label_pages(label_id)):
                for item in values.results(part):
                    yield values.identity(item)
        except WorkObsolete:
            return

    @override
    async def current_account_id(self) -> str:
        data, _ = await self._ask(calls.current_user())
        return values.identity(data, "accountId")

    @override
    async def cloud_id(self) -> str:
        if self._access.host == "forge":
            found = _CLOUD_ID.match(urlsplit(self._access.base_url).path)
            return found[1] if found else broken_shape("a cloud id in the base URL")
        data, _ = await self._ask(calls.tenant_info())
        return values.identity(data, "cloudId")

    @override
    async def connect_client_key(self, app_key: str) -> str | None:
        try:
            data, _ = await self._ask(calls.connect_client_key(app_key))
        except (WorkObsolete, ContractBroken):
            # No Connect installation, no scope, or Connect has ended: nothing to link.
            return None
        return values.identity(data, "value")
