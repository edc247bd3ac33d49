"""What can be said at the foot of pages."""

from __future__ import annotations

from sandbox import permissions, storage
from sandbox.model import Comment, Page, Version
from sandbox.principals import Principal
from sandbox.refusals import CommentMissing, PageMissing, VersionStale
from sandbox.site_state import SiteState


class CommentChanges(SiteState):
    """The verbs of footer comments.

    Who may see a page but not write there is told that there is nothing, as in the
    documents of REST v2: only pages answer "forbidden".
    """

    def comment(self, comment_id: str, actor: Principal) -> Comment:
        """Return a comment on a page that `actor` may see.

        Raises:
            CommentMissing: There is none, or its page lies in the bin.
        """
        comment = self.comments.get(comment_id)
        if comment is None:
            raise CommentMissing(comment_id)
        try:
            page = self.page(comment.page_id, actor)
        except PageMissing as error:
            raise CommentMissing(comment_id) from error
        if not page.is_listed:
            raise CommentMissing(comment_id)
        return comment

    def comments_of(self, page: Page) -> list[Comment]:
        """Return the comments on a page, oldest first."""
        return [one for one in self.comments.values() if one.page_id == page.id]

    def add_comment(self, page_id: str, body: str, actor: Principal) -> Comment:
        """Write a footer comment.

        Raises:
            PageMissing: It is not there for this actor to comment on.
            Malformed: The body cannot be taken.
        """
        page = self.page(page_id, actor)
        if not page.is_listed or not permissions.may_write(self, actor):
            raise PageMissing(page_id)
        storage.check(body)
        comment = Comment(id=str(next(self._comment_numbers)), page_id=page.id)
        comment.versions.append(self._comment_version(1, page, body, actor))
        self.comments[comment.id] = comment
        return comment

    def update_comment(
        self, comment_id: str, body: str, actor: Principal, *, version: int
    ) -> Comment:
        """Write the next version of a comment; nobody writes those of others.

        Raises:
            CommentMissing: It is not there for this actor to change.
            VersionStale: `version` is not the current number plus one.
            Malformed: The body cannot be taken.
        """
        comment = self.comment(comment_id, actor)
        if comment.author_id != actor.account_id:
            raise CommentMissing(comment_id)
        current = comment.latest.number
        if version != current + 1:
            raise VersionStale("comment", current=current, provided=version)
        storage.check(body)
        page = self.pages[comment.page_id]
        comment.versions.append(self._comment_version(version, page, body, actor))
        return comment

    def delete_comment(self, comment_id: str, actor: Principal) -> None:
        """Delete a comment for good: one's own, or as an administrator anybody's.

        Raises:
            CommentMissing: It is not there for this actor to delete.
        """
        comment = self.comment(comment_id, actor)
        if comment.author_id != actor.account_id and not permissions.is_admin(
            self, actor
        ):
            raise CommentMissing(comment_id)
        del self.comments[comment_id]

    def _comment_version(
        self, number: int, page: Page, body: str, actor: Principal
    ) -> Version:
        return Version(
            number=number,
            title=f"Re: {page.title}",
            body=storage.rewrite(body, new_id=self._new_macro_id),
            author_id=actor.account_id,
            at=self.clock(),
            app=actor.app,
        )
