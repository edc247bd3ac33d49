"""Tests for app.connect.tokens: the security table of Connect, and signing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given, strategies as st

from app.connect.qsh import CONTEXT_QSH, query_string_hash
from app.connect.requests import SignedRequest
from app.connect.tokens import (
    Claims,
    sign,
    unverified_issuer,
    unverified_kid,
    verify_asymmetric,
    verify_symmetric,
)
from app.errors import CredentialsMissing, NotAuthenticated
from tests.unit.connect.signing import (
    BASE_PATH,
    BASE_URL,
    CLIENT_KEY,
    NOW,
    SECRET,
    KeyPair,
    ec_keys,
    make_claims,
    make_request,
    rsa_keys,
    sign_by_hand,
    sign_hs256,
    sign_rs256,
    weak_rsa_keys,
)

REQUEST = make_request()
SECONDS = int(NOW.timestamp())


def symmetric(token: str, request: SignedRequest = REQUEST, **changes: Any) -> Claims:
    arguments: dict[str, Any] = {
        "client_key": CLIENT_KEY,
        "shared_secret": SECRET,
        "base_path": BASE_PATH,
        "now": NOW,
    }
    return verify_symmetric(token, request, **{**arguments, **changes})


def asymmetric(token: str, request: SignedRequest = REQUEST, **changes: Any) -> Claims:
    arguments: dict[str, Any] = {
        "public_key_pem": rsa_keys().public_pem,
        "client_key": CLIENT_KEY,
        "audiences": [BASE_URL],
        "base_path": BASE_PATH,
        "now": NOW,
    }
    return verify_asymmetric(token, request, **{**arguments, **changes})


def hs256(**claims: Any) -> str:
    return sign_hs256(make_claims(REQUEST, **claims))


def rs256(keys: KeyPair | None = None, **claims: Any) -> str:
    return sign_rs256(make_claims(REQUEST, **{"aud": [BASE_URL], **claims}), keys)


def unsigned(algorithm: str) -> str:
    token = sign_by_hand({"alg": algorithm}, json.dumps(make_claims(REQUEST)).encode())
    return token.rpartition(".")[0] + "."


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": SECONDS - 61},
    "no-exp": {"exp": None},
    "no-iat": {"iat": None},
    "no-iss": {"iss": None},
    "no-qsh": {"qsh": None},
    "empty-qsh": {"qsh": ""},
    "exp-a-text": {"exp": str(SECONDS + 180)},
    "exp-true": {"exp": True},
    "exp-beyond-time": {"exp": 10**30},
    "exp-infinite": {"exp": float("inf")},
    "exp-nan": {"exp": float("nan")},
    "nbf-in-the-future": {"nbf": SECONDS + 120},
    "nbf-a-text": {"nbf": "soon"},
    "iat-in-the-future": {"iat": SECONDS + 120},
    "another-tenant": {"iss": "tenant-b"},
    "iss-a-list": {"iss": [CLIENT_KEY]},
    "iss-with-nul": {"iss": CLIENT_KEY + "\0"},
    "context-qsh": {"qsh": CONTEXT_QSH},
    "qsh-of-another-path": {
        "qsh": query_string_hash("POST", "/connect/installed", "lic=none")
    },
    "qsh-of-another-method": {
        "qsh": query_string_hash("GET", "/connect/webhooks/page_updated", "lic=none")
    },
    "qsh-of-another-query": {
        "qsh": query_string_hash("POST", "/connect/webhooks/page_updated", "lic=x")
    },
    "qsh-of-no-query": {
        "qsh": query_string_hash("POST", "/connect/webhooks/page_updated", "")
    },
    "qsh-in-upper-case": {"qsh": make_claims(REQUEST)["qsh"].upper()},
    "qsh-with-foreign-letters": {"qsh": "ключ"},
}

GARBAGE = {
    "empty": "",
    "words": "not a token",
    "two-parts": "a.b",
    "four-parts": "e30.e30.e30.e30",
    "five-parts": "e30.e30.e30.e30.e30",
    "no-signature": "e30.e30.",
    "not-json": "aaaa.bbbb.cccc",
    "json-list": "W10.W10.W10",
    "json-number": "MQ.MQ.MQ",
    "foreign-letters": "їжак.їжак.їжак",
    "line-break": "e30.e30.e30\n",
    "surrogate": "\ud800.\ud800.\ud800",
    "huge": "e30." + "A" * 2_000_000 + ".e30",
    "deep": sign_by_hand({"alg": "HS256"}, b"[" * 9_000),
    "deep-header": "W1tb" * 3_000 + ".e30.e30",
    "padding": "e30=.e30=.e30=",
    "odd-base64": "A.A.A",
}


class TestVerifySymmetric:
    """Tests for app.connect.tokens.verify_symmetric()."""

    def test_good_token(self) -> None:
        """A site's own token for this very request is believed."""
        claims = symmetric(hs256())

        assert claims == Claims(
            issuer=CLIENT_KEY,
            subject="557058:olena",
            context={"content": {"id": "98765"}},
            is_context=False,
            expires_at=NOW + timedelta(seconds=180),
        )

    def test_anonymous_token(self) -> None:
        """A token without a person or a place is the site's own."""
        claims = symmetric(hs256(sub=None, context=None))

        assert (claims.subject, claims.context) == (None, {})

    @pytest.mark.parametrize("seconds", [-59, 239], ids=["early", "late"])
    def test_clocks_may_differ_by_a_minute(self, seconds: int) -> None:
        """A token is accepted a little before it begins and after it ends."""
        moment = NOW + timedelta(seconds=seconds)

        assert symmetric(hs256(), now=moment).issuer == CLIENT_KEY

    @pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
    def test_bad_claims(self, changes: dict[str, Any]) -> None:
        """A good signature does not excuse a wrong claim."""
        token = hs256(**changes)

        with pytest.raises(NotAuthenticated):
            symmetric(token)

    @pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE.keys())
    def test_garbage(self, token: str) -> None:
        """What is no token is refused by name, quickly."""
        with pytest.raises(NotAuthenticated):
            symmetric(token)

    @pytest.mark.parametrize(
        "payload",
        [b"[" * 9_000, b"null", b"{", b"\xff", b'{"exp":' + b"9" * 5_000 + b"}"],
        ids=["deep", "null", "half", "not-utf8", "long-number"],
    )
    def test_signed_nonsense(self, payload: bytes) -> None:
        """Even a good signature over nonsense proves nothing."""
        token = sign_by_hand({"alg": "HS256"}, payload)

        with pytest.raises(NotAuthenticated):
            symmetric(token)

    @pytest.mark.parametrize(
        "token",
        [
            sign_hs256(make_claims(REQUEST), "another-secret-that-is-long-enough-too"),
            unsigned("none"),
            unsigned("None"),
            unsigned("HS256"),
            jwt.encode(make_claims(REQUEST), SECRET * 2, algorithm="HS512"),
            jwt.encode(make_claims(REQUEST), SECRET * 2, algorithm="HS384"),
            rs256(),
            sign_hs256(make_claims(REQUEST), crit=["b64"], b64=False),
        ],
        ids=[
            "wrong-secret",
            "alg-none",
            "alg-None",
            "signature-cut",
            "hs512",
            "hs384",
            "rs256",
            "detached",
        ],
    )
    def test_bad_signatures(self, token: str) -> None:
        """Only HS256 with this tenant's secret will do."""
        with pytest.raises(NotAuthenticated):
            symmetric(token)

    def test_public_key_is_no_secret(self) -> None:
        """A token signed by HMAC with a public key is refused even if it is the secret."""
        pem = rsa_keys().public_pem
        token = sign_by_hand(
            {"alg": "HS256"}, json.dumps(make_claims(REQUEST)).encode(), pem.encode()
        )

        with pytest.raises(NotAuthenticated):
            symmetric(token, shared_secret=pem)

    def test_empty_secret_proves_nothing(self) -> None:
        """A tenant without a secret cannot be imitated with an empty one."""
        payload = json.dumps(make_claims(REQUEST)).encode()
        token = sign_by_hand({"alg": "HS256"}, payload, b"")

        with pytest.raises(NotAuthenticated):
            symmetric(token, shared_secret="")

    @pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
    def test_short_secret_still_works(self) -> None:
        """An old tenant with a short secret is served; the library only warns."""
        payload = json.dumps(make_claims(REQUEST)).encode()
        token = sign_by_hand({"alg": "HS256"}, payload, b"short")

        assert symmetric(token, shared_secret="short").issuer == CLIENT_KEY

    @pytest.mark.parametrize(
        "changes",
        [
            {"raw_path": "/base/connect/webhooks/page_created"},
            {"raw_path": "/connect/webhooks/page_updated%2F"},
            {"raw_path": "/basement/connect/webhooks/page_updated"},
            {"raw_path": "/base/base/connect/webhooks/page_updated"},
            {"method": "PUT"},
            {"raw_query": ""},
            {"raw_query": "lic=none&lic=active"},
            {"raw_query": "lic=none&x=1"},
        ],
    )
    def test_token_replayed_elsewhere(self, changes: dict[str, Any]) -> None:
        """A stolen token opens no other URL."""
        with pytest.raises(NotAuthenticated):
            symmetric(hs256(), make_request(**changes))

    def test_context_token_where_it_is_allowed(self) -> None:
        """A browser frame's token is bound to no URL and says so."""
        claims = symmetric(hs256(qsh=CONTEXT_QSH), allow_context=True)

        assert claims.is_context

    def test_computed_hash_is_still_checked_where_context_is_allowed(self) -> None:
        """Allowing context tokens does not allow stolen ones."""
        token = hs256(qsh=query_string_hash("GET", "/elsewhere", ""))

        with pytest.raises(NotAuthenticated):
            symmetric(token, allow_context=True)

    @given(st.text(max_size=200))
    def test_any_text_is_refused_by_name(self, token: str) -> None:
        """No text makes it raise anything else."""
        with pytest.raises(NotAuthenticated):
            symmetric(token)


class TestVerifyAsymmetric:
    """Tests for app.connect.tokens.verify_asymmetric()."""

    @pytest.mark.parametrize(
        "audience",
        [BASE_URL, [BASE_URL], [BASE_URL + "/"], ["https://other.example", BASE_URL]],
        ids=["text", "list", "slash", "several"],
    )
    def test_good_token(self, audience: Any) -> None:
        """Atlassian's own token for this very call is believed."""
        claims = asymmetric(rs256(aud=audience))

        assert (claims.issuer, claims.is_context) == (CLIENT_KEY, False)

    @pytest.mark.parametrize(
        "changes",
        [
            *BAD_CLAIMS.values(),
            {"aud": ["https://other.example.com"]},
            {"aud": []},
            {"aud": [BASE_URL + "/more"]},
            {"aud": {"is": BASE_URL}},
            {"aud": 7},
        ],
        ids=[*BAD_CLAIMS, "other-aud", "no-aud", "longer-aud", "object-aud", "int-aud"],
    )
    def test_bad_claims(self, changes: dict[str, Any]) -> None:
        """A good signature does not excuse a wrong claim."""
        token = rs256(**changes)

        with pytest.raises(NotAuthenticated):
            asymmetric(token)

    def test_missing_audience(self) -> None:
        """A token for nobody in particular is not for us."""
        token = sign_rs256(make_claims(REQUEST))

        with pytest.raises(NotAuthenticated):
            asymmetric(token)

    @pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE.keys())
    def test_garbage(self, token: str) -> None:
        """What is no token is refused by name."""
        with pytest.raises(NotAuthenticated):
            asymmetric(token)

    @pytest.mark.parametrize(
        "token",
        [
            rs256(rsa_keys("stranger")),
            hs256(aud=[BASE_URL]),
            unsigned("none"),
            sign_by_hand(
                {"alg": "HS256", "kid": "k"},
                json.dumps(make_claims(REQUEST, aud=[BASE_URL])).encode(),
                rsa_keys().public_pem.encode(),
            ),
            sign_by_hand(
                {"alg": "RS256", "kid": "k"},
                json.dumps(make_claims(REQUEST, aud=[BASE_URL])).encode(),
                rsa_keys().public_pem.encode(),
            ),
        ],
        ids=["other-key", "hs256", "none", "confused", "confused-and-renamed"],
    )
    def test_bad_signatures(self, token: str) -> None:
        """Only RS256 with Atlassian's key will do."""
        with pytest.raises(NotAuthenticated):
            asymmetric(token)

    @pytest.mark.parametrize(
        "pem",
        ["", "no key", ec_keys().public_pem, "<html>404</html>", "ключ"],
        ids=["empty", "words", "ec", "html", "ukrainian"],
    )
    def test_bad_keys(self, pem: str) -> None:
        """Whatever the key host answers, nothing but NotAuthenticated comes out."""
        with pytest.raises(NotAuthenticated):
            asymmetric(rs256(), public_key_pem=pem)

    @pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
    def test_weak_key(self) -> None:
        """A key of 1024 bits is not trusted."""
        with pytest.raises(NotAuthenticated):
            asymmetric(
                rs256(weak_rsa_keys()), public_key_pem=weak_rsa_keys().public_pem
            )

    def test_body_of_another_tenant(self) -> None:
        """A tenant's token does not install over another tenant."""
        with pytest.raises(NotAuthenticated):
            asymmetric(rs256(), client_key="tenant-b")


class TestUnverified:
    """Tests for app.connect.tokens.unverified_issuer() and unverified_kid()."""

    def test_issuer(self) -> None:
        """The issuer is read without a key."""
        assert unverified_issuer(hs256()) == CLIENT_KEY

    @pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE.keys())
    def test_garbage(self, token: str) -> None:
        """Neither reader raises anything but NotAuthenticated."""
        for read in (unverified_issuer, unverified_kid):
            with pytest.raises(NotAuthenticated):
                read(token)

    @pytest.mark.parametrize("issuer", ["", "a" * 256, "a\0b", "a\nb", 7, None])
    def test_unusual_issuers(self, issuer: Any) -> None:
        """Nothing that a database would choke on is handed to it."""
        payload = json.dumps({"iss": issuer}).encode()

        with pytest.raises(NotAuthenticated):
            unverified_issuer(sign_by_hand({"alg": "HS256"}, payload))

    @pytest.mark.parametrize(
        "kid", ["0f0e8c5a-7c7f-4f57-9d0e-5a1b0c2d3e4f", "key_2.b", "a" * 128]
    )
    def test_kid(self, kid: str) -> None:
        """An ordinary key id is read without a key."""
        token = sign_by_hand({"alg": "RS256", "kid": kid}, b"{}")

        assert unverified_kid(token) == kid

    @pytest.mark.parametrize(
        "kid",
        [
            "../secret",
            "a/b",
            "a..b",
            "..",
            ".",
            ".hidden",
            "",
            "a" * 129,
            "a b",
            "a%2f",
            "a?b",
            "a#b",
            "a\n",
            "a\\b",
            "ключ",
            7,
            None,
            ["a"],
        ],
    )
    def test_unusual_kids(self, kid: Any) -> None:
        """A key id never reaches into another path of the key host."""
        token = sign_by_hand({"alg": "RS256", "kid": kid}, b"{}")

        with pytest.raises(NotAuthenticated):
            unverified_kid(token)

    @pytest.mark.parametrize("algorithm", ["HS256", "none", "RS512", "rs256", None])
    def test_kid_of_another_algorithm(self, algorithm: Any) -> None:
        """No key is fetched for a token that could not be accepted."""
        token = sign_by_hand({"alg": algorithm, "kid": "k"}, b"{}")

        with pytest.raises(NotAuthenticated):
            unverified_kid(token)


class TestSign:
    """Tests for app.connect.tokens.sign()."""

    SITE = "https://kvitka.atlassian.net/wiki"

    def made(self, method: str, url: str) -> dict[str, Any]:
        token = sign(
            method,
            url,
            app_key="confluence-ai",
            shared_secret=SECRET,
            base_url=self.SITE,
            now=NOW,
        )
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        claims: dict[str, Any] = jwt.decode(
            token, SECRET, algorithms=["HS256"], options=options
        )
        return claims

    def test_issuer_and_times(self) -> None:
        """We speak as the app, for three minutes."""
        claims = self.made("GET", f"{self.SITE}/api/v2/pages/7")

        assert claims["iss"] == "confluence-ai"
        assert datetime.fromtimestamp(claims["iat"], UTC) == NOW
        assert datetime.fromtimestamp(claims["exp"], UTC) == NOW + timedelta(minutes=3)

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("/api/v2/pages/7", "body-format=storage&include-labels=true"),
            ("/rest/api/content/7/label", "name=%D0%BC%D0%B5%D1%80%D0%B5%D0%B6%D0%B0"),
            ("/api/v2/spaces", "keys=ENG,HR&limit=250&cursor=eyJ%3D%3D"),
            ("/rest/api/search", "cql=title~%22a+b%22&cql=x"),
            ("/api/v2/pages", ""),
            ("", ""),
        ],
    )
    def test_hash_leaves_out_the_context_path(self, path: str, query: str) -> None:
        """The hash is over the path without `/wiki`, as the site computes it."""
        url = f"{self.SITE}{path}" + (f"?{query}" if query else "")

        claims = self.made("PUT", url)

        expected = query_string_hash("PUT", f"/wiki{path}", query, base_path="/wiki")
        assert claims["qsh"] == expected

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example.com/wiki/api/v2/pages",
            "https://kvitka.atlassian.net/wikileaks",
            "https://kvitka.atlassian.net/",
            "/api/v2/pages",
        ],
    )
    def test_foreign_urls(self, url: str) -> None:
        """A tenant's secret signs calls to that tenant alone."""
        with pytest.raises(ValueError, match="below"):
            self.made("GET", url)

    @pytest.mark.parametrize("secret", ["", rsa_keys().public_pem])
    def test_unusable_secrets(self, secret: str) -> None:
        """A secret that cannot sign means that credentials are missing."""
        with pytest.raises(CredentialsMissing):
            sign(
                "GET",
                f"{self.SITE}/x",
                app_key="confluence-ai",
                shared_secret=secret,
                base_url=self.SITE,
                now=NOW,
            )
