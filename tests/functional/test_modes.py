"""Where the app may write: the guard, the whitelist, and the policy of a site."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.modes import PolicyMode, WhitelistEntry, WhitelistKind
from app.store.policies import PolicyStore
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS, add_page

pytestmark = pytest.mark.anyio


async def _allow(house: House, kind: WhitelistKind, value: str) -> None:
    tenant_id = await house.tenant_id()
    entry = WhitelistEntry(kind=kind, value=value)
    await house.database.write(lambda s: PolicyStore(s).allow(tenant_id, entry))


async def _set_policy(house: House, mode: PolicyMode, space_id: str = "") -> None:
    tenant_id = await house.tenant_id()
    await house.database.write(
        lambda s: PolicyStore(s).set_mode(tenant_id, space_id, mode)
    )


async def test_a_fresh_install_writes_nothing(build: BuildHouse) -> None:
    """Under SAFE_TEST with an empty whitelist a run is planned and nothing is sent."""
    house = await build(AGENT_MODE="SAFE_TEST")
    await house.install_forge()
    await house.install_connect()

    page_id = house.write(ENGLISH)
    await house.settled()

    runs = await house.runs(page_id)
    assert {run["outcome"] for run in runs} == {"denied"}
    assert runs[0]["receipt"]["refused"] == {
        "tagging": "not_whitelisted",
        "summary": "not_whitelisted",
    }
    assert runs[0]["receipt"]["plan"][0]["label"] == "backup"
    assert house.writes() == []


async def test_safe_test_is_the_default(build: BuildHouse) -> None:
    """Where nobody sets a guard nothing is written."""
    house = await build(AGENT_MODE="")
    await house.install_forge()

    page_id = house.write(ENGLISH)
    await house.settled()

    assert [run["outcome"] for run in await house.runs(page_id)] == ["denied"]
    assert house.writes() == []


def _space(_: str, __: str) -> str:
    return "ops"


def _page(page_id: str, _: str) -> str:
    return page_id


def _tree(_: str, root_id: str) -> str:
    return root_id


@pytest.mark.parametrize(
    ("kind", "value"), [("space", _space), ("page", _page), ("tree", _tree)]
)
async def test_safe_test_writes_where_it_is_allowed(
    build: BuildHouse, kind: WhitelistKind, value: Callable[[str, str], str]
) -> None:
    """The whitelist opens a space, a page or a tree to SAFE_TEST, and nothing else."""
    house = await build(AGENT_MODE="SAFE_TEST")
    await house.install_forge()
    root = house.pages.labelled[0]
    inside = house.add_page("Inside", "", parent_id=root)
    other = house.site.create_space(key="HR", name="People", actor=house.site.admin)
    outside = add_page(house.site, other, "Outside", "").id
    await _allow(house, kind, value(inside, root))

    house.edit(inside, TEXTS[ENGLISH])
    house.edit(outside, TEXTS[ENGLISH])
    await house.settled()

    assert house.labels(inside) == ["backup"]
    assert house.byline(inside) is not None
    assert house.labels(outside) == []
    assert house.byline(outside) is None
    assert {one["path"].split("/")[-2] for one in house.writes()} == {inside}


async def test_a_page_moved_out_of_the_allowed_tree_is_let_alone(
    build: BuildHouse,
) -> None:
    """What counts is where the page stands when it is written to."""
    house = await build(AGENT_MODE="SAFE_TEST")
    await house.install_forge()
    root = house.pages.labelled[0]
    page_id = house.add_page("Wanderer", "", parent_id=root)
    await _allow(house, "tree", root)

    with house.holding("GET", rf"/pages/{page_id}$") as hold:
        house.edit(page_id, TEXTS[ENGLISH])
        await hold.caught()
        house.site.move_page(page_id, house.pages.homepage_id, house.olena)
    await house.settled()

    assert house.labels(page_id) == []
    assert house.writes() == []


async def test_a_space_made_after_the_installation_can_be_allowed(
    build: BuildHouse,
) -> None:
    """A whitelist entry for a space holds for spaces that came later, too."""
    house = await build(AGENT_MODE="SAFE_TEST")
    await house.install_forge()
    late = house.site.create_space(key="LATE", name="Late", actor=house.site.admin)
    await _allow(house, "space", "LATE")

    page_id = add_page(house.site, late, "Mail", TEXTS[ENGLISH]).id
    await house.settled()

    assert house.byline(page_id) is not None


async def test_the_guard_test_never_writes(build: BuildHouse) -> None:
    """Under TEST not even a whitelisted page is written to."""
    house = await build(AGENT_MODE="TEST")
    await house.install_forge()
    await _allow(house, "space", "OPS")

    page_id = house.write(ENGLISH)
    await house.settled()

    (run,) = await house.runs(page_id)
    assert run["receipt"]["refused"] == {"tagging": "mode_test", "summary": "mode_test"}
    assert house.writes() == []


async def test_each_agent_has_its_own_guard(build: BuildHouse) -> None:
    """Summaries may be written where labels are not."""
    house = await build(AGENT_MODE="TEST", SUMMARY_AGENT_MODE="PROD")
    await house.install_forge()

    page_id = house.write(ENGLISH)
    await house.settled()

    byline = house.byline(page_id)
    assert house.labels(page_id) == []
    assert byline is not None
    assert byline["labels"] == []


async def test_policy_off_leaves_a_site_alone(house: House) -> None:
    """Under the policy `off` a page is neither given to an AI nor written to."""
    await house.install_forge()
    await _set_policy(house, "off")

    page_id = house.write(ENGLISH)
    await house.settled()

    assert [run["outcome"] for run in await house.runs(page_id)] == ["policy_off"]
    assert await house.ai_calls(page_id) == 0
    assert house.writes() == []


async def test_policy_suggest_waits_for_a_person(house: House) -> None:
    """Under the policy `suggest` the plan is kept and nothing is written."""
    await house.install_forge()
    await _set_policy(house, "suggest")

    page_id = house.write(ENGLISH)
    await house.settled()

    (run,) = await house.runs(page_id)
    assert run["outcome"] == "suggested"
    assert run["receipt"]["plan"][0]["label"] == "backup"
    assert house.writes() == []


async def test_a_space_may_differ_from_its_site(house: House) -> None:
    """The policy of a space goes before that of the site."""
    await house.install_forge()
    await _set_policy(house, "off")
    await _set_policy(house, "auto", house.pages.space_id)

    page_id = house.write(ENGLISH)
    await house.settled()

    assert house.labels(page_id) == ["backup"]


async def test_policy_changed_during_the_run_holds(house: House) -> None:
    """A policy that is switched off while a page is read stops the write."""
    await house.install_forge()

    with house.holding("GET", r"/pages/\d+$") as hold:
        page_id = house.write(ENGLISH)
        await hold.caught()
        await _set_policy(house, "off")
    await house.settled()

    assert house.writes() == []
    assert house.labels(page_id) == []


async def test_disabling_during_the_run_makes_the_job_wait(house: House) -> None:
    """A site that switches the app off and on again loses no edit."""
    await house.install_connect()

    with house.holding("GET", r"/pages/\d+$") as hold:
        page_id = house.write(ENGLISH)
        await hold.caught()
        await house.order("/connect/disable", key="confluence-ai")
    await house.hasten()

    async def waits() -> bool:
        (tenant,) = await house.tenants()
        return tenant["token_wait_until"] is not None

    await house.wait_for(waits)
    written = list(house.writes())
    await house.order("/connect/enable", key="confluence-ai")
    await house.settled()

    (job,) = await house.page_jobs(page_id)
    assert written == []
    assert (job["state"], job["outcome"]) == ("done", "applied")
