"""Pages as the rest of the house sees them, whatever host or API they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

#: `live` pages ("live docs") have no publish step and are read as ADF.
BodyFormat = Literal["storage", "atlas_doc_format"]
#: Characters that Confluence takes for a title.
LONGEST_TITLE = 255

PageStatus = Literal["current", "draft", "archived", "trashed", "deleted"]

#: Name of the excerpt block that holds our own summary in a body. Readers leave it out,
#: or a summary would be summarised.
OWN_EXCERPT = "confluence-ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label as it stands on a page."""

    id: str
    name: str
    prefix: str = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentProperty:
    """A content property of a page: JSON under a key, with a version of its own."""

    id: str
    key: str
    value: Any
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A space; `id` is the number that v2 uses, `key` what people type."""

    id: str
    key: str
    name: str
    homepage_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One version of one page, read at one moment.

    Attributes:
        body: The raw body in `body_format`; None when it was not asked for.
        labels: Labels at the moment of reading; None when not asked for.
        properties: Content properties by key; empty when not asked for.
        edited_at: When this version was written.
        is_live: Whether it is a live doc: its storage format is not to be written.
    """

    id: str
    title: str
    status: PageStatus
    space_id: str
    version: int
    parent_id: str | None = None
    author_id: str | None = None
    version_author_id: str | None = None
    created_at: datetime | None = None
    edited_at: datetime | None = None
    body: str | None = field(default=None, repr=False)
    body_format: BodyFormat = "storage"
    labels: tuple[Label, ...] | None = None
    properties: tuple[ContentProperty, ...] = ()
    webui: str = ""
    is_live: bool = False

    def property(self, key: str) -> ContentProperty | None:
        """Return the content property under `key`, or None."""
        return next((p for p in self.properties if p.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """A page that is yet to be made.

    Attributes:
        body: Storage format.
        status: Drafts are seen by nobody but their author until they are published.
    """

    space_id: str
    title: str
    body: str = field(repr=False)
    parent_id: str | None = None
    status: Literal["current", "draft"] = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A footer comment; `body` is storage format, `author_id` who wrote this version."""

    id: str
    page_id: str
    version: int
    body: str = field(repr=False)
    author_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading of a page with what follows it, up to the next heading of its level.

    Attributes:
        heading: Its text; empty for what stands before the first heading.
        level: 1 to 6; 0 before the first heading.
        markup: The heading and all below it, byte for byte.
    """

    heading: str
    level: int
    markup: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """The readable text of a page, cleaned of markup.

    Attributes:
        paragraphs: Prose in reading order: paragraphs, list items, cells, panel bodies.
        headings: Heading texts in reading order (they are in `text` too).
        code: Code and preformatted text, kept apart: rankers ignore it, models may see it.
        text: All of it in reading order, code fenced, one block a line group.
        damaged: True when the markup was broken and had to be recovered.
    """

    title: str
    paragraphs: tuple[str, ...]
    headings: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    text: str = field(default="", repr=False)
    damaged: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read but the title."""
        return not self.text.strip()
