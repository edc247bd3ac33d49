"""Stands in for Atlassian before one app: publishes keys, installs, signs events.

Every event is about a page of its own and carries what a real one does, so that
nothing in the app can take it for a repetition.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, cycle, islice
from threading import Thread
from typing import Any, Literal, TypeAlias

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from typing_extensions import override

HostName: TypeAlias = Literal["connect", "forge"]

APP_KEY = "confluence-ai"
APP_ID = "ari:cloud:ecosystem::app/5b0c7a52-6f0e-4d3b-9a41-0c2f4e8d7a10"
WEBHOOK_PATH = "/connect/webhooks/page_updated"
EVENTS_PATH = "/forge/events"

_KID = "benchmark-key"
_PERSON = "712020:6f1d2c3b-4a59-4e68-8d77-0b1c2d3e4f50"
_TITLE = "Як підготувати середовище до розгортання нової версії"
#: Long enough for a whole benchmark; a real one lives for 25 seconds.
_FIT_SECONDS = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a server must know to verify the stand-in's tokens."""

    client_key: str
    shared_secret: str
    jwk: dict[str, Any]


class StandIn:
    """Keys and identities of one imaginary site with both hosts.

    Args:
        invocation_tokens: How many Forge tokens are signed in advance; they are used
            in turn, since a signature costs more than the request it is for.
    """

    def __init__(self, *, invocation_tokens: int) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._client_key = str(uuid.uuid4())
        self._secret = secrets.token_urlsafe(48)
        self._cloud_id = str(uuid.uuid4())
        self._installation = f"ari:cloud:ecosystem::installation/{uuid.uuid4()}"
        self._numbers = count(1)
        self._tokens = [self._invocation_token() for _ in range(invocation_tokens)]
        self._turn = cycle(self._tokens)

    @property
    def published(self) -> Published:
        """What others need to verify."""
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return Published(
            client_key=self._client_key,
            shared_secret=self._secret,
            jwk={**public, "kid": _KID, "use": "sig", "alg": "RS256"},
        )

    @contextlib.contextmanager
    def publishing(self) -> Iterator[str]:
        """Serve the keys while entered; yield the address."""
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        answers = {
            f"/install-keys/{_KID}": pem,
            "/jwks.json": json.dumps({"keys": [self.published.jwk]}).encode(),
        }
        server = ThreadingHTTPServer(("127.0.0.1", 0), _key_handler(answers))
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def installed(self, base_url: str) -> bytes:
        """Return Connect's `installed` call to the app that lives at `base_url`."""
        now = int(time.time())
        path = "/connect/installed"
        claims = {
            "iss": self._client_key,
            "aud": [base_url],
            "iat": now,
            "exp": now + 180,
            "qsh": _qsh(path),
        }
        token = jwt.encode(claims, self._key, "RS256", headers={"kid": _KID})
        body = {
            "eventType": "installed",
            "key": APP_KEY,
            "clientKey": self._client_key,
            "sharedSecret": self._secret,
            "baseUrl": "https://benchmark.atlassian.net/wiki",
            "productType": "confluence",
        }
        return _request(path, body, f"Authorization: JWT {token}")

    def events(self, host: HostName, many: int) -> list[bytes]:
        """Return so many requests of a host, all different, ready to be sent."""
        make = self._webhook if host == "connect" else self._forge_event
        return [make(next(self._numbers)) for _ in range(many)]

    def _webhook(self, number: int) -> bytes:
        now = time.time()
        claims = {
            "iss": self._client_key,
            "iat": int(now),
            "exp": int(now) + 180,
            "qsh": _qsh(WEBHOOK_PATH),
            "sub": _PERSON,
            "jti": secrets.token_hex(8),
            "context": {},
        }
        page_id = 1_000_000 + number
        body = {
            "userAccountId": _PERSON,
            "accountType": "customer",
            "timestamp": int(now * 1000),
            "updateTrigger": "edit_page",
            "suppressNotifications": False,
            "page": {
                "id": str(page_id),
                "idAsString": str(page_id),
                "title": f"{_TITLE} {number}",
                "spaceKey": "BENCH",
                "spaceId": 32769,
                "creatorAccountId": _PERSON,
                "lastModifierAccountId": _PERSON,
                "creationDate": int(now * 1000) - 86_400_000,
                "modificationDate": int(now * 1000),
                "contentType": "page",
                "version": 2 + number % 40,
                "self": f"https://benchmark.atlassian.net/wiki/pages/{page_id}",
            },
        }
        token = _sign_hs256(claims, self._secret)
        return _request(WEBHOOK_PATH, body, f"Authorization: JWT {token}")

    def _forge_event(self, number: int) -> bytes:
        at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        person = {"accountId": _PERSON, "accountType": "atlassian"}
        content = {
            "id": str(500_000_000 + number),
            "type": "page",
            "status": "current",
            "title": f"{_TITLE} {number}",
            "space": {
                "id": 32769,
                "key": "BENCH",
                "name": "Benchmark",
                "type": "global",
                "status": "current",
            },
            "history": {"latest": True, "createdBy": person, "createdDate": at},
            "version": {"by": person, "when": at, "number": 2 + number % 40},
        }
        event = {
            "eventType": "avi:confluence:updated:page",
            "atlassianId": _PERSON,
            "eventCreatedDate": at,
            "suppressNotifications": False,
            "selfGenerated": False,
            "updateTrigger": "edit_page",
            "content": content,
        }
        return _request(
            EVENTS_PATH,
            {"payload": event},
            f"Authorization: Bearer {next(self._turn)}",
            f"X-Forge-OAuth-System: {self._system_token()}",
        )

    def _system_token(self) -> str:
        """Return a site token: opaque to the app but for its end, new each time."""
        claims = {"exp": int(time.time()) + 10_800, "jti": secrets.token_hex(8)}
        filler = secrets.token_urlsafe(450)
        return _sign_hs256({**claims, "filler": filler}, "not checked by the app")

    def _invocation_token(self) -> str:
        now = int(time.time())
        api = f"https://api.atlassian.com/ex/confluence/{self._cloud_id}"
        context = {"name": "confluence", "apiBaseUrl": api, "cloudId": self._cloud_id}
        claims = {
            "iss": "forge/invocation-token",
            "aud": APP_ID,
            "iat": now,
            "nbf": now,
            "exp": now + _FIT_SECONDS,
            "jti": secrets.token_hex(20),
            "app": {
                "id": APP_ID,
                "appVersion": "1.0.0",
                "installationId": self._installation,
                "apiBaseUrl": api,
                "environment": {
                    "type": "PRODUCTION",
                    "id": f"ari:cloud:ecosystem::environment/{self._cloud_id}",
                },
                "module": {"type": "core:endpoint", "key": "events-ep"},
                "installation": {"id": self._installation, "contexts": [context]},
            },
        }
        return jwt.encode(claims, self._key, "RS256", headers={"kid": _KID})


def nothing(many: int) -> list[bytes]:
    """Return requests that ask for nothing: the speed limit of the generator."""
    return list(islice(cycle([_request("/nothing", {})]), many))


def _request(path: str, body: dict[str, Any], *headers: str) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = "\r\n".join(
        (
            f"POST {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *headers,
        )
    )
    return head.encode() + b"\r\n\r\n" + content


def _qsh(path: str) -> str:
    return hashlib.sha256(f"POST&{path}&".encode()).hexdigest()


def _sign_hs256(claims: dict[str, Any], secret: str) -> str:
    """Sign by hand: a library takes four times as long, and thousands are needed."""
    parts = (json.dumps({"typ": "JWT", "alg": "HS256"}), json.dumps(claims))
    text = b".".join(_base64(part.encode()) for part in parts)
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return (text + b"." + _base64(digest)).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _key_handler(answers: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class KeyHandler(BaseHTTPRequestHandler):
        """Answers with what is published, and keeps quiet about it."""

        def do_GET(self) -> None:
            """Answer one request."""
            content = answers.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return KeyHandler
