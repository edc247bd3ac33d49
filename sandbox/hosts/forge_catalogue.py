"""The product events of Forge, and the scopes that an app needs to be told of them.

https://developer.atlassian.com/platform/forge/events-reference/confluence/
"""

from __future__ import annotations

from collections.abc import Mapping

INSTALLED = "avi:forge:installed:app"
UPGRADED = "avi:forge:upgraded:app"

#: The only lifecycle events there are: nothing tells of an uninstall.
LIFECYCLE_EVENTS = frozenset({INSTALLED, UPGRADED})

_CONTENT = "read:confluence-content.summary"
_CONTENT_WRITE = "write:confluence-content"
_SPACE = "read:confluence-space.summary"

_VERBS: Mapping[str, str] = {
    "page": (
        "created updated moved copied archived unarchived trashed restored deleted liked "
        "viewed children_reordered permissions_updated initialized started snapshotted "
        "published"
    ),
    "blogpost": (
        "created updated liked viewed permissions_updated trashed restored deleted"
    ),
    "comment": "created updated liked deleted",
    "attachment": "created updated viewed archived unarchived trashed restored deleted",
    "custom_content": "created updated permissions_updated trashed restored deleted",
    "label": "created added removed deleted",
    "space:V2": "created updated permissions_updated deleted",
    "task": "created updated removed",
    "whiteboard": "created moved copied permissions_updated",
    "database": "created moved copied permissions_updated",
    "embed": "created moved copied permissions_updated",
    "folder": "created moved copied permissions_updated",
    "user": "created deleted",
    "group": "created deleted",
    "relation": "created deleted",
    "search": "performed",
}

PRODUCT_EVENTS = frozenset(
    f"avi:confluence:{verb}:{thing}"
    for thing, verbs in _VERBS.items()
    for verb in verbs.split()
)


def needed_scopes(event: str) -> frozenset[str]:
    """Return the scopes without which `event` is not sent to an app."""
    _, _, verb, thing = event.split(":", 3)
    if thing in ("page", "blogpost", "comment", "attachment", "custom_content"):
        extra = {_CONTENT_WRITE} if verb in ("trashed", "deleted") else set()
        return frozenset({_CONTENT, *extra})
    if thing == "label":
        return frozenset({_CONTENT, _SPACE})
    if thing == "space:V2":
        extra = {"write:confluence-space"} if verb.startswith(("p", "d")) else set()
        return frozenset({_SPACE, *extra})
    return frozenset({"read:confluence-content.all"} if thing == "task" else ())
