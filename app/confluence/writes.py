"""What is written to one tenant's Confluence.

A write is repeated only where a second one does no harm: a version that landed
unheard is refused the second time, so a conflict is looked into before it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from app.confluence import calls, values
from app.confluence.call import Call
from app.confluence.markup_tree import is_same_markup
from app.confluence.reads import Reads
from app.confluence.replies import SERVICE
from app.domain.pages import Comment, ContentProperty, Label, NewPage, Page
from app.errors import PageGone, VersionConflict, WriteRefused


class Writes(Reads):
    """The writing part of `app.usecases.ports.Confluence`."""

    @override
    async def add_labels(self, page_id: str, names: Sequence[str]) -> tuple[Label, ...]:
        if not names:
            return await self._all(calls.page_labels(page_id), values.label)
        data, _ = await self._ask(calls.add_labels(page_id, names))
        return tuple(values.label(item) for item in values.results(data))

    @override
    async def remove_label(self, page_id: str, name: str) -> None:
        await self._ask(calls.remove_label(page_id, name))

    @override
    async def put_property(
        self, page_id: str, key: str, value: Any, *, current: ContentProperty | None
    ) -> ContentProperty:
        data, _ = await self._ask(calls.put_property(page_id, key, value, current))
        return values.content_property(data)

    @override
    async def delete_property(self, page_id: str, current: ContentProperty) -> None:
        await self._delete(calls.delete_property(page_id, current.id))

    @override
    async def update_page(
        self,
        page: Page,
        *,
        title: str | None = None,
        body: str | None = None,
        parent_id: str | None = None,
        message: str,
    ) -> Page:
        wanted = calls.next_page(page, title=title, body=body, parent_id=parent_id)
        moves = parent_id is not None
        try:
            data, _ = await self._ask(calls.update_page(wanted, message, moves=moves))
        except VersionConflict:
            return await self._landed(wanted, moves=moves)
        except PageGone:
            # The page, or the parent it should get: only the site knows.
            await self.get_page(page.id)
            raise WriteRefused("the page cannot stand there: no such parent") from None
        written = values.page(data, body_format="storage")
        if written.version < wanted.version:
            # Somebody had put the page in the bin, and an update restores it, its
            # content unchanged. There it goes again: a person wins.
            await self._delete(calls.trash_page(page.id))
            raise PageGone("the page is trashed")
        return written

    async def _landed(self, wanted: Page, *, moves: bool) -> Page:
        """Return the page if it is what we were about to write, written by us.

        Raises:
            VersionConflict: It is not.
        """
        found = await self.get_page(wanted.id)
        if (
            (found.version, found.title) == (wanted.version, wanted.title)
            and (not moves or found.parent_id == wanted.parent_id)
            and is_same_markup(found.body or "", wanted.body or "")
            and found.version_author_id == await self.current_account_id()
        ):
            return found
        raise VersionConflict(SERVICE, "somebody wrote in between")

    @override
    async def create_page(self, draft: NewPage) -> Page:
        try:
            data, _ = await self._ask(calls.create_page(draft))
        except PageGone:
            raise WriteRefused("no such space, or no such parent in it") from None
        return values.page(data, body_format="storage")

    @override
    async def trash_page(self, page_id: str) -> None:
        if await self._delete(calls.trash_page(page_id)):
            return
        try:
            page = await self.get_page(page_id)
        except PageGone:
            return
        # Never asked for without looking: of a published page this would throw away
        # what somebody is just writing.
        if page.status == "draft":
            await self._delete(calls.discard_draft(page_id))

    @override
    async def add_comment(self, page_id: str, body: str) -> Comment:
        data, _ = await self._ask(calls.add_comment(page_id, body))
        return values.comment(data)

    @override
    async def update_comment(self, comment: Comment, body: str) -> Comment:
        try:
            data, _ = await self._ask(calls.update_comment(comment, body))
        except VersionConflict:
            found = await self.get_comment(comment.id)
            if found is None or found.version != comment.version + 1:
                raise
            if not is_same_markup(found.body, body):
                raise
            return found
        except PageGone:
            raise VersionConflict(SERVICE, "the comment is gone") from None
        return values.comment(data)

    @override
    async def delete_comment(self, comment_id: str) -> None:
        await self._delete(calls.delete_comment(comment_id))

    async def _delete(self, call: Call) -> bool:
        """Delete something; return whether it was there."""
        try:
            await self._ask(call)
        except PageGone:
            return False
        return True
