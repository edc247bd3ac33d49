"""Keys that the Forge manifest and the routes must agree on.

A token names the module it was made for. Each route takes the tokens of its own
endpoint alone, so that what a browser frame was given is worth nothing at the
route for events.
https://developer.atlassian.com/platform/forge/remote/essentials/
"""

from __future__ import annotations

from collections.abc import Mapping

EVENTS = "events-ep"
LIFECYCLE = "lifecycle-ep"
SCHEDULE = "schedule-ep"
UNINSTALL = "uninstall-ep"
UI = "ui-ep"

ADMIN_PAGE = "admin-page"
SPACE_PAGE = "space-page"
BYLINE = "byline"
CONTENT_ACTION = "content-action"

EVENTS_PATH = "/forge/events"
LIFECYCLE_PATH = "/forge/lifecycle"
SCHEDULE_PATH = "/forge/schedule"
UNINSTALL_PATH = "/forge/uninstall"
UI_PATH = "/ui/api"

#: Route -> keys of modules whose tokens it takes. For calls of a frame the documents
#: leave open whether the endpoint or the UI module is named, so both will do.
MODULE_KEYS: Mapping[str, frozenset[str]] = {
    EVENTS_PATH: frozenset({EVENTS}),
    LIFECYCLE_PATH: frozenset({LIFECYCLE}),
    SCHEDULE_PATH: frozenset({SCHEDULE}),
    UNINSTALL_PATH: frozenset({UNINSTALL}),
    UI_PATH: frozenset({UI, ADMIN_PAGE, SPACE_PAGE, BYLINE, CONTENT_ACTION}),
}
