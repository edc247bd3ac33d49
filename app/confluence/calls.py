"""What we ask of Confluence: method, path, query and body of each call, as values.

Pure. Paths hang below a site's base URL (`…/wiki`). Labels are written by v1, since
v2 can only read them; everything else is v2.
https://developer.atlassian.com/cloud/confluence/rest/v2/intro/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, urlencode

from app.domain.labels import MAX_LENGTH
from app.domain.pages import BodyFormat, ContentProperty
from app.errors import MalformedPayload

#: The most that lists of v2 give at once.
LIST_LIMIT = 250

#: A content property's value may have 32 KB.
#: https://developer.atlassian.com/cloud/confluence/confluence-entity-properties/
MAX_PROPERTY = 32_768

#: Reserved and read-only; where Atlassian keeps an app's former client key.
#: https://developer.atlassian.com/platform/adopting-forge-from-connect/migrate-connect-clientkey/
CLIENT_KEY_PROPERTY = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8"

_V2 = "/api/v2"
_V1 = "/rest/api"
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
        points_each: Points for each object of the answer, beside one for the request:
            1 for content, 2 for identities, nothing for writes.
            https://developer.atlassian.com/cloud/confluence/rate-limiting/
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    about: Subject
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False
    public: bool = False
    points_each: int = 0

    def url(self, base_url: str) -> str:
        """Return the whole address below `base_url`, percent-encoded by RFC 3986."""
        address = base_url.rstrip("/") + self.path
        if not self.params:
            return address
        return f"{address}?{urlencode(self.params, quote_via=quote, safe='')}"

    def content(self) -> bytes | None:
        """Return the body as it is sent."""
        if self.json is None:
            return None
        return json.dumps(self.json, ensure_ascii=False).encode("utf-8")

    def with_params(self, **params: str) -> Call:
        """Return this call with further query parameters."""
        return replace(self, params={**self.params, **params})

    @property
    def limit(self) -> int:
        """How many objects a list is asked for."""
        return int(self.params.get("limit", "1"))


def get_page(page_id: str, body_format: BodyFormat) -> Call:
    """Read a page with body, version, and up to 50 labels and properties each."""
    params = {
        "body-format": body_format,
        "include-labels": "true",
        "include-properties": "true",
        "include-version": "true",
    }
    path = f"{_V2}/pages/{_page(page_id)}"
    return _read(path, params, about="page")


def page_labels(page_id: str) -> Call:
    """List all labels of a page."""
    return _list(f"{_V2}/pages/{_page(page_id)}/labels", about="page")


def page_properties(page_id: str, key: str | None = None) -> Call:
    """List a page's content properties, or the one under `key`."""
    call = _list(f"{_V2}/pages/{_page(page_id)}/properties", about="page")
    return call if key is None else call.with_params(key=key)


def page_ancestors(page_id: str) -> Call:
    """List a page's ancestors, topmost first."""
    return _list(f"{_V2}/pages/{_page(page_id)}/ancestors", about="page")


def get_space(space_id: str) -> Call:
    """Read one space."""
    return _read(f"{_V2}/spaces/{_number('space id', space_id)}", {}, about="space")


def spaces() -> Call:
    """List the spaces that the app can see."""
    return _list(f"{_V2}/spaces", about="site")


def space_pages(space_id: str) -> Call:
    """List a space's current pages with their bodies."""
    path = f"{_V2}/spaces/{_number('space id', space_id)}/pages"
    params = {"status": "current", "body-format": "storage"}
    return _list(path, about="space").with_params(**params)


def space_labels(space_id: str) -> Call:
    """List the labels on a space's content."""
    path = f"{_V2}/spaces/{_number('space id', space_id)}/content/labels"
    return _list(path, about="space")


def label_pages(label_id: str) -> Call:
    """List the pages that carry a label."""
    return _list(f"{_V2}/labels/{_number('label id', label_id)}/pages", about="site")


def add_labels(page_id: str, names: Sequence[str]) -> Call:
    """Put labels on a page; the answer lists all that it has then.

    Idempotent by nature, yet not repeated blindly: between two tries a person may
    have taken a label off again, and a person wins.

    Raises:
        MalformedPayload: A name is empty, too long, or has white space, at which
            Confluence would split it into several labels without an error.
    """
    labels = [{"prefix": "global", "name": _label(name)} for name in names]
    return Call(
        method="POST",
        path=_labels_path(page_id),
        about="page",
        json=list({label["name"]: label for label in labels}.values()),
        headers={"X-Atlassian-Token": "no-check"},
    )


def remove_label(page_id: str, name: str) -> Call:
    """Take a label off a page. By query: names with a slash fit no path."""
    return Call(
        method="DELETE",
        path=_labels_path(page_id),
        about="page",
        params={"name": _label(name)},
        headers={"X-Atlassian-Token": "no-check"},
        idempotent=True,
    )


def put_property(
    page_id: str, key: str, value: Any, current: ContentProperty | None
) -> Call:
    """Create a content property, or write the version after `current`.

    Raises:
        MalformedPayload: The value is larger than Confluence keeps, or no JSON.
    """
    path = f"{_V2}/pages/{_page(page_id)}/properties"
    body: dict[str, Any] = {"key": key, "value": _property_value(value)}
    if current is None:
        return Call(method="POST", path=path, about="page", json=body)
    body["version"] = {"number": current.version + 1}
    path = f"{path}/{_number('property id', current.id)}"
    return Call(method="PUT", path=path, about="page", json=body)


def current_user() -> Call:
    """Read who we are on the site."""
    return _read(f"{_V1}/user/current", {}, about="site", points_each=2)


def tenant_info() -> Call:
    """Read the site's cloud id, which every site tells everybody."""
    call = _read("/_edge/tenant_info", {}, about="site", points_each=0)
    return replace(call, public=True)


def connect_client_key(app_key: str) -> Call:
    """Read the reserved app property that names our Connect installation."""
    # About the space: there may be no such property, which is no trouble of the site.
    return _read(
        f"/rest/atlassian-connect/1/addons/{quote(app_key, safe='')}"
        f"/properties/{CLIENT_KEY_PROPERTY}",
        {},
        about="space",
        points_each=0,
    )


def _read(
    path: str, params: Mapping[str, str], *, about: Subject, points_each: int = 1
) -> Call:
    return Call(
        method="GET",
        path=path,
        params=params,
        about=about,
        idempotent=True,
        points_each=points_each,
    )


def _list(path: str, *, about: Subject) -> Call:
    return _read(path, {"limit": str(LIST_LIMIT)}, about=about)


def _labels_path(page_id: str) -> str:
    return f"{_V1}/content/{_page(page_id)}/label"


def _page(page_id: str) -> str:
    return _number("page id", page_id)


def _number(what: str, value: str) -> str:
    """Let only digits into a path: ids may come from anywhere."""
    if not _ID.fullmatch(value):
        raise MalformedPayload(what, "not a number")
    return value


def _label(name: str) -> str:
    if not name or len(name) > MAX_LENGTH or any(map(str.isspace, name)):
        raise MalformedPayload("label", "empty, too long, or with white space")
    return name


def _property_value(value: Any) -> Any:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedPayload("property", "not a JSON value") from error
    if size > MAX_PROPERTY:
        raise MalformedPayload("property", f"larger than {MAX_PROPERTY} bytes")
    return value
