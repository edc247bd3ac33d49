"""Protocols for what is not ours: the site's REST API, page formats, host keys.

Errors are those of `app.errors`; a vendor's exception never crosses these doors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from typing_extensions import override

from app.domain.events import Host
from app.domain.pages import (
    Comment,
    ContentProperty,
    Label,
    NewPage,
    Page,
    PageText,
    Section,
    Space,
)


@dataclass(slots=True)
class PointsMeter:
    """Requests made and points spent by one piece of work, as we count them.

    One point a request and one for each object returned, two for identity
    objects; writes cost one.
    https://developer.atlassian.com/cloud/confluence/rate-limiting/
    """

    requests: int = 0
    points: int = 0

    def since(self, before: PointsMeter) -> PointsMeter:
        """Return what came on top of an earlier copy."""
        return PointsMeter(
            requests=self.requests - before.requests, points=self.points - before.points
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAccess:
    """How to reach one tenant's site as the app.

    Attributes:
        base_url: Where REST paths hang: `https://SITE/wiki` for Connect,
            `https://api.atlassian.com/ex/confluence/{cloudId}/wiki` for Forge.
        secret: The Connect shared secret, or the Forge system token.
        app_key: Issuer of our Connect tokens; unused for Forge.
    """

    host: Host
    base_url: str
    secret: str
    app_key: str

    @override
    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"SiteAccess(host={self.host!r}, base_url={self.base_url!r})"


class Confluence(Protocol):
    """One tenant's site as the app user sees it."""

    @property
    def meter(self) -> PointsMeter:
        """What this client has cost so far."""
        ...

    async def get_page(self, page_id: str, *, live: bool = False) -> Page:
        """Read the current version with body, labels and properties.

        `live` asks for ADF, as live docs have no storage format worth reading.

        Raises:
            PageGone: It does not exist, or is in the bin.
            PageOutOfReach: The app user may not see it.
        """
        ...

    async def ancestor_ids(self, page_id: str) -> tuple[str, ...]:
        """Return the page's ancestors, topmost first."""
        ...

    async def add_labels(self, page_id: str, names: Sequence[str]) -> tuple[Label, ...]:
        """Put labels on a page (idempotent); return all labels it has then."""
        ...

    async def remove_label(self, page_id: str, name: str) -> None:
        """Take a label off a page; none being there is no error."""
        ...

    async def get_property(self, page_id: str, key: str) -> ContentProperty | None:
        """Read one content property."""
        ...

    async def put_property(
        self, page_id: str, key: str, value: Any, *, current: ContentProperty | None
    ) -> ContentProperty:
        """Create the property, or write the version after `current`.

        Raises:
            VersionConflict: It changed, or came into being, since `current` was read.
        """
        ...

    async def delete_property(self, page_id: str, current: ContentProperty) -> None:
        """Delete a content property; none being there is no error."""
        ...

    async def update_page(
        self,
        page: Page,
        *,
        title: str | None = None,
        body: str | None = None,
        parent_id: str | None = None,
        message: str,
    ) -> Page:
        """Write the version after `page.version`; what is None stays as it was read.

        Args:
            page: The page as it was read, with its storage body.
            title: Its new title.
            body: Its new body, in storage format.
            parent_id: Its new parent, in the same space.
            message: What the page's history says of this version.

        Raises:
            VersionConflict: Somebody wrote in between.
            WriteRefused: Such a title is taken, the parent is below the page, the body
                is not well-formed.
        """
        ...

    async def create_page(self, draft: NewPage) -> Page:
        """Make a page.

        Raises:
            WriteRefused: Its title is taken in that space; its parent is not there.
        """
        ...

    async def trash_page(self, page_id: str) -> None:
        """Put a page (and not what is below it) in the bin; a draft is discarded."""
        ...

    async def page_comments(self, page_id: str) -> tuple[Comment, ...]:
        """Return the footer comments on a page, whoever wrote them."""
        ...

    async def add_comment(self, page_id: str, body: str) -> Comment:
        """Write a footer comment, in storage format."""
        ...

    async def get_comment(self, comment_id: str) -> Comment | None:
        """Read a footer comment; None if it is gone."""
        ...

    async def update_comment(self, comment: Comment, body: str) -> Comment:
        """Write the version after `comment.version`.

        Raises:
            VersionConflict: Somebody wrote in between.
        """
        ...

    async def delete_comment(self, comment_id: str) -> None:
        """Delete a footer comment; none being there is no error."""
        ...

    def tree_page_ids(self, root_id: str) -> AsyncIterator[str]:
        """Walk the ids of a page and all pages below it, folders passed through."""
        ...

    def search_page_ids(self, cql: str) -> AsyncIterator[str]:
        """Walk the ids of the pages that a CQL query finds.

        Raises:
            WriteRefused: The site cannot read the query; the reason says why.
        """
        ...

    async def get_space(self, space_id: str) -> Space:
        """Read one space."""
        ...

    def spaces(self) -> AsyncIterator[Space]:
        """Walk the spaces the app can see."""
        ...

    def space_pages(self, space_id: str) -> AsyncIterator[Page]:
        """Walk a space's current pages with storage bodies, 250 a request."""
        ...

    async def pages_titled(self, space_id: str, title: str) -> tuple[str, ...]:
        """Return the pages that hold a title in a space, archived ones among them.

        A space has each title once, upper and lower case being the same; drafts hold
        none until they are published.
        """
        ...

    def space_labels(self, space_id: str) -> AsyncIterator[Label]:
        """Walk the labels in use on a space's content."""
        ...

    def label_page_ids(self, label_id: str) -> AsyncIterator[str]:
        """Walk the ids of pages that carry a label."""
        ...

    async def current_account_id(self) -> str:
        """Return the app user's account id."""
        ...

    async def cloud_id(self) -> str:
        """Return the site's cloud id (`/_edge/tenant_info`, no credentials)."""
        ...

    async def connect_client_key(self, app_key: str) -> str | None:
        """Return the client key of our Connect installation on the same site.

        Atlassian keeps it in a reserved, read-only app property, until Connect ends.
        https://developer.atlassian.com/platform/adopting-forge-from-connect/migrate-connect-clientkey/
        """
        ...


class OpenConfluence(Protocol):
    """Opens a client for one tenant's site over the process's shared connections."""

    def __call__(self, access: SiteAccess) -> AbstractAsyncContextManager[Confluence]:
        """Return a context that yields the client."""
        ...


class ReadPage(Protocol):
    """Turns a page's raw body into readable text."""

    def __call__(self, page: Page) -> PageText:
        """Clean `page.body`; never fails: broken markup sets `damaged`."""
        ...


class PageMarkup(Protocol):
    """Reads and changes storage format, byte for byte outside of what is changed."""

    def excerpt(self, body: str, name: str) -> str | None:
        """Return the plain text of the excerpt block of that name; None without one.

        Raises:
            MarkupAmbiguous: There are several, or the body is not well-formed.
        """
        ...

    def with_excerpt(self, body: str, name: str, text: str | None) -> str:
        """Return the body with that block saying `text`, or without it for None.

        A new block stands at the top; an old one keeps its place and parameters.

        Raises:
            MarkupAmbiguous: There are several, or the body is not well-formed.
        """
        ...

    def sections(self, body: str) -> tuple[Section, ...]:
        """Return the sections in order, sub-sections after those they lie in.

        Raises:
            MarkupAmbiguous: The body is not well-formed.
        """
        ...

    def with_section(
        self, body: str, heading: str, markup: str | None, *, precedes: str = ""
    ) -> str:
        """Return the body with a section replaced, or removed for None.

        A heading that is not there is put before the section of the heading that it
        `precedes`, where that is named and stands there once; else at the end.

        Raises:
            MarkupAmbiguous: Several sections have that heading, or the result would
                not be well-formed.
        """
        ...

    def same(self, one: str, other: str) -> bool:
        """Whether two pieces say the same, whatever the site adds when it saves them."""
        ...

    def from_text(self, text: str) -> str:
        """Return plain text as storage format: `#` headings, `-` and `1.` lists, prose.

        Everything else is escaped; no markup of the text survives as markup.
        """
        ...

    def links(self, titles: Sequence[str]) -> str:
        """Return a list of links to pages of the same space; no titles, no list."""
        ...


class HostKeys(Protocol):
    """Public keys of the hosts, cached."""

    async def install_key(self, kid: str) -> str:
        """Return the PEM that signed a Connect lifecycle call.

        Raises:
            NotAuthenticated: No such key.
            Unavailable: The key host does not answer.
        """
        ...

    async def forge_key(self, kid: str) -> dict[str, Any]:
        """Return the JWK that signed a Forge Invocation Token.

        The key set is fetched again on an unknown kid, with a limit on refreshes.

        Raises:
            NotAuthenticated: No such key.
            Unavailable: The key host does not answer.
        """
        ...
