"""Who may write where: the operator's guard, the tenant's policy, the whitelist."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

#: The operator's guard: never write, write where the whitelist allows, or where
#: policy allows.
AgentMode = Literal["TEST", "SAFE_TEST", "PROD"]

#: A space's policy: leave alone, wait for a person, or write by itself.
PolicyMode = Literal["off", "suggest", "auto"]

#: By whose leave something is written: the policy's, or a person's who saw it.
Authority = Literal["policy", "person"]

WhitelistKind = Literal["space", "page", "tree"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhitelistEntry:
    """A place where SAFE_TEST may write: a space key, a page id, or a tree's root."""

    kind: WhitelistKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page stands; ancestors topmost first."""

    page_id: str
    space_id: str
    space_key: str | None
    ancestor_ids: tuple[str, ...] = ()


def needs_ancestors(mode: AgentMode, whitelist: Collection[WhitelistEntry]) -> bool:
    """Whether a decision about a page depends on the pages above it."""
    return mode == "SAFE_TEST" and any(entry.kind == "tree" for entry in whitelist)


def is_whitelisted(place: Place, whitelist: Collection[WhitelistEntry]) -> bool:
    """Whether an entry names the page, its space, or a tree that it stands in."""
    tree = {place.page_id, *place.ancestor_ids}
    for entry in whitelist:
        if entry.kind == "space" and place.space_key is not None:
            if entry.value.casefold() == place.space_key.casefold():
                return True
        elif (entry.kind == "page" and entry.value == place.page_id) or (
            entry.kind == "tree" and entry.value in tree
        ):
            return True
    return False


def refusal(
    mode: AgentMode,
    policy: PolicyMode,
    place: Place,
    whitelist: Collection[WhitelistEntry],
    *,
    authority: Authority = "policy",
) -> str | None:
    """Return why nothing may be written there (a constant word), or None.

    A person's leave stands in for a policy that asks for one; it opens neither a place
    that the policy closes nor the operator's guard.
    """
    if policy == "off":
        return "policy_off"
    if policy == "suggest" and authority != "person":
        return "policy_suggest"
    if mode == "TEST":
        return "mode_test"
    if mode == "SAFE_TEST" and not is_whitelisted(place, whitelist):
        return "not_whitelisted"
    return None
