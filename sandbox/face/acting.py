"""As whom a person acts in the web face: a cookie, since a sandbox has no passwords."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sandbox.principals import Principal
from sandbox.site import Site

COOKIE = "sandbox_user"
ANONYMOUS = "anonymous"


def acting_principal(site: Site, request: Request) -> Principal:
    """Return who acts: the cookie's person, else the administrator."""
    chosen = request.cookies.get(COOKIE)
    if chosen == ANONYMOUS:
        return Principal(account_id=ANONYMOUS, kind="anonymous")
    for user in site.directory.people():
        if user.account_id == chosen:
            return user.principal
    return site.admin


def remember(response: Response, account_id: str) -> None:
    """Let further requests of this browser act as `account_id`."""
    response.set_cookie(COOKIE, account_id, path="/wiki", httponly=True, samesite="lax")
