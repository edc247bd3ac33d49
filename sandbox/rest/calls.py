"""One REST call as a handler sees it, and what a handler gives back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from starlette.datastructures import QueryParams

from sandbox.principals import Principal
from sandbox.refusals import Malformed
from sandbox.site import Site

Family = Literal["v1", "v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose sender is proved.

    Attributes:
        path: As a client wrote it after the gateway's prefix: `/wiki/...`.
        raw_body: Bytes as received; `json` reads them.
    """

    site: Site
    principal: Principal
    method: str
    path: str
    params: Mapping[str, str]
    query: QueryParams
    raw_body: bytes = b""

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            Malformed: It is not JSON in UTF-8.
        """
        try:
            return json.loads(self.raw_body)
        except (ValueError, RecursionError) as error:
            raise Malformed("Request body is not valid JSON") from error

    def json_object(self) -> dict[str, Any]:
        """Return the decoded body, an object.

        Raises:
            Malformed: It is not JSON, or something else than an object.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise Malformed("Request body must be a JSON object")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler found.

    Attributes:
        body: JSON to send; None sends no body.
        objects: Core objects returned, for the quota.
        identities: Identity objects (users) returned, for the quota.
        next_link: Where the next part of a list is; goes into the Link header.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    objects: int = 0
    identities: int = 0
    next_link: str | None = None


Handler: TypeAlias = Callable[[Call], Answer]

#: Any one of the sets is enough; all scopes of a set are needed.
Scopes: TypeAlias = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of an API.

    Attributes:
        name: Atlassian's operation id, for the log and the quota.
        path: Starlette pattern below `/wiki`.
        write: Costs one point, and v1 asks for the XSRF header.
    """

    name: str
    family: Family
    method: str
    path: str
    handler: Handler
    scopes: Scopes
    write: bool = False
