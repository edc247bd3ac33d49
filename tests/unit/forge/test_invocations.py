"""Tests for app.forge.invocations: the security table of Forge."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given, strategies as st

from app.errors import NotAuthenticated
from app.forge.invocations import Invocation, bearer_of, unverified_kid, verify
from tests.unit.connect.signing import sign_by_hand
from tests.unit.forge.invoking import (
    API_BASE_URL,
    APP_ID,
    CLOUD_ID,
    INSTALLATION_ID,
    KID,
    NOW,
    OTHER_CLOUD_ID,
    changed,
    jwk,
    make_claims,
    private_key,
    sign,
)

SECONDS = int(NOW.timestamp())
OTHER_APP = "ari:cloud:ecosystem::app/00000000-0000-4000-8000-000000000000"
SECRET = "a-secret-that-is-long-enough-for-hs256-signatures"


def verified(token: str, **changes: Any) -> Invocation:
    arguments: dict[str, Any] = {
        "key": jwk(),
        "app_id": APP_ID,
        "environments": {"PRODUCTION"},
        "api_hosts": ["api.atlassian.com"],
        "module_keys": {"events-ep"},
        "now": NOW,
    }
    return verify(token, **{**arguments, **changes})


BAD_CLAIMS: list[tuple[str, Any]] = [
    ("exp", SECONDS - 11),
    ("exp", ...),
    ("exp", "soon"),
    ("nbf", SECONDS + 60),
    ("iat", SECONDS + 60),
    ("iat", ...),
    ("iss", "forge"),
    ("iss", ...),
    ("aud", OTHER_APP),
    ("aud", [OTHER_APP]),
    ("aud", APP_ID.rpartition("/")[2]),
    ("aud", ...),
    ("aud", None),
    ("app", ...),
    ("app", "app"),
    ("app.id", OTHER_APP),
    ("app.id", ...),
    ("app.environment", ...),
    ("app.environment.type", "DEVELOPMENT"),
    ("app.environment.type", "production"),
    ("app.environment.type", ...),
    ("app.module", ...),
    ("app.module.key", "ui-ep"),
    ("app.module.key", ["events-ep"]),
    ("app.module.key", ...),
    ("app.installationId", ...),
    ("app.installationId", "75969db9-dc7b-4798-9715-bd098ac0d9d1"),
    ("app.installationId", INSTALLATION_ID + "/../x"),
    ("app.installationId", INSTALLATION_ID + "\0"),
    ("app.installation.id", INSTALLATION_ID[:-1] + "2"),
    ("app.installation.contexts.0.cloudId", OTHER_CLOUD_ID),
    ("app.installation.contexts.0.cloudId", 7),
    ("context", {"cloudId": OTHER_CLOUD_ID}),
    ("context", {"cloudId": "../" + CLOUD_ID}),
    ("app.apiBaseUrl", ...),
    ("app.apiBaseUrl", f"https://api.atlassian.com/ex/confluence/{OTHER_CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://evil.example.com/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"http://api.atlassian.com/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com:8443/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com@evil.com/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://u:p@api.atlassian.com/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com.evil.com/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com/ex/jira/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com/x/../ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com/x/ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"https://api.atlassian.com//ex/confluence/{CLOUD_ID}"),
    ("app.apiBaseUrl", f"{API_BASE_URL}/"),
    ("app.apiBaseUrl", f"{API_BASE_URL}/wiki"),
    ("app.apiBaseUrl", f"{API_BASE_URL}?x=1"),
    ("app.apiBaseUrl", f"{API_BASE_URL}#x"),
    ("app.apiBaseUrl", f"{API_BASE_URL}\n"),
    ("app.apiBaseUrl", "https://api.atlassian.com/ex/confluence/.."),
    (
        "app.apiBaseUrl",
        f"https://evil.com\\.api.atlassian.com/ex/confluence/{CLOUD_ID}",
    ),
    ("app.apiBaseUrl", API_BASE_URL.upper()),
    ("principal", 7),
    ("principal", ""),
]


class TestVerify:
    """Tests for app.forge.invocations.verify()."""

    def test_event(self) -> None:
        """A call for an event names app, installation and site, and no person."""
        invocation = verified(sign(make_claims()))

        assert invocation == Invocation(
            app_id=APP_ID,
            installation_id=INSTALLATION_ID,
            environment_type="PRODUCTION",
            environment_id="ari:cloud:ecosystem::environment/aa911f10",
            module_type="core:endpoint",
            module_key="events-ep",
            api_base_url=API_BASE_URL,
            cloud_id=CLOUD_ID,
            account_id=None,
            app_version="2.1.0",
            context={},
            expires_at=NOW + timedelta(seconds=25),
        )

    def test_frame(self) -> None:
        """A call of a frame names the person and the place as well."""
        claims = changed(make_claims(), "app.module", {"type": "x", "key": "ui-ep"})
        claims |= {
            "principal": "557058:olena",
            "context": {"cloudId": CLOUD_ID, "extension": {"content": {"id": "7"}}},
        }

        invocation = verified(sign(claims), module_keys={"ui-ep"})

        assert invocation.account_id == "557058:olena"
        assert invocation.context["extension"] == {"content": {"id": "7"}}

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("app.installation", ...),
            ("app.installation.contexts", []),
            ("app.installation.contexts", [{"name": "jira", "cloudId": "x"}]),
            ("app.installation.contexts", [None, 7]),
            ("app.appVersion", ...),
            ("app.environment.id", ...),
            ("app.module.type", ...),
            ("nbf", ...),
            ("aud", [APP_ID]),
            ("context", None),
            ("exp", SECONDS - 9),
        ],
    )
    def test_what_may_be_missing(self, path: str, value: Any) -> None:
        """The documents leave some fields open; the site is known all the same."""
        invocation = verified(sign(changed(make_claims(), path, value)))

        assert invocation.cloud_id == CLOUD_ID

    def test_named_origin_instead_of_the_gateway(self) -> None:
        """A gateway of the operator's own choice is named by its origin."""
        url = f"http://127.0.0.1:8090/ex/confluence/{CLOUD_ID}"
        claims = changed(make_claims(), "app.apiBaseUrl", url)

        invocation = verified(sign(claims), api_hosts=["http://127.0.0.1:8090"])

        assert invocation.api_base_url == url

    @pytest.mark.parametrize(("path", "value"), BAD_CLAIMS)
    def test_bad_claims(self, path: str, value: Any) -> None:
        """A good signature does not excuse a wrong claim."""
        token = sign(changed(make_claims(), path, value))

        with pytest.raises(NotAuthenticated):
            verified(token)

    @pytest.mark.parametrize(
        "changes",
        [
            {"app_id": OTHER_APP},
            {"app_id": ""},
            {"environments": {"DEVELOPMENT", "STAGING"}},
            {"environments": set()},
            {"api_hosts": []},
            {"api_hosts": ["api.stg.atlassian.com"]},
            {"module_keys": {"lifecycle-ep"}},
            {"module_keys": set()},
            {"now": NOW + timedelta(seconds=36)},
            {"now": NOW - timedelta(seconds=11)},
            {"key": jwk("stranger")},
            {"key": jwk(kid="another")},
            {"key": jwk(kty="oct", k="c2VjcmV0")},
            {"key": jwk(n=None)},
            {"key": jwk(n="!!!")},
            {"key": {}},
        ],
        ids=[
            "other-app",
            "no-app",
            "other-environments",
            "no-environments",
            "no-hosts",
            "other-hosts",
            "other-route",
            "no-route",
            "late",
            "early",
            "other-key",
            "other-kid",
            "symmetric-key",
            "half-a-key",
            "broken-key",
            "no-key",
        ],
    )
    def test_elsewhere(self, changes: dict[str, Any]) -> None:
        """A good token is good for one app, environment, route, moment and key."""
        token = sign(make_claims())

        with pytest.raises(NotAuthenticated):
            verified(token, **changes)

    def test_confused_algorithm(self) -> None:
        """A token signed by HMAC with what is public is refused, however it is named."""
        payload = json.dumps(make_claims()).encode()
        public = json.dumps(jwk()).encode()

        for algorithm in ("HS256", "RS256"):
            token = sign_by_hand({"alg": algorithm, "kid": KID}, payload, public)
            with pytest.raises(NotAuthenticated):
                verified(token)

    def test_other_algorithms(self) -> None:
        """The right key with another algorithm is refused."""
        unsigned = jwt.encode(make_claims(), "", algorithm="none")
        tokens = [
            sign(make_claims(), alg="RS512"),
            sign(make_claims(), alg="PS256"),
            jwt.encode(make_claims(), SECRET, algorithm="HS256", headers={"kid": KID}),
            unsigned,
            unsigned + "AA",
        ]

        for token in tokens:
            with pytest.raises(NotAuthenticated):
                verified(token)

    def test_changed_payload(self) -> None:
        """One changed byte of the claims breaks the signature."""
        header, _, signature = sign(make_claims()).split(".")
        claims = changed(make_claims(), "app.module.key", "ui-ep")
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode())

        with pytest.raises(NotAuthenticated):
            verified(f"{header}.{payload.decode().rstrip('=')}.{signature}")

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "a.b.c",
            "e30.e30.e30",
            "e30." + "A" * 2_000_000 + ".e30",
            "ї.ї.ї",
            "\ud800",
        ],
        ids=["empty", "letters", "objects", "huge", "ukrainian", "surrogate"],
    )
    def test_garbage(self, token: str) -> None:
        """What is no token is refused by name."""
        with pytest.raises(NotAuthenticated):
            verified(token)

    @given(st.text(max_size=200))
    def test_any_text_is_refused_by_name(self, token: str) -> None:
        """No text makes it raise anything else."""
        with pytest.raises(NotAuthenticated):
            verified(token)

    def test_the_key_may_lack_hints(self) -> None:
        """A JWK without use, alg and kid is as good."""
        key = jwk(use=None, alg=None, kid=None)

        assert verified(sign(make_claims()), key=key).cloud_id == CLOUD_ID


class TestUnverifiedKid:
    """Tests for app.forge.invocations.unverified_kid()."""

    def test_kid(self) -> None:
        """The key id is read without a key."""
        assert unverified_kid(sign(make_claims())) == KID

    @pytest.mark.parametrize("kid", ["../x", "a/b", "", "a" * 129, "a\0", "ключ"])
    def test_unusual(self, kid: str) -> None:
        """An unusual key id is not looked up."""
        with pytest.raises(NotAuthenticated):
            unverified_kid(sign(make_claims(), kid=kid))


class TestBearerOf:
    """Tests for app.forge.invocations.bearer_of()."""

    @pytest.mark.parametrize(
        "header", ["Bearer a.b.c", "bearer a.b.c", " Bearer  a.b.c "]
    )
    def test_token(self, header: str) -> None:
        """The token follows the scheme, whose case does not matter."""
        assert bearer_of(header) == "a.b.c"

    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer ", "JWT a.b.c", "Bearera.b.c", "a.b.c"]
    )
    def test_none(self, header: str | None) -> None:
        """Another header holds no token."""
        with pytest.raises(NotAuthenticated):
            bearer_of(header)


def test_the_private_key_is_cached() -> None:
    """The doubles sign with one key, or every test above would prove nothing."""
    assert private_key() is private_key()
