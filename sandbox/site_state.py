"""The state of a site, how it is read, and how changes are told to listeners."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, TypeAlias

from sandbox import permissions
from sandbox.changes import Change, ChangeName
from sandbox.clock import Clock, utc_now
from sandbox.directory import Directory
from sandbox.faults import Faults
from sandbox.label_book import LabelBook
from sandbox.model import Comment, Page, Space, User
from sandbox.page_index import PageIndex
from sandbox.people import default_people
from sandbox.points import Points
from sandbox.principals import Principal
from sandbox.properties import PropertyWriter
from sandbox.refusals import Forbidden, PageMissing, SpaceMissing
from sandbox.request_log import RequestLog
from sandbox.snapshots import snapshot

Listener: TypeAlias = Callable[[Change], None]

DEFAULT_CLOUD_ID = "0b2f7c3e-5d41-4f7a-9c58-1e6a7d3b9f02"
_FIRST_PAGE = 65_601
_FIRST_SPACE = 32_769
_FIRST_COMMENT = 4_194_305


class SiteState:
    """Everything a site holds.

    Attributes:
        origin: Scheme, host and port, without a slash at the end.
        cloud_id: What the API gateway calls the site.
        points: The REST quota of each app.
        faults: Failures that a test has ordered.
        requests: The latest REST requests.
    """

    def __init__(
        self,
        *,
        origin: str = "http://127.0.0.1:8090",
        cloud_id: str = DEFAULT_CLOUD_ID,
        clock: Clock = utc_now,
        people: Iterable[User] | None = None,
    ) -> None:
        self.origin = origin.rstrip("/")
        self.cloud_id = cloud_id
        self.clock = clock
        self.directory = Directory(default_people() if people is None else people)
        self.spaces: dict[str, Space] = {}
        self.index = PageIndex()
        self.labels = LabelBook()
        self.points = Points(clock)
        self.faults = Faults()
        self.requests = RequestLog()
        self.properties = PropertyWriter()
        self.comments: dict[str, Comment] = {}
        self._listeners: list[Listener] = []
        self._page_numbers = count(_FIRST_PAGE)
        self._space_numbers = count(_FIRST_SPACE)
        self._macro_numbers = count(1)
        self._comment_numbers = count(_FIRST_COMMENT)

    @property
    def users(self) -> dict[str, User]:
        """Users by account id, app users and removed ones included."""
        return self.directory.by_id

    @property
    def pages(self) -> dict[str, Page]:
        """Pages by id, whatever their status."""
        return self.index.by_id

    @property
    def admin(self) -> Principal:
        """The site's first administrator."""
        return self.directory.admin.principal

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every change, in order of subscription."""
        self._listeners.append(listener)

    def page(self, page_id: str, actor: Principal) -> Page:
        """Return a page that `actor` may see, binned ones too.

        Raises:
            PageMissing: It does not exist or is hidden from the actor.
        """
        page = self.index.get(page_id)
        if not permissions.may_read(self, actor, page):
            raise PageMissing(page_id)
        return page

    def space(self, space_id: str, actor: Principal) -> Space:
        """Return a space that `actor` may see.

        Raises:
            SpaceMissing: It does not exist or is closed to the actor.
        """
        space = self.spaces.get(space_id)
        if space is None or not permissions.may_read_space(self, actor, space):
            raise SpaceMissing(space_id)
        return space

    def space_by_key(self, key: str, actor: Principal) -> Space:
        """Return a space by its key, letter case aside.

        Raises:
            SpaceMissing: It does not exist or is closed to the actor.
        """
        for space in self.spaces.values():
            if space.key.lower() == key.lower():
                return self.space(space.id, actor)
        raise SpaceMissing(key)

    def create_app_user(self, app_key: str, display_name: str) -> str:
        """Return the account id of the app's user, made or brought back."""
        user, fresh = self.directory.app_user(app_key, display_name)
        if fresh:
            self._tell("user_created", account_id=user.account_id, app=app_key)
        return user.account_id

    def remove_user(self, account_id: str) -> None:
        """End a user's access; what it wrote stays.

        Raises:
            UserMissing: Nobody has this account id.
        """
        user = self.directory.get(account_id)
        if user.active:
            user.active = False
            self._tell("user_removed", account_id=account_id, app=user.app_key)

    def _writable(self, page_id: str, actor: Principal) -> Page:
        page = self.page(page_id, actor)
        self._require_writer(actor)
        return page

    def _require_writer(self, actor: Principal) -> None:
        if not permissions.may_write(self, actor):
            raise Forbidden("You do not have permission to edit this content")

    def _new_macro_id(self) -> str:
        # Not random, so that a fresh site is the same each time.
        name = f"{self.cloud_id}/macro/{next(self._macro_numbers)}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def _tell_page(
        self, name: ChangeName, page: Page, actor: Principal, **details: Any
    ) -> None:
        known = {"page": snapshot(page, self.spaces[page.space_id]), **details}
        anonymous = actor.kind == "anonymous"
        self._tell(
            name,
            page_id=page.id,
            account_id=None if anonymous else actor.account_id,
            app=actor.app,
            details=known,
        )

    def _tell(
        self,
        name: ChangeName,
        *,
        account_id: str | None,
        app: str | None,
        page_id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        change = Change(
            name=name,
            at=self.clock(),
            page_id=page_id,
            account_id=account_id,
            app=app,
            details=details or {},
        )
        for listener in self._listeners:
            listener(change)
