"""Every reason for which the site refuses to do something.

    Refusal
    ├── Missing                 it is not there, or not for this reader's eyes
    │   ├── PageMissing · SpaceMissing · LabelMissing · PropertyMissing · UserMissing
    │   └── CommentMissing
    ├── Forbidden               it is there, but the actor may not do this
    ├── Malformed               the request cannot mean anything
    │   └── TitleTaken          another page of the space has this title
    ├── TooLarge                over a limit of size
    └── Conflict                somebody else was first
        ├── VersionStale        of a page or a property
        └── PropertyTaken       the key is in use on this page

The faces turn them into answers: `sandbox.rest.problems` into JSON of either API
family, `sandbox.face` into a page that a person can read.
"""

from __future__ import annotations


class Refusal(Exception):
    """The site does not do what it was asked; the message is for the asker."""


class Missing(Refusal):
    """Nothing by that name exists for this actor."""


class PageMissing(Missing):
    """No such page, or it is hidden from the actor; the two look alike on purpose."""

    def __init__(self, page_id: str) -> None:
        super().__init__(f"Cannot find a page with id [{page_id}]")
        self.page_id = page_id


class SpaceMissing(Missing):
    """No such space."""

    def __init__(self, space: str) -> None:
        super().__init__(f"Cannot find a space with id [{space}]")


class LabelMissing(Missing):
    """No page carries such a label: a label exists only while it is in use."""

    def __init__(self, label: str) -> None:
        super().__init__(f"Cannot find a label with id [{label}]")


class PropertyMissing(Missing):
    """The page has no such content property."""

    def __init__(self, property_id: str) -> None:
        super().__init__(f"Cannot find a content property with id [{property_id}]")


class CommentMissing(Missing):
    """No such comment, or not for this actor; the two look alike on purpose."""

    def __init__(self, comment_id: str) -> None:
        super().__init__(f"Cannot find a footer comment with id [{comment_id}]")


class UserMissing(Missing):
    """Nobody has this account id."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"Cannot find a user with account id [{account_id}]")


class Forbidden(Refusal):
    """The actor may see the object but not do this to it."""


class Malformed(Refusal):
    """A value has the wrong shape; the message names it and what was expected."""


class TitleTaken(Malformed):
    """Titles are unique in a space, archived pages included."""

    def __init__(self) -> None:
        super().__init__(
            "A page with this title already exists: A page already exists with the "
            "same TITLE in this space"
        )


class TooLarge(Refusal):
    """A body is over the site's limit."""


class Conflict(Refusal):
    """The object has changed since the actor last looked."""


class VersionStale(Conflict):
    """An update did not name the version after the current one."""

    def __init__(self, what: str, *, current: int, provided: int) -> None:
        super().__init__(
            f"Version must be incremented when updating a {what}. "
            f"Current Version: [{current}]. Provided version: [{provided}]"
        )
        self.current = current
        self.provided = provided


class PropertyTaken(Conflict):
    """A content property with this key exists on the page already."""

    def __init__(self, key: str) -> None:
        super().__init__(f"A content property with key [{key}] already exists")
