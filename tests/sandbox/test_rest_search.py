"""Tests for search by CQL over REST v1."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.site import Site
from tests.fakes.sandbox_site import (
    StubHost,
    add_page,
    app_client,
    client_of,
    eng,
    make_site,
)

pytestmark = pytest.mark.anyio

SEARCH = "/wiki/rest/api/search"


def library() -> tuple[Site, dict[str, str]]:
    """Return a site with some pages, and their ids by title."""
    site = make_site()
    other = site.create_space(key="DOC", name="Docs", actor=site.admin)
    ids: dict[str, str] = {}
    ids["Інструкція"] = add_page(site, "Інструкція", body="<p>Перезапуск бази</p>")
    ids["Runbook of deploys"] = add_page(
        site, "Runbook of deploys", body="<p>Roll &amp; back</p>"
    )
    ids["Child"] = add_page(
        site, "Child", parent_id=ids["Runbook of deploys"], body="<p>back</p>"
    )
    ids['Say "x"'] = add_page(
        site, 'Say "x"', space_id=other.id, parent_id=other.homepage_id
    )
    site.add_labels(ids["Child"], [("global", "deploy")], site.admin)
    site.add_labels(
        ids["Інструкція"], [("global", "deploy"), ("global", "база")], site.admin
    )
    return site, ids


async def find(site: Site, cql: str) -> httpx.Response:
    """Search as Olena."""
    async with client_of(site) as client:
        return await client.get(SEARCH, params={"cql": cql})


def titles(answer: httpx.Response) -> list[str]:
    """Return what was found."""
    assert answer.status_code == 200, answer.text
    return [row["content"]["title"] for row in answer.json()["results"]]


_I, _R, _C, _S = "Інструкція", "Runbook of deploys", "Child", 'Say "x"'


class TestQueries:
    """Tests for what queries find."""

    @pytest.mark.parametrize(
        ("cql", "found"),
        [
            ("label = deploy", [_I, _C]),
            ("LABEL = DEPLOY AND label in (база, x)", [_I]),
            ("label != deploy and space = eng", ["Engineering", _R]),
            ("label not in (deploy) and space.key in (ENG, nowhere)", ["Engineering", _R]),
            ("not label = deploy and not space = ENG", ["Docs", _S]),
            ('title = "runbook OF deploys"', [_R]),
            ('title ~ "deploys runbook"', [_R]),
            ('title ~ "run"', []),
            ('title ~ "run*"', [_R]),
            ("title !~ deploys and space = ENG and label != deploy", ["Engineering"]),
            ("text ~ бази", [_I]),
            ("text ~ 'back'", [_R, _C]),
            ('text ~ "roll & back"', [_R]),
            ('title = "Say \\"x\\""', [_S]),
            ("ancestor = {R}", [_C]),
            ("ancestor = {E}", [_I, _R, _C]),
            ("parent = {R} or id = {I}", [_I, _C]),
            ("content in ({R}, {C})", [_R, _C]),
            ("label = deploy or title ~ runbook and space = DOC", [_I, _C]),
            ("(label = deploy or title ~ runbook) and space = ENG", [_I, _R, _C]),
            ("type = page and space = DOC", ["Docs", _S]),
            ("type = blogpost", []),
            ("type in (blogpost, page) and id = {C}", [_C]),
            ("space = nowhere", []),
            ("label = deploy order by title", [_C, _I]),
            ("label = deploy order by title desc", [_I, _C]),
            ("space = ENG order by lastmodified desc, id asc", [_C, _R, _I, "Engineering"]),
            ("order by created", ["Engineering", "Docs", _I, _R, _C, _S]),
        ],
    )  # fmt: skip
    async def test_found(self, cql: str, found: list[str]) -> None:
        """Fields, operators, brackets, precedence and order."""
        site, ids = library()
        places = {"R": ids[_R], "C": ids[_C], "I": ids[_I], "E": eng(site).homepage_id}
        for name, page_id in places.items():
            cql = cql.replace(f"{{{name}}}", str(page_id))

        assert titles(await find(site, cql)) == found

    @pytest.mark.parametrize(
        "cql",
        [
            *("label", "label =", "= x", "label = x and", "(label = x", "label = x)"),
            *("label = x label = y", "label ~ x", "text = x", "status = current"),
            *("label in ()", "label in x", "label in (x", "label not = x", "not"),
            *(
                'title = "x',
                "title = and",
                "order by",
                "order by colour",
                "order title",
            ),
            *("id = 1 order by id id", "x > 1", "(" * 100 + "id = 1" + ")" * 100, "!"),
        ],
    )
    async def test_malformed(self, cql: str) -> None:
        """What cannot be read is 400, in the words of v1."""
        answer = await find(make_site(), cql)

        assert answer.status_code == 400
        assert answer.json()["message"] == (
            "com.atlassian.confluence.api.service.exceptions.BadRequestException: "
            f"Could not parse cql : {cql}"
        )

    @pytest.mark.parametrize("query", ["", "cql=", "cql=%20", "cql=id%3D1&limit=x"])
    async def test_bad_parameters(self, query: str) -> None:
        """A query is needed, and a limit is a number."""
        async with client_of(make_site()) as client:
            answer = await client.get(f"{SEARCH}?{query}")

        assert answer.status_code == 400


class TestResults:
    """Tests for what comes back."""

    async def test_shape(self) -> None:
        """The page stands in an envelope whose title is escaped."""
        site, ids = library()

        body = (await find(site, f"id = {ids[_S]}")).json()

        (row,) = body["results"]
        assert (row["content"]["id"], row["content"]["type"]) == (ids[_S], "page")
        assert (row["title"], row["content"]["title"]) == ("Say &quot;x&quot;", _S)
        assert row["entityType"] == "content"
        assert (body["size"], body["totalSize"], body["limit"]) == (1, 1, 25)
        assert body["_links"]["base"] == f"{site.origin}/wiki"
        assert "next" not in body["_links"]

    async def test_what_is_not_indexed(self) -> None:
        """Drafts, archived pages and the bin are never found."""
        site, ids = library()
        site.trash_page(ids[_I], site.admin)
        site.pages[ids[_R]].status = "archived"
        add_page(site, "Draft", draft=True)

        assert titles(await find(site, "space = ENG")) == ["Engineering", _C]

    async def test_a_short_part_is_not_the_end(self) -> None:
        """Parts are cut first and looked through for hidden pages after."""
        site = make_site()
        ids = [add_page(site, f"Page {number}") for number in range(6)]
        for hidden in ids[1:4]:
            site.restrict_page(hidden, [], site.admin)
        found: list[list[str]] = []
        path: str | None = f"{SEARCH}?cql=parent={eng(site).homepage_id}&limit=2"

        async with client_of(site) as client:
            while path is not None:
                body: dict[str, Any] = (await client.get(path)).json()
                found.append([row["content"]["id"] for row in body["results"]])
                onward = body["_links"].get("next")
                assert onward is None or onward.startswith("/rest/api/search?next=true")
                path = None if onward is None else f"/wiki{onward}"

        assert found == [[ids[0]], [], [ids[4], ids[5]]]

    async def test_start_is_ignored(self) -> None:
        """Only the cursor leads on."""
        site, _ = library()

        async with client_of(site) as client:
            query = {"cql": "space = DOC", "start": "1"}
            answer = await client.get(SEARCH, params=query)

        assert titles(answer) == ["Docs", _S]

    @pytest.mark.parametrize(
        ("token", "status"),
        [
            ("search:confluence", 200),
            ("read:content-details:confluence", 200),
            ("read:page:confluence", 401),
        ],
    )
    async def test_scopes_and_points(self, token: str, status: int) -> None:
        """Search has a scope of its own, and costs a point a result."""
        site, _ = library()

        async with app_client(site, StubHost(site), token) as client:
            answer = await client.get(SEARCH, params={"cql": "label = deploy"})

        assert answer.status_code == status
        spent = [account["total"] for account in site.points.report().values()]
        assert spent == ([3] if status == 200 else [])
