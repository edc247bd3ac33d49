"""What can be put on pages without editing them: labels, properties, restrictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sandbox.label_book import PREFIXES, split_name
from sandbox.model import ContentProperty, Label, LabelUse, Page
from sandbox.principals import Principal
from sandbox.properties import property_by_id, property_by_key
from sandbox.refusals import Malformed, PageMissing
from sandbox.site_state import SiteState


class MarkChanges(SiteState):
    """The verbs of labels, content properties and restrictions."""

    def add_labels(
        self, page_id: str, labels: Sequence[tuple[str, str]], actor: Principal
    ) -> list[Label]:
        """Put labels, given as (prefix, name), on a page; return all it has then.

        A name with white space becomes several labels, and a label that is there
        already stays as it is. Nothing is written if any name is refused.

        Raises:
            PageMissing: It is not there for this actor, or lies in the bin.
            Forbidden: The actor may only read.
            Malformed: A prefix or name is refused.
        """
        page = self._labelled(page_id, actor)
        wanted = [
            (self._known_prefix(prefix), word)
            for prefix, name in labels
            for word in split_name(name)
        ]
        for prefix, word in wanted:
            if (prefix, word) not in page.labels:
                self._attach(page, self.labels.label(prefix, word), actor)
        return [use.label for use in page.labels.values()]

    def remove_label(self, page_id: str, name: str, actor: Principal) -> None:
        """Take a label off a page, whatever its prefix; none there is no error.

        Raises:
            PageMissing: It is not there for this actor, or lies in the bin.
            Forbidden: The actor may only read.
        """
        page = self._labelled(page_id, actor)
        folded = name.lower()
        for key in [key for key in page.labels if key[1] == folded]:
            use = page.labels.pop(key)
            self.labels.detach(page, use.label)
            self._tell_label("label_removed", page, use.label, actor)

    def put_property(
        self,
        page_id: str,
        key: str,
        value: Any,
        actor: Principal,
        *,
        version: int | None = None,
        message: str = "",
    ) -> ContentProperty:
        """Create a content property, or write the version named.

        `version` is the number to write, current plus one; None creates.

        Raises:
            PageMissing: It is not there for this actor.
            Forbidden: The actor may only read.
            PropertyTaken: `version` is None and the key is in use.
            PropertyMissing: A version is named but there is no such property.
            VersionStale: Another version is current.
            TooLarge: The value is over 32 KB as JSON.
        """
        page = self._writable(page_id, actor)
        now = self.clock()
        if version is None:
            made = self.properties.create(
                page, key, value, author_id=actor.account_id, at=now
            )
        else:
            made = self.properties.update(
                page,
                property_by_key(page, key),
                value=value,
                version=version,
                author_id=actor.account_id,
                at=now,
                message=message,
            )
        self._tell_page("content_updated", page, actor, property_key=key)
        return made

    def delete_property(self, page_id: str, property_id: str, actor: Principal) -> None:
        """Take a content property off a page.

        Raises:
            PropertyMissing: The page has none of that id.
        """
        page = self._writable(page_id, actor)
        held = property_by_id(page, property_id)
        del page.properties[held.key]
        self._tell_page("content_updated", page, actor, property_key=held.key)

    def restrict_page(
        self, page_id: str, readers: Iterable[str] | None, actor: Principal
    ) -> None:
        """Let only `readers` (account ids) see a page and what is below it.

        None lifts the restriction. The actor always stays among the readers.
        """
        page = self._writable(page_id, actor)
        page.readers = (
            None if readers is None else frozenset((*readers, actor.account_id))
        )
        self._tell_page("page_permissions_updated", page, actor)

    def _labelled(self, page_id: str, actor: Principal) -> Page:
        page = self._writable(page_id, actor)
        if not page.is_listed:
            raise PageMissing(page_id)
        return page

    def _attach(self, page: Page, label: Label, actor: Principal) -> None:
        page.labels[label.prefix, label.name] = LabelUse(
            label=label, account_id=actor.account_id, app=actor.app, at=self.clock()
        )
        self.labels.attach(page, label)
        self._tell_label("label_added", page, label, actor)

    def _tell_label(
        self,
        name: Literal["label_added", "label_removed"],
        page: Page,
        label: Label,
        actor: Principal,
    ) -> None:
        self._tell_page(
            name,
            page,
            actor,
            label=label.name,
            prefix=label.prefix,
            label_id=label.id,
        )

    @staticmethod
    def _known_prefix(prefix: str) -> str:
        if prefix not in PREFIXES:
            raise Malformed(f"Label prefix [{prefix}] is not one of global, my, team")
        return prefix
