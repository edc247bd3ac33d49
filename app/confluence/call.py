"""One request to Confluence as a value, and the few shapes that requests have.

Pure. Which requests there are, and their paths, is known to `calls`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, urlencode

from app.errors import MalformedPayload

#: The most that lists of v2 give at once.
LIST_LIMIT = 250

_ID = re.compile(r"[0-9]{1,19}", re.ASCII)

#: What a refusal is about: it decides what "not found" and "forbidden" mean.
Subject = Literal["page", "space", "site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, complete but for host and credentials.

    Attributes:
        path: Below the base URL, or below the origin where `public`.
        json: Value of the JSON body; None for none.
        idempotent: Repeating it after a lost answer does no harm.
        public: Sent to the site's origin without credentials; costs no points.
        refusable: A "bad request" means that the site refuses what people want, not
            that we speak to it wrongly.
        points_each: Points for each object of the answer, beside one for the request:
            1 for content, 2 for identities, nothing for writes.
            https://developer.atlassian.com/cloud/confluence/rate-limiting/
        onward: Parameters that go with the cursor of a list's further parts.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    about: Subject
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False
    public: bool = False
    refusable: bool = False
    points_each: int = 0
    onward: Mapping[str, str] = field(default_factory=dict)

    def url(self, base_url: str) -> str:
        """Return the whole address below `base_url`, percent-encoded by RFC 3986."""
        address = base_url.rstrip("/") + self.path
        if not self.params:
            return address
        query = urlencode(self.params, quote_via=quote, safe="", errors="replace")
        return f"{address}?{query}"

    def content(self) -> bytes | None:
        """Return the body as it is sent."""
        if self.json is None:
            return None
        return json.dumps(self.json, ensure_ascii=False).encode("utf-8", "replace")

    def with_params(self, **params: str) -> Call:
        """Return this call with further query parameters."""
        return replace(self, params={**self.params, **params})

    @property
    def limit(self) -> int:
        """How many objects a list is asked for."""
        return int(self.params.get("limit", "1"))


def reading(
    path: str, params: Mapping[str, str], *, about: Subject, points_each: int = 1
) -> Call:
    """Return a call that reads one thing."""
    return Call(
        method="GET",
        path=path,
        params=params,
        about=about,
        idempotent=True,
        points_each=points_each,
    )


def listing(path: str, *, about: Subject) -> Call:
    """Return a call that reads a list, in parts as large as may be."""
    return reading(path, {"limit": str(LIST_LIMIT)}, about=about)


def writing(method: Literal["POST", "PUT"], path: str, body: Mapping[str, Any]) -> Call:
    """Return a call that writes what people want; new versions may be sent again."""
    return Call(
        method=method,
        path=path,
        about="page",
        json=body,
        refusable=True,
        idempotent=method == "PUT",
    )


def deleting(path: str) -> Call:
    """Return a call that deletes one thing."""
    return Call(method="DELETE", path=path, about="page", idempotent=True)


def storage(value: str | None) -> dict[str, str | None]:
    """Return a body in storage format as v2 takes it."""
    return {"representation": "storage", "value": value}


def number(what: str, value: str) -> str:
    """Let only digits into a path: ids may come from anywhere.

    Raises:
        MalformedPayload: It is something else.
    """
    if not _ID.fullmatch(value):
        raise MalformedPayload(what, "not a number")
    return value
