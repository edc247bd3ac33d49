"""Who may see a page, and who may change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sandbox.model import Page, Space, User
from sandbox.page_index import PageIndex
from sandbox.principals import Principal


class World(Protocol):
    """The part of a site that rights depend on."""

    @property
    def users(self) -> Mapping[str, User]:
        """Users by account id."""
        ...

    @property
    def spaces(self) -> Mapping[str, Space]:
        """Spaces by id."""
        ...

    @property
    def index(self) -> PageIndex:
        """Where the pages are."""
        ...


def _user(world: World, principal: Principal) -> User | None:
    user = world.users.get(principal.account_id)
    return user if user is not None and user.active else None


def may_read_space(world: World, principal: Principal, space: Space) -> bool:
    """Whether `space` is open to `principal`: to all users, rarely to the public."""
    return space.anonymous_read or _user(world, principal) is not None


def may_read(world: World, principal: Principal, page: Page) -> bool:
    """Whether `page` may be seen: view restrictions hold for what is below, too.

    https://support.atlassian.com/confluence-cloud/docs/manage-permissions-on-the-page-level/
    """
    if not may_read_space(world, principal, world.spaces[page.space_id]):
        return False
    return all(
        place.readers is None or principal.account_id in place.readers
        for place in (page, *world.index.ancestors(page))
    )


def is_admin(world: World, principal: Principal) -> bool:
    """Whether `principal` may do everything."""
    user = _user(world, principal)
    return user is not None and user.role == "admin"


def may_write(world: World, principal: Principal) -> bool:
    """Whether `principal` may change what it can see; readers may not."""
    user = _user(world, principal)
    return user is not None and user.role != "reader"
