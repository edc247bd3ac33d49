"""One site and all that is on it; every change goes through here and is published.

State lives in memory and belongs to one event loop: methods are synchronous, so a
change is whole before anybody else looks. Each method that changes something takes
the `actor` and refuses what that actor may not do. Listeners run after the change.
"""

from __future__ import annotations

from sandbox.site_comments import CommentChanges
from sandbox.site_marks import MarkChanges
from sandbox.site_pages import PageChanges


class Site(PageChanges, MarkChanges, CommentChanges):
    """A Confluence Cloud site: spaces, pages, and what is put on pages."""
