"""Tokens that a host might send, and those that only a forger would."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt

from sandbox.hosts.connect_apps import Installation
from sandbox.hosts.forge_invocations import ForgeInstallation
from sandbox.hosts.qsh import query_string_hash
from tests.functional.house import APP_KEY, House

Claims = dict[str, Any]


def encode(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """Return an HS256 token under any header; PyJWT would refuse the odd ones."""
    parts = [_segment(json.dumps(part).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_segment(mac)}"


def unsigned(claims: Mapping[str, Any]) -> str:
    """Return a token of the algorithm `none`."""
    return jwt.encode(dict(claims), "", algorithm="none")


def _segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# ----------------------------------------------------------------------- Connect


def connect_installation(house: House) -> Installation:
    """Return the app's installation as the site knows it, secret and all."""
    return house.connect._apps.get(APP_KEY)


def connect_claims(
    house: House, path: str, *, method: str = "POST", query: str = "", **changes: Any
) -> Claims:
    """Return claims of a call by the site, with some changed; None leaves one out."""
    now = int(time.time())
    claims = {
        "iss": connect_installation(house).client_key,
        "iat": now,
        "exp": now + 180,
        "qsh": query_string_hash(method, path, query, ""),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def connect_token(
    house: House, path: str, *, secret: str | None = None, **changes: Any
) -> str:
    """Return a token by the site's secret, or by another one."""
    key = connect_installation(house).shared_secret if secret is None else secret
    return jwt.encode(connect_claims(house, path, **changes), key, algorithm="HS256")


def lifecycle_token(
    house: House, path: str, *, kid: str | None = None, **changes: Any
) -> str:
    """Return an RS256 token by the site's own key, its `kid` perhaps changed."""
    key = house.connect._apps.key
    claims = connect_claims(house, path, **{"aud": [house.app_url], **changes})
    headers = {"kid": key.kid if kid is None else kid}
    return jwt.encode(claims, key._private, algorithm="RS256", headers=headers)


def installed_body(house: House, **changes: Any) -> Claims:
    """Return the body of `installed`, with some fields changed."""
    installation = connect_installation(house)
    return {
        "key": APP_KEY,
        "clientKey": installation.client_key,
        "baseUrl": f"{house.site.origin}/wiki",
        "sharedSecret": "a-secret-of-a-stranger-0123456789",
        "productType": "confluence",
        "eventType": "installed",
        **changes,
    }


def webhook_body(page_id: str = "65601", version: int = 7) -> Claims:
    """Return the body of `page_updated`."""
    return {
        "timestamp": int(time.time() * 1000),
        "userAccountId": "712020:somebody",
        "page": {
            "id": int(page_id),
            "idAsString": page_id,
            "version": version,
            "spaceKey": "OPS",
            "contentType": "page",
        },
    }


# ------------------------------------------------------------------------- Forge


def forge_installation(house: House) -> ForgeInstallation:
    """Return the app's living Forge installation."""
    return house.forge._apps.get()


def forge_claims(house: House, endpoint: str, changes: Claims | None = None) -> Claims:
    """Return claims for an endpoint; `changes` are merged into them, deeply."""
    invoker, installation = house.forge._apps.invoker, forge_installation(house)
    now = house.site.clock()
    claims = invoker._claims(installation, endpoint, now=now, session=None)
    return _merged(claims, changes or {})


def forge_token(
    house: House, endpoint: str = "events-ep", changes: Claims | None = None
) -> str:
    """Return an invocation token by Forge's own key."""
    key = house.forge._apps.invoker._keys[-1]
    return key.sign(forge_claims(house, endpoint, changes))


def forge_event(page_id: str = "65601", version: int = 7) -> Claims:
    """Return the body of `updated:page`."""
    return {
        "payload": {
            "eventType": "avi:confluence:updated:page",
            "eventCreatedDate": "2026-11-22T10:00:00.000Z",
            "atlassianId": "712020:somebody",
            "content": {
                "id": page_id,
                "type": "page",
                "version": {"number": version},
                "space": {"id": 32769, "key": "OPS"},
            },
        }
    }


def _merged(claims: Claims, changes: Claims) -> Claims:
    merged = copy.deepcopy(claims)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], value)
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged
