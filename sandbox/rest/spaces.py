"""Spaces and users.

https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-space/
https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-users/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox import permissions
from sandbox.model import Space
from sandbox.refusals import Malformed, UserMissing
from sandbox.rest import paging, params, shapes
from sandbox.rest.calls import Answer, Call

_SORTS = ("id", "-id", "key", "-key", "name", "-name")
_MAX_USERS = 250


def list_spaces(call: Call) -> Answer:
    """Answer `GET /spaces`, narrowed by `keys` (letter case aside) or `ids`."""
    paging.require_plain(call, "labels", "favorited-by", "not-favorited-by")
    keys = {key.lower() for key in params.listed(call.query, "keys")}
    ids = set(params.ids(call.query, "ids"))
    found = [
        space
        for space in call.site.spaces.values()
        if permissions.may_read_space(call.site, call.principal, space)
        and (not keys or space.key.lower() in keys)
        and (not ids or space.id in ids)
        and call.query.get("type", "global") == "global"
        and call.query.get("status", "current") == "current"
    ]
    _sort(found, params.choice(call.query, "sort", _SORTS, default="id"))
    part = paging.by_offset(call, found, key=lambda space: space.id)
    return paging.answer(call, part, [shapes.space(space) for space in part.items])


def _sort(spaces: list[Space], sort: str) -> None:
    keys: dict[str, Callable[[Space], Any]] = {
        "id": lambda space: int(space.id),
        "key": lambda space: space.key.lower(),
        "name": lambda space: space.name.casefold(),
    }
    spaces.sort(key=keys[sort.removeprefix("-")], reverse=sort[0] == "-")


def get_space(call: Call) -> Answer:
    """Answer `GET /spaces/{id}`."""
    space = call.site.space(params.check_id(call.params["id"]), call.principal)
    shape = shapes.space(space)
    shape["_links"]["base"] = f"{call.site.origin}/wiki"
    return Answer(body=shape, objects=1)


def list_users(call: Call) -> Answer:
    """Answer v2 `POST /users-bulk`: the known ones of up to 250 accounts."""
    wanted = call.json_object().get("accountIds")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MAX_USERS:
        raise Malformed(f"accountIds must be a list of 1 to {_MAX_USERS} strings")
    if not all(isinstance(account_id, str) for account_id in wanted):
        raise Malformed("accountIds must hold strings")
    users = call.site.users
    found = [
        users[account_id] for account_id in dict.fromkeys(wanted) if account_id in users
    ]
    shown = [shapes.user_v2(user) for user in found]
    return paging.answer(call, paging.Part(found, None), shown, identities=len(found))


def get_current_user(call: Call) -> Answer:
    """Answer v1 `GET /user/current`: the sender."""
    user = call.site.directory.get(call.principal.account_id)
    body = shapes.user_v1(user, viewer=user.account_id)
    return Answer(body=body, identities=1)


def get_user(call: Call) -> Answer:
    """Answer v1 `GET /user?accountId=`."""
    account_id = call.query.get("accountId")
    if not account_id:
        raise Malformed("accountId is required")
    user = call.site.users.get(account_id)
    if user is None:
        raise UserMissing(account_id)
    body = shapes.user_v1(user, viewer=call.principal.account_id)
    return Answer(body=body, identities=1)
