"""What Confluence answers: a status, headers and bytes become JSON or a named error.

Pure. Names of errors are chosen by who must act (`app.errors`); their messages hold
codes and sizes, never words of a page, since an answer may quote its body. The one
exception is what the site says to a title or a query that it refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, TypeAlias
from urllib.parse import parse_qs, urlsplit

from app.confluence.call import Call
from app.confluence.waits import limit_scope, quota_wait, retry_after
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
    WriteRefused,
)

SERVICE = "confluence"

_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,60}", re.ASCII)
_EXCEPTION = re.compile(r"[\w.$]{1,120}Exception", re.ASCII)
_NEXT_LINK = re.compile(r"<([^<>]*)>\s*;[^,]*\brel=\"?next\b")
_LONGEST_CURSOR = 8_192
_LONGEST_WORDS = 200


class TooLarge(ContractBroken):
    """An answer is over the size limit; a list may be asked for in smaller parts."""

    def __init__(self, limit: int) -> None:
        super().__init__(SERVICE, f"answer larger than {limit} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as received; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def decode(call: Call, reply: Reply, *, now: datetime) -> Any:
    """Return the JSON that `reply` carries, None if it may carry none and has none.

    Raises:
        AppError: The status is no success; which error, `_refusal` decides.
        Unavailable: The JSON is cut off or broken.
        ContractBroken: The answer is no JSON at all, or missing.
    """
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - the range of successes
        raise _refusal(call, reply, now)
    if call.method == "DELETE":
        return None
    if not reply.body.strip():
        raise ContractBroken(SERVICE, f"{reply.status} without a body")
    content_type = reply.headers.get("content-type", "application/json").lower()
    if "json" not in content_type:
        raise ContractBroken(SERVICE, f"{reply.status} with a body that is no JSON")
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise Unavailable(SERVICE, "broken JSON in the answer") from error


def next_cursor(reply: Reply, data: Any) -> str | None:
    """Return the cursor of a list's next part, None at the end.

    Only the cursor is taken from the link, never its address: a link that points
    elsewhere must not carry our credentials there.

    Raises:
        ContractBroken: There is a next part, but no usable cursor.
    """
    links = data.get("_links") if isinstance(data, dict) else None
    link = links.get("next") if isinstance(links, dict) else None
    if link is None:
        header = _NEXT_LINK.search(reply.headers.get("link", ""))
        link = header[1] if header else None
    if link is None:
        return None
    return _cursor(link)


def _cursor(link: Any) -> str:
    try:
        query = urlsplit(link).query if isinstance(link, str) else ""
        found = parse_qs(query, max_num_fields=100).get("cursor", [""])[0]
    except ValueError:
        found = ""
    if not found or len(found) > _LONGEST_CURSOR:
        raise ContractBroken(SERVICE, "next link without a usable cursor")
    return found


def _refusal(call: Call, reply: Reply, now: datetime) -> AppError:
    """Return the error that a status means for this call."""
    if reply.status >= 500:  # noqa: PLR2004 - the range of server errors
        wait = retry_after(reply.headers, now)
        return Unavailable(SERVICE, f"status {reply.status}", retry_after=wait)
    if 300 <= reply.status < 400:  # noqa: PLR2004 - the range of redirects
        return ContractBroken(SERVICE, f"status {reply.status}: redirects somewhere")
    said = _Said.read(reply.body)
    judge = _JUDGES.get(reply.status, _broken)
    return judge(call, reply, said, now)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an error body says, of v1, v2 or the gateway; empty where it says nothing.

    Attributes:
        title: For decisions only, never for messages: it may quote the page.
        code: A constant word, fit for messages.
    """

    title: str = ""
    code: str = ""

    @classmethod
    def read(cls, body: bytes) -> _Said:
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(data, dict):
            return cls()
        errors = data.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        source = first if isinstance(first, dict) else data
        title = str(source.get("title") or source.get("message") or "")
        code = _CODE.fullmatch(str(source.get("code") or ""))
        named = code or _EXCEPTION.match(title)
        return cls(title=title, code=named[0] if named else "")

    def has(self, words: str) -> bool:
        return words in self.title.casefold()


def _words(call: Call, said: _Said) -> str:
    """Return what people may be told of a refusal: one short line that does no harm.

    Of a body only that it cannot be read: a parser's complaint quotes it.
    """
    if call.json is not None and said.has("xhtml"):
        return "the body is not well-formed"
    text = _EXCEPTION.sub("", said.title, count=1).lstrip(": ")
    shown = (one if one.isprintable() else " " for one in text)
    return " ".join("".join(shown).split())[:_LONGEST_WORDS]


def _broken(_call: Call, reply: Reply, said: _Said, _now: datetime) -> AppError:
    detail = f" {said.code}" if said.code else ""
    return ContractBroken(SERVICE, f"status {reply.status}{detail}")


def _bad_request(call: Call, reply: Reply, said: _Said, now: datetime) -> AppError:
    if said.has("cannot update content property"):
        return VersionConflict(SERVICE, "content property changed meanwhile")
    # v1 answers 400, not 403, to who may see a page but not label it.
    if call.about == "page" and call.method != "GET" and said.has("permission"):
        return PageOutOfReach("no permission to change the page")
    if call.refusable:
        return WriteRefused(_words(call, said) or "the site does not say why")
    return _broken(call, reply, said, now)


def _unauthorised(_call: Call, _reply: Reply, said: _Said, _now: datetime) -> AppError:
    if said.has("scope does not match"):
        return ContractBroken(SERVICE, "scope does not match: the app lacks one")
    return CredentialsRefused(SERVICE, "status 401")


def _forbidden(call: Call, _reply: Reply, said: _Said, _now: datetime) -> AppError:
    if call.about == "site" or said.has("cannot access confluence"):
        return CredentialsRefused(SERVICE, "status 403: no access to Confluence")
    if call.about == "space":
        return WorkObsolete("the space is out of reach")
    return PageOutOfReach("the page is restricted")


def _not_found(call: Call, reply: Reply, said: _Said, _now: datetime) -> AppError:
    # The API answers JSON; a page of HTML is that of a suspended or moved site, and
    # says nothing about the page that was asked for.
    if "html" in reply.headers.get("content-type", "").lower():
        return Unavailable(SERVICE, "status 404 of the site, not of its API")
    # v2 hides refused credentials behind a 404 with this bare title; a missing
    # page is named in the title.
    if said.title == "Not Found" and call.path.startswith("/api/v2/"):
        return CredentialsRefused(SERVICE, "status 404 without a name")
    if call.method == "PUT" and said.has("property"):
        return VersionConflict(SERVICE, "content property is gone")
    if call.about == "page":
        return PageGone("the page is gone")
    return WorkObsolete(f"what was asked of the {call.about} is gone")


def _conflict(_call: Call, _reply: Reply, _said: _Said, _now: datetime) -> AppError:
    return VersionConflict(SERVICE, "somebody wrote in between")


def _too_large(call: Call, reply: Reply, said: _Said, now: datetime) -> AppError:
    if call.refusable:
        return WriteRefused("larger than the site takes")
    return _broken(call, reply, said, now)


def _too_many(_call: Call, reply: Reply, _said: _Said, now: datetime) -> AppError:
    scope = limit_scope(reply.headers)
    wait = quota_wait(reply.headers, now)
    return RateLimited(SERVICE, f"{scope} limit", retry_after=wait, scope=scope)


def _slow(_call: Call, reply: Reply, _said: _Said, now: datetime) -> AppError:
    wait = retry_after(reply.headers, now)
    return Unavailable(SERVICE, f"status {reply.status}", retry_after=wait)


_Judge: TypeAlias = Callable[[Call, Reply, _Said, datetime], AppError]

#: By status; what is missing here breaks the contract.
_JUDGES: Mapping[int, _Judge] = {
    400: _bad_request,
    401: _unauthorised,
    403: _forbidden,
    404: _not_found,
    408: _slow,
    409: _conflict,
    413: _too_large,
    425: _slow,
    429: _too_many,
}


def broken_shape(what: str) -> NoReturn:
    """Say that an answer lacks what its documents promise.

    Raises:
        ContractBroken: Always.
    """
    raise ContractBroken(SERVICE, f"answer without {what}")
