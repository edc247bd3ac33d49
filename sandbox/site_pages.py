"""What can be done to spaces and pages; live docs tell their own events."""

from __future__ import annotations

from sandbox import storage
from sandbox.model import Page, Space, Version
from sandbox.principals import Principal
from sandbox.refusals import Malformed, PageMissing, VersionStale
from sandbox.site_state import SiteState

MAX_TITLE_LENGTH = 255

#: Confluence Cloud itself puts this on every page it makes.
APPEARANCE_KEY = "content-appearance-published"


class PageChanges(SiteState):
    """The verbs of pages."""

    def create_space(
        self, *, key: str, name: str, actor: Principal, anonymous_read: bool = False
    ) -> Space:
        """Open a space and give it a homepage that bears its name."""
        if any(space.key.lower() == key.lower() for space in self.spaces.values()):
            raise Malformed(f"A space with key [{key}] already exists")
        space = Space(
            id=str(next(self._space_numbers)),
            key=key,
            name=name,
            author_id=actor.account_id,
            created_at=self.clock(),
            anonymous_read=anonymous_read,
        )
        self.spaces[space.id] = space
        home = self.create_page(space_id=space.id, title=name, body="", actor=actor)
        space.homepage_id = home.id
        return space

    def create_page(
        self,
        *,
        space_id: str,
        title: str,
        body: str,
        actor: Principal,
        parent_id: str | None = None,
        draft: bool = False,
        live: bool = False,
        readers: frozenset[str] | None = None,
        page_id: str | None = None,
    ) -> Page:
        """Make a page below `parent_id`, or at the top of the space without one.

        Only `readers` (account ids) may see it and what is below; None opens it to
        everyone. `page_id` is for those who want a known id, not the next free one.

        Raises:
            SpaceMissing: No such space for this actor.
            PageMissing: The parent is not there or lies in another space.
            Forbidden: The actor may only read.
            Malformed: Title or body cannot be taken.
        """
        space = self.space(space_id, actor)
        self._require_writer(actor)
        if parent_id is not None:
            self._parent(parent_id, space_id=space.id, actor=actor)
        if not draft or title:
            self._require_title(title)
        if not draft:
            self.index.require_free_title(space.id, title)
        storage.check(body)
        now = self.clock()
        page = Page(
            id=self._new_page_id(page_id),
            space_id=space.id,
            author_id=actor.account_id,
            owner_id=actor.account_id,
            created_at=now,
            versions=[],
            status="draft" if draft else "current",
            parent_id=parent_id,
            readers=readers,
            subtype="live" if live else None,
        )
        page.versions.append(self._version(1, title=title, body=body, actor=actor))
        self.index.add(page)
        if not draft:
            self._announce_new(page, actor)
        return page

    def update_page(
        self,
        page_id: str,
        *,
        version: int,
        actor: Principal,
        title: str | None = None,
        body: str | None = None,
        message: str = "",
        trigger: str = "edit_page",
    ) -> Page:
        """Save the next version of a page; what is None stays as it is.

        Raises:
            PageMissing: It is not there for this actor, or lies in the bin.
            Forbidden: The actor may only read.
            VersionStale: `version` is not the current number plus one.
            Malformed: Title or body cannot be taken.
        """
        page = self._writable(page_id, actor)
        if page.status == "trashed":
            raise PageMissing(page_id)
        old = page.latest
        if version != old.number + 1:
            raise VersionStale("page", current=old.number, provided=version)
        title = old.title if title is None else title
        self._require_title(title)
        self.index.require_free_title(page.space_id, title, holder=page.id)
        body = old.body if body is None else body
        storage.check(body)
        page.versions.append(
            self._version(version, title=title, body=body, actor=actor, message=message)
        )
        self.index.retitle(page, old.title)
        self._announce_edit(page, actor, trigger)
        return page

    def save_draft(
        self, page_id: str, *, title: str, body: str, publish: bool, actor: Principal
    ) -> Page:
        """Replace a draft, which stays at version 1, and publish it if asked.

        Raises:
            PageMissing: There is no such draft for this actor.
        """
        page = self._writable(page_id, actor)
        if page.status != "draft":
            raise PageMissing(page_id)
        if publish or title:
            self._require_title(title)
        storage.check(body)
        if publish:
            self.index.require_free_title(page.space_id, title)
        page.versions[:] = [self._version(1, title=title, body=body, actor=actor)]
        if publish:
            page.status = "current"
            self.index.place(page)
            self._announce_new(page, actor)
        return page

    def publish_live_page(self, page_id: str, actor: Principal) -> None:
        """Turn a live doc into an ordinary page."""
        page = self._writable(page_id, actor)
        page.subtype = None
        self._tell_page("page_published", page, actor, update_trigger="edit_page")

    def trash_page(self, page_id: str, actor: Principal) -> None:
        """Put a page into the bin; its children move up to its parent, unannounced.

        https://developer.atlassian.com/platform/forge/events/#handling-cascading-events-in-confluence
        """
        page = self._writable(page_id, actor)
        if page.status == "trashed":
            raise PageMissing(page_id)
        for child in self.index.children(page):
            self.index.move(child, page.parent_id)
        if page.is_listed:
            self.index.unplace(page)
            self.labels.detach_all(page)
        page.status = "trashed"
        page.parent_id = None
        self._tell_page("page_trashed", page, actor)

    def purge_page(self, page_id: str, actor: Principal) -> None:
        """Remove a binned page, or a draft, for good.

        Raises:
            Malformed: It is neither in the bin nor a draft.
        """
        page = self._writable(page_id, actor)
        if page.is_listed:
            raise Malformed(
                f"Page [{page_id}] must be in the trash before it can be purged"
            )
        self.index.discard(page)
        self._tell_page("page_removed", page, actor)

    def restore_page(self, page_id: str, actor: Principal) -> Page:
        """Bring a page back from the bin to the top of its space, content unchanged.

        Raises:
            Malformed: It is not in the bin.
            TitleTaken: Another page has taken its title meanwhile.
        """
        page = self._writable(page_id, actor)
        if page.status != "trashed":
            raise Malformed(f"Page [{page_id}] is not in the trash")
        self.index.require_free_title(page.space_id, page.title)
        page.status = "current"
        self.index.place(page)
        self.labels.attach_all(page)
        self._tell_page("page_restored", page, actor)
        return page

    def move_page(self, page_id: str, parent_id: str | None, actor: Principal) -> Page:
        """Hang a page below another one of its space.

        Raises:
            Malformed: The new parent is the page itself or lies below it.
        """
        page = self.check_move(page_id, parent_id, actor)
        old_parent_id = page.parent_id
        self.index.move(page, parent_id)
        self._tell_page("page_moved", page, actor, old_parent_id=old_parent_id)
        return page

    def check_move(self, page_id: str, parent_id: str | None, actor: Principal) -> Page:
        """Return the page if it may be hung below `parent_id`; change nothing.

        Raises:
            Malformed: The new parent is the page itself or lies below it.
        """
        page = self._writable(page_id, actor)
        if not page.is_listed:
            raise PageMissing(page_id)
        if parent_id is not None:
            parent = self._parent(parent_id, space_id=page.space_id, actor=actor)
            if page in (parent, *self.index.ancestors(parent)):
                raise Malformed("A page cannot be moved below itself")
        return page

    def _announce_new(self, page: Page, actor: Principal) -> None:
        self.properties.create(
            page, APPEARANCE_KEY, "default", author_id=actor.account_id, at=self.clock()
        )
        if page.subtype == "live":
            self._tell_page("page_initialized", page, actor)
        else:
            self._tell_page("page_created", page, actor)

    def _announce_edit(self, page: Page, actor: Principal, trigger: str) -> None:
        if page.subtype == "live":
            self._tell_page("page_started", page, actor, update_trigger=trigger)
            self._tell_page("page_snapshotted", page, actor, update_trigger=trigger)
        else:
            self._tell_page("page_updated", page, actor, update_trigger=trigger)

    def _parent(self, parent_id: str, *, space_id: str, actor: Principal) -> Page:
        parent = self.page(parent_id, actor)
        if parent.space_id != space_id or not parent.is_listed:
            raise PageMissing(parent_id)
        return parent

    def _version(
        self, number: int, *, title: str, body: str, actor: Principal, message: str = ""
    ) -> Version:
        return Version(
            number=number,
            title=title,
            body=storage.rewrite(body, new_id=self._new_macro_id),
            author_id=actor.account_id,
            at=self.clock(),
            message=message,
            app=actor.app,
        )

    def _new_page_id(self, wanted: str | None) -> str:
        if wanted is None:
            # Samples may have taken numbers ahead of the count.
            return next(
                str(number)
                for number in self._page_numbers
                if str(number) not in self.index.by_id
            )
        if not wanted.isascii() or not wanted.isdecimal() or wanted in self.index.by_id:
            raise Malformed(f"Page id [{wanted}] is not a free number")
        return wanted

    @staticmethod
    def _require_title(title: str) -> None:
        if not title.strip():
            raise Malformed("Title must not be empty")
        if len(title) > MAX_TITLE_LENGTH:
            raise Malformed(f"Title is longer than {MAX_TITLE_LENGTH} characters")
        if not title.isprintable():
            raise Malformed("Title contains characters that cannot be shown")
