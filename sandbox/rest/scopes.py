"""Which granted scopes an operation asks of an app's token.

Granular scopes are those of the OpenAPI documents (`x-atlassian-oauth2-scopes`);
the classic ones stand beside them, since Connect apps are granted in their terms.
https://developer.atlassian.com/cloud/confluence/scopes-for-oauth-2-3LO-and-forge-apps/
"""

from __future__ import annotations

from sandbox.rest.calls import Scopes


def _any_of(*sets: str) -> Scopes:
    return tuple(frozenset(scopes.split()) for scopes in sets)


_ALL = "read:confluence-content.all"
_SUMMARY = "read:confluence-content.summary"
_WRITE = "write:confluence-content"

#: Asks nothing: removed operations answer everybody alike.
NONE: Scopes = ()

READ_PAGE = _any_of("read:page:confluence", _ALL)
WRITE_PAGE = _any_of("write:page:confluence", _WRITE)
DELETE_PAGE = _any_of("delete:page:confluence")
READ_PAGE_LABELS = _any_of("read:page:confluence", _ALL, _SUMMARY)
READ_TREE = _any_of("read:hierarchical-content:confluence", _ALL, _SUMMARY)
READ_ANCESTORS = _any_of("read:content.metadata:confluence", _ALL, _SUMMARY)
WRITE_PROPERTY = _any_of(
    "read:page:confluence write:page:confluence", _WRITE, "write:confluence-props"
)
READ_LABEL = _any_of("read:label:confluence", _ALL, _SUMMARY)
ADD_LABEL = _any_of(_WRITE, "read:label:confluence write:label:confluence")
REMOVE_LABEL = _any_of(_WRITE, "write:label:confluence")
READ_SPACE = _any_of("read:space:confluence", "read:confluence-space.summary", _ALL)
READ_COMMENT = _any_of("read:comment:confluence")
WRITE_COMMENT = _any_of("write:comment:confluence")
DELETE_COMMENT = _any_of("delete:comment:confluence")
SEARCH = _any_of("search:confluence", "read:content-details:confluence")
READ_USER = _any_of("read:user:confluence", "read:confluence-user")
READ_USER_V1 = _any_of("read:confluence-user", "read:content-details:confluence")


def are_enough(granted: frozenset[str] | None, asked: Scopes) -> bool:
    """Whether a token with `granted` scopes (None: not limited) may do it."""
    return granted is None or not asked or any(need <= granted for need in asked)
