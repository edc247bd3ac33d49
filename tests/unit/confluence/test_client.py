"""Tests for app.confluence.client over a scripted site."""

from __future__ import annotations

from dataclasses import replace

import httpx
import jwt
import pytest

from app.confluence.client import ConfluenceClient, open_confluence
from app.confluence.pool import open_pool
from app.domain.pages import ContentProperty, Label
from app.errors import (
    AppError,
    ContractBroken,
    CredentialsRefused,
    PageGone,
    PageOutOfReach,
    RateLimited,
    Unavailable,
)
from app.usecases.ports import SiteAccess
from tests.unit.confluence.doubles import (
    NOW,
    Script,
    Signer,
    Sleeps,
    access,
    answer,
    client,
    listing,
    page_json,
)

pytestmark = pytest.mark.anyio


def _label(number: int) -> dict[str, str]:
    return {"id": str(number), "name": f"l{number}", "prefix": "global"}


def _property(**changes: object) -> dict[str, object]:
    return {"id": "11", "key": "ai", "value": 1, "version": {"number": 3}, **changes}


class TestGetPage:
    """Tests for get_page()."""

    async def test_one_request(self) -> None:
        """Page, labels and properties cost one request and two points."""
        site = Script(answer(data=page_json()))
        confluence = client(site)

        page = await confluence.get_page("65601")

        assert page.labels == (Label(id="9", name="deploy"),)
        assert page.property("content-appearance-published") is not None
        assert (confluence.meter.requests, confluence.meter.points) == (1, 2)
        assert site.requests[0].url.path == (
            "/ex/confluence/1111-2222/wiki/api/v2/pages/65601"
        )

    async def test_further_labels_and_properties_are_fetched(self) -> None:
        """What did not fit into the page's answer is read to the end."""
        part = {"results": [], "meta": {"hasMore": True, "cursor": "c"}}
        site = Script(
            answer(data=page_json(labels=part, properties=part)),
            listing([_label(1)], "/wiki/api/v2/pages/65601/labels?cursor=c2"),
            listing([_label(2)]),
            listing([_property()]),
        )

        page = await client(site).get_page("65601")

        assert page.labels == (Label(id="1", name="l1"), Label(id="2", name="l2"))
        assert [p.key for p in page.properties] == ["ai"]

    async def test_live_page_is_asked_for_as_adf(self) -> None:
        """A live doc has no storage format worth reading."""
        body = {"atlas_doc_format": {"value": "{}"}}
        site = Script(answer(data=page_json(body=body)))

        page = await client(site).get_page("65601", live=True)

        assert page.body_format == "atlas_doc_format"
        assert site.queries[0]["body-format"] == "atlas_doc_format"

    @pytest.mark.parametrize("status", ["trashed", "deleted"])
    async def test_page_in_the_bin_is_gone(self, status: str) -> None:
        """A trashed page is still answered with 200, but it is gone."""
        with pytest.raises(PageGone):
            await client(Script(answer(data=page_json(status=status)))).get_page("1")

    async def test_missing_body_is_not_an_empty_page(self) -> None:
        """A page that came without its body must not look emptied."""
        with pytest.raises(ContractBroken, match="storage body"):
            await client(Script(answer(data=page_json(body={})))).get_page("1")


class TestAuthorization:
    """Tests for the credentials of each request."""

    async def test_forge_sends_its_token(self) -> None:
        """The system token travels as a bearer token."""
        site = Script(answer(data=page_json()))

        await client(site, site=access("forge", secret="tok")).get_page("1")

        assert site.requests[0].headers["authorization"] == "Bearer tok"

    async def test_connect_signs_every_try_anew(self) -> None:
        """A retried request has a new token for exactly what is sent."""
        site = Script(answer(502), answer(data=page_json()))
        signer = Signer()

        await client(site, site=access("connect"), sign=signer).get_page("1")

        sent = [request.headers["authorization"] for request in site.requests]
        assert sent == ["JWT our-app-token-1-1000-1", "JWT our-app-token-1-1000-2"]
        urls = [str(request.url) for request in site.requests]
        assert urls == [url for _, url, _ in signer.signed]

    async def test_signed_address_is_the_sent_address(self) -> None:
        """No client library respells the query after it was signed."""
        site = Script(answer(204))
        signer = Signer()

        await client(site, site=access("connect"), sign=signer).remove_label(
            "1", "ї'(a)*~+&%20"
        )

        assert str(site.requests[0].url) == signer.signed[0][1]
        assert site.queries[0] == {"name": "ї'(a)*~+&%20"}

    async def test_our_own_signer_fits(self) -> None:
        """The signer of app.connect is used unless another is given."""
        site = Script(answer(data=page_json()))
        secret = "a-shared-secret-of-sufficient-length"
        opener = open_confluence(open_pool(httpx.MockTransport(site)))

        async with opener(access("connect", secret=secret)) as confluence:
            await confluence.get_page("1")

        scheme, token = site.requests[0].headers["authorization"].split()
        claims = jwt.decode(
            token, secret, algorithms=["HS256"], options={"verify_aud": False}
        )
        assert (scheme, claims["iss"]) == ("JWT", "our-app")

    @pytest.mark.parametrize("secret", ["", "a b", "a\nb", "токен", "x\x00"])
    async def test_garbled_token_is_not_sent(self, secret: str) -> None:
        """A token that fits no header is refused without quoting it."""
        site = Script()

        with pytest.raises(CredentialsRefused) as caught:
            await client(site, site=access(secret=secret)).get_page("1")

        assert site.requests == []
        assert not secret or secret not in str(caught.value)

    async def test_cookies_are_not_kept(self) -> None:
        """The gateway's cookie for one tenant does not travel with another's call."""
        site = Script(
            answer(data=page_json(), set_cookie="tenant=one; Path=/"),
            answer(data=page_json()),
        )
        confluence = client(site)

        await confluence.get_page("1")
        await confluence.get_page("1")

        assert "cookie" not in site.requests[1].headers

    async def test_we_say_who_we_are(self) -> None:
        """Requests carry our name and ask for JSON."""
        site = Script(answer(data=page_json()))

        await client(site).get_page("1")

        assert site.requests[0].headers["user-agent"].startswith("confluence-ai/")
        assert site.requests[0].headers["accept"] == "application/json"

    async def test_redirect_is_not_followed(self) -> None:
        """Credentials never travel to where a redirect points."""
        site = Script(answer(302, location="https://evil.example/"))

        with pytest.raises(ContractBroken, match="302"):
            await client(site).get_page("1")

        assert len(site.requests) == 1


class TestRetries:
    """Tests for repeated tries."""

    async def test_reads_are_repeated(self) -> None:
        """Two troubles pass unnoticed but for their cost and two short waits."""
        site = Script(httpx.ConnectError("no"), answer(503), answer(data=page_json()))
        sleeps = Sleeps()
        confluence = client(site, sleep=sleeps)

        await confluence.get_page("1")

        assert len(sleeps.seconds) == 2
        assert all(0.2 <= seconds <= 1 for seconds in sleeps.seconds)
        assert (confluence.meter.requests, confluence.meter.points) == (3, 4)

    async def test_the_third_trouble_is_the_queues(self) -> None:
        """After three tries the error goes up."""
        site = Script(*(answer(500) for _ in range(4)))

        with pytest.raises(Unavailable):
            await client(site).get_page("1")

        assert site.unused == 1

    async def test_removal_of_a_label_is_repeated(self) -> None:
        """Taking a label off twice is the same as once."""
        site = Script(httpx.ReadTimeout("slow"), answer(204))

        await client(site).remove_label("1", "a")

        assert site.unused == 0

    @pytest.mark.parametrize("version", [None, 3])
    async def test_writes_are_not_repeated(self, version: int | None) -> None:
        """A write whose answer was lost may have landed: somebody must look first."""
        current = ContentProperty(id="11", key="ai", value=0, version=version or 0)
        site = Script(httpx.ReadTimeout("slow"), answer(data=_property()))

        with pytest.raises(Unavailable):
            await client(site).put_property(
                "1", "ai", 1, current=current if version else None
            )

        assert site.unused == 1

    async def test_added_labels_are_not_repeated(self) -> None:
        """Between two tries a person may have taken the label off."""
        site = Script(answer(500), answer(data={"results": []}))

        with pytest.raises(Unavailable):
            await client(site).add_labels("1", ["a"])

        assert site.unused == 1

    @pytest.mark.parametrize(
        ("refusal", "error"),
        [
            (answer(429, retry_after="1"), RateLimited),
            (answer(503, retry_after="30"), Unavailable),
            (answer(403), PageOutOfReach),
            (answer(410), ContractBroken),
        ],
        ids=["429", "503-long", "403", "410"],
    )
    async def test_what_a_second_will_not_cure_is_not_repeated(
        self, refusal: httpx.Response, error: type[AppError]
    ) -> None:
        """Limits, long waits and final answers are not asked again here."""
        site = Script(refusal, answer(data=page_json()))

        with pytest.raises(error):
            await client(site).get_page("1")

        assert site.unused == 1


class TestIdentity:
    """Tests for current_account_id() and cloud_id()."""

    async def test_account(self) -> None:
        """An identity costs three points."""
        site = Script(answer(data={"accountId": "557058:app", "type": "known"}))
        confluence = client(site)

        assert await confluence.current_account_id() == "557058:app"
        assert confluence.meter.points == 3

    async def test_cloud_id_of_a_connect_site(self) -> None:
        """The site tells its id without credentials, at no points."""
        site = Script(answer(data={"cloudId": "c-1"}))
        confluence = client(site, site=access("connect"))

        assert await confluence.cloud_id() == "c-1"
        assert str(site.requests[0].url) == "https://site.example/_edge/tenant_info"
        assert "authorization" not in site.requests[0].headers
        assert (confluence.meter.requests, confluence.meter.points) == (1, 0)

    async def test_cloud_id_of_a_forge_site(self) -> None:
        """The gateway's address holds the id."""
        assert await client(Script()).cloud_id() == "1111-2222"

    async def test_forge_address_without_cloud_id(self) -> None:
        """Another address is not guessed at."""
        site = replace(access(), base_url="https://site.example/wiki")

        with pytest.raises(ContractBroken, match="cloud id"):
            await client(Script(), site=site).cloud_id()


@pytest.mark.parametrize("base_url", ["ftp://site.example/wiki", "https://[::1/wiki"])
async def test_address_that_cannot_be_called(base_url: str) -> None:
    """A base URL that is none breaks the contract; it is no outage."""
    site = SiteAccess(host="forge", base_url=base_url, secret="s", app_key="k")
    confluence = ConfluenceClient(open_pool(), site, now=lambda: NOW)

    with pytest.raises(ContractBroken, match="cannot be sent"):
        await confluence.get_page("1")
