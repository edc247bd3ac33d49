"""What a site is made of: users, spaces, pages and what hangs on pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.principals import Principal

Role = Literal["admin", "editor", "reader"]
PageStatus = Literal["current", "draft", "archived", "trashed"]


@dataclass(slots=True, kw_only=True)
class User:
    """A person, or the user behind an installed app.

    Attributes:
        token: The API token that goes with the e-mail in Basic authentication.
        app_key: Key of the app this user stands for; None for people.
        active: False once removed; its past work keeps its name.
    """

    account_id: str
    display_name: str
    role: Role
    email: str = ""
    token: str = field(default="", repr=False)
    app_key: str | None = None
    active: bool = True

    @property
    def principal(self) -> Principal:
        """This user as the sender of a request, not limited by scopes."""
        kind: Literal["app", "user"] = "user" if self.app_key is None else "app"
        return Principal(account_id=self.account_id, kind=kind, app=self.app_key)


@dataclass(slots=True, kw_only=True)
class Space:
    """A space; `id` is the number that REST v2 uses, `key` what people type."""

    id: str
    key: str
    name: str
    author_id: str
    created_at: datetime
    homepage_id: str | None = None
    anonymous_read: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One saved state of a page; `app` is the app that saved it, None for people."""

    number: int
    title: str
    body: str = field(repr=False)
    author_id: str
    at: datetime
    message: str = ""
    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of the site, whichever pages carry it."""

    id: str
    name: str
    prefix: str = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelUse:
    """A label on a page: who put it there, and through which app, if any."""

    label: Label
    account_id: str
    app: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentProperty:
    """JSON under a key on a page; replaced as a whole by its next version."""

    id: str
    key: str
    value: Any
    version: int
    author_id: str
    at: datetime
    message: str = ""


@dataclass(slots=True, kw_only=True)
class Comment:
    """A footer comment on a page; `versions` are oldest first, never empty."""

    id: str
    page_id: str
    versions: list[Version] = field(default_factory=list)

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    @property
    def author_id(self) -> str:
        """Who wrote it first."""
        return self.versions[0].author_id


@dataclass(slots=True, kw_only=True)
class Page:
    """A page with its history.

    Attributes:
        versions: Oldest first, never empty.
        labels: By (prefix, name).
        readers: Account ids that may see it and what is below; None means everyone.
        subtype: `live` for a live doc.
        position: Rank given by the site when it was placed in the tree.
    """

    id: str
    space_id: str
    author_id: str
    owner_id: str
    created_at: datetime
    versions: list[Version]
    status: PageStatus = "current"
    parent_id: str | None = None
    position: int = 0
    labels: dict[tuple[str, str], LabelUse] = field(default_factory=dict)
    properties: dict[str, ContentProperty] = field(default_factory=dict)
    readers: frozenset[str] | None = None
    subtype: Literal["live"] | None = None

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    @property
    def title(self) -> str:
        """The title of the newest version."""
        return self.latest.title

    @property
    def number(self) -> int:
        """The id as the number that lists are ordered by."""
        return int(self.id)

    @property
    def is_listed(self) -> bool:
        """Whether it stands in the tree and in lists of a space by default."""
        return self.status in ("current", "archived")
