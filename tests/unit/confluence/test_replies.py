"""Tests for app.confluence.replies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from app.confluence import calls
from app.confluence.call import Call
from app.confluence.replies import Reply, decode, next_cursor
from app.domain.pages import ContentProperty
from app.errors import (
    AppError,
    ContractBroken,
    CredentialsRefused,
    PageGone,
    PageOutOfReach,
    RateLimited,
    Unavailable,
    VersionConflict,
    WorkObsolete,
)
from tests.unit.confluence.doubles import NOW

_PAGE = calls.get_page("1", "storage")
_LABEL = calls.add_labels("1", ["a"])
_PUT = calls.put_property(
    "1", "k", 1, ContentProperty(id="2", key="k", value=0, version=1)
)
_SPACE = calls.space_pages("5")
_SPACES = calls.spaces()
_USER = calls.current_user()


def _reply(status: int, body: Any = b"", **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=raw)


def _v2(status: int, title: str, code: str = "X_CODE") -> Reply:
    error = {"status": status, "code": code, "title": title, "detail": None}
    return _reply(status, {"errors": [error]})


def _v1(status: int, message: str) -> Reply:
    return _reply(status, {"statusCode": status, "message": message})


@dataclass(frozen=True, kw_only=True)
class _Case:
    name: str
    reply: Reply
    error: type[AppError]
    call: Call = field(default=_PAGE)
    says: str = ""


_CASES = [
    _Case(name="redirect", reply=_reply(302), error=ContractBroken, says="302"),
    _Case(name="not-modified", reply=_reply(304), error=ContractBroken),
    _Case(name="400", reply=_v2(400, "x"), error=ContractBroken, says="400 X_CODE"),
    _Case(
        name="400-v1",
        reply=_v1(400, "com.atlassian.api.BadRequestException: <p>secret</p>"),
        error=ContractBroken,
        says="400 com.atlassian.api.BadRequestException",
    ),
    _Case(
        name="400-property-race",
        reply=_v2(400, "Cannot update content property x", "INVALID_REQUEST_PARAMETER"),
        error=VersionConflict,
        call=_PUT,
    ),
    _Case(
        name="400-no-permission-to-label",
        reply=_v1(400, "The user does not have permission to edit labels"),
        error=PageOutOfReach,
        call=_LABEL,
    ),
    _Case(name="401", reply=_v1(401, "Unauthorized"), error=CredentialsRefused),
    _Case(
        name="401-html",
        reply=_reply(401, b"<html>scope does not match</html>"),
        error=CredentialsRefused,
    ),
    _Case(
        name="401-scope",
        reply=_reply(
            401, {"code": 401, "message": "Unauthorized; scope does not match"}
        ),
        error=ContractBroken,
        says="scope",
    ),
    _Case(name="403", reply=_v1(403, "No"), error=PageOutOfReach, call=_LABEL),
    _Case(name="403-empty", reply=_reply(403), error=PageOutOfReach),
    _Case(name="403-space", reply=_reply(403), error=WorkObsolete, call=_SPACE),
    _Case(name="403-site", reply=_reply(403), error=CredentialsRefused, call=_USER),
    _Case(
        name="403-no-access",
        reply=_v1(403, "x: caller cannot access Confluence"),
        error=CredentialsRefused,
        call=_LABEL,
    ),
    _Case(name="404", reply=_v2(404, "Cannot find a page with id [1]"), error=PageGone),
    _Case(name="404-empty", reply=_reply(404), error=PageGone),
    _Case(
        name="404-html",
        reply=_reply(404, b"<html>", content_type="text/html;charset=UTF-8"),
        error=Unavailable,
    ),
    _Case(name="404-v1", reply=_v1(404, "Not Found"), error=PageGone, call=_LABEL),
    _Case(name="404-bare", reply=_v2(404, "Not Found"), error=CredentialsRefused),
    _Case(name="404-space", reply=_v2(404, "x"), error=WorkObsolete, call=_SPACE),
    _Case(
        name="404-property",
        reply=_v2(404, "Cannot find content property"),
        error=VersionConflict,
        call=_PUT,
    ),
    _Case(name="405", reply=_reply(405), error=ContractBroken),
    _Case(name="408", reply=_reply(408), error=Unavailable),
    _Case(name="409", reply=_v2(409, "Version must be"), error=VersionConflict),
    _Case(name="410", reply=_v1(410, "GoneException: x"), error=ContractBroken),
    _Case(
        name="413", reply=_reply(413, b"too large"), error=ContractBroken, says="413"
    ),
    _Case(name="429", reply=_reply(429), error=RateLimited, says="tenant limit"),
    _Case(name="500", reply=_reply(500, b"<html>"), error=Unavailable, says="500"),
    _Case(name="502", reply=_reply(502), error=Unavailable),
    _Case(name="503", reply=_reply(503), error=Unavailable),
    _Case(name="599", reply=_reply(599), error=Unavailable),
    _Case(name="600", reply=_reply(600), error=Unavailable),
    _Case(name="100", reply=_reply(100), error=ContractBroken),
    _Case(name="no-body", reply=_reply(200), error=ContractBroken),
    _Case(
        name="html",
        reply=_reply(200, b"<html>", content_type="text/html"),
        error=ContractBroken,
    ),
    _Case(name="half-json", reply=_reply(200, b'{"id": "1", "ti'), error=Unavailable),
    _Case(name="no-utf8", reply=_reply(200, b'{"id": "\xff"}'), error=Unavailable),
    _Case(name="deep-json", reply=_reply(200, b"[" * 100_000), error=Unavailable),
]


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_refusals(case: _Case) -> None:
    """Each status and body means the error of whoever must act."""
    with pytest.raises(case.error) as caught:
        decode(case.call, case.reply, now=NOW)

    assert type(caught.value) is case.error
    assert case.says in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([], id="list"),
        pytest.param({"errors": []}, id="no-errors"),
        pytest.param({"errors": {"title": "x"}}, id="errors-no-list"),
        pytest.param({"errors": ["x"]}, id="errors-of-text"),
        pytest.param({"errors": [{"title": 5, "code": []}]}, id="wrong-types"),
        pytest.param("Cannot update content property", id="text"),
    ],
)
def test_odd_error_bodies_do_not_confuse(body: Any) -> None:
    """An error body of another shape leaves the status to decide."""
    with pytest.raises(ContractBroken, match=r"status 400$"):
        decode(_PUT, _reply(400, body), now=NOW)


def test_rate_limit_carries_wait_and_scope() -> None:
    """The queue learns how long, and whether it binds all tenants."""
    reply = _reply(
        429, retry_after="1847", ratelimit_reason="confluence-quota-global-based"
    )

    with pytest.raises(RateLimited) as caught:
        decode(_PAGE, reply, now=NOW)

    assert caught.value.retry_after == timedelta(seconds=1847)
    assert caught.value.scope == "global"


def test_server_error_carries_wait() -> None:
    """A 503 may say when to come back."""
    with pytest.raises(Unavailable) as caught:
        decode(_PAGE, _reply(503, retry_after="30"), now=NOW)

    assert caught.value.retry_after == timedelta(seconds=30)


def test_success_is_json() -> None:
    """A body is decoded; a DELETE needs none."""
    page = decode(
        _PAGE, _reply(200, {"id": "1"}, content_type="application/json"), now=NOW
    )
    gone = decode(calls.remove_label("1", "a"), _reply(204), now=NOW)

    assert page == {"id": "1"}
    assert gone is None


@pytest.mark.parametrize(
    ("data", "link", "cursor"),
    [
        pytest.param({}, "", None, id="none"),
        pytest.param({"_links": {"base": "x"}}, "", None, id="end"),
        pytest.param(
            {"_links": {"next": "/wiki/api/v2/pages?limit=2&cursor=a%3D%3D"}},
            "",
            "a==",
            id="site-relative",
        ),
        pytest.param(
            {"_links": {"next": "https://evil.example/x?cursor=abc"}},
            "",
            "abc",
            id="elsewhere",
        ),
        pytest.param(
            {},
            '</wiki/api/v2/pages?cursor=h1>; rel="next", <https://s/wiki>; rel="base"',
            "h1",
            id="header",
        ),
        pytest.param({}, '<https://s/wiki>; rel="base"', None, id="header-end"),
    ],
)
def test_next_cursor(data: Any, link: str, cursor: str | None) -> None:
    """The cursor is taken, the address of the link is not."""
    assert next_cursor(_reply(200, link=link), data) == cursor


@pytest.mark.parametrize(
    "link", ["/x", "", 5, {}, "/x?cursor=", "http://[::1", "/x?cursor=" + "a" * 9000]
)
def test_next_link_without_cursor_is_told(link: Any) -> None:
    """A list that has more, but not how to get it, must not end silently."""
    with pytest.raises(ContractBroken, match="cursor"):
        next_cursor(_reply(200), {"_links": {"next": link}})


def test_answers_stay_out_of_logs() -> None:
    """What a reply would print has no page in it."""
    assert "secret" not in repr(_reply(200, b"secret", set_cookie="secret"))


def test_site_wide_refusal_of_a_space_list() -> None:
    """No list of spaces means no access at all."""
    with pytest.raises(CredentialsRefused):
        decode(_SPACES, _reply(403), now=NOW)
