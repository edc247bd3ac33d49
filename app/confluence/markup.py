"""Changes to storage format as the rest of the house asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from app.confluence import excerpts, plain_text, sections
from app.confluence.markup_tree import is_same_markup
from app.domain.pages import Section
from app.usecases.ports import PageMarkup


class StorageMarkup(PageMarkup):
    """Reads and changes storage format; implements `app.usecases.ports.PageMarkup`."""

    @override
    def excerpt(self, body: str, name: str) -> str | None:
        return excerpts.excerpt(body, name)

    @override
    def with_excerpt(self, body: str, name: str, text: str | None) -> str:
        return excerpts.with_excerpt(body, name, text)

    @override
    def sections(self, body: str) -> tuple[Section, ...]:
        return sections.sections(body)

    @override
    def with_section(
        self, body: str, heading: str, markup: str | None, *, precedes: str = ""
    ) -> str:
        return sections.with_section(body, heading, markup, precedes=precedes)

    @override
    def same(self, one: str, other: str) -> bool:
        return is_same_markup(one, other)

    @override
    def from_text(self, text: str) -> str:
        return plain_text.from_text(text)

    @override
    def links(self, titles: Sequence[str]) -> str:
        return plain_text.links(titles)
