"""Recommendations on a site: found, kept, posted as one comment, and taken back."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.bootstrap import open_services
from app.cli.main import cli
from app.cli.program import Program
from app.domain.changes import Item
from app.domain.selection import Selection
from app.errors import Conflict, NotFound, Stopped, Unavailable
from app.settings import Settings
from app.store.plan_items import ItemFilter, PlanItemStore
from app.store.plans import StoredPlan
from app.store.policies import PolicyStore
from app.store.tables import AuditRow
from app.usecases import findings
from app.usecases.carry_out import carry_out, carry_out_approved
from app.usecases.kill_switch import stop
from app.usecases.make_plan import draft_plan
from app.usecases.recommend import draft_recommendations, start_recommendations
from app.usecases.review import Waiting, approve, reject, suggestions
from app.usecases.services import Services
from app.usecases.show_plan import show_plan
from app.usecases.undo import Undo, plan_undo
from sandbox.model import Comment
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import add_page

pytestmark = pytest.mark.anyio

#: A page whose title and sections give rise to findings, and whose words are hostile.
HOSTILE = '<ac:link><ri:user ri:account-id="1"/></ac:link> & # "x"'
EMPTY = "<h2>Overview</h2><p>How the tapes are kept, and where.</p><h2>Restore</h2>"
MENDED = f"{EMPTY}<p>Choose the newest backup and restore the files.</p>"


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def installed(house: House, **fields: object) -> str:
    await house.install_forge()
    tenant = await house.tenant_id()
    if fields:
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(tenant, "", fields)
        )
    return tenant


def new_page(house: House, body: str, title: str = "Copy of the tapes") -> str:
    page_id = house.add_page(title, "Nothing yet.")
    save(house, page_id, body)
    return page_id


def save(house: House, page_id: str, body: str) -> None:
    version = house.site.pages[page_id].latest.number + 1
    house.site.update_page(page_id, version=version, body=body, actor=house.olena)


async def drafted(house: House, *page_ids: str, post: bool = True) -> StoredPlan:
    tenant = await house.tenant_id()
    selection = Selection.of("pages", *page_ids)
    plan_id = await start_recommendations(
        services(house), tenant, selection, author="cli", post=post
    )
    return await draft_recommendations(services(house), tenant, plan_id)


async def applied(house: House, plan: StoredPlan) -> StoredPlan:
    tenant = await house.tenant_id()
    return await carry_out(services(house), tenant, plan.id, actor="cli")


async def posted(house: House, *page_ids: str) -> StoredPlan:
    """Plan and carry out; no edit may come in between."""
    await house.settled()
    return await applied(house, await drafted(house, *page_ids))


async def undone(house: House, plan: StoredPlan) -> None:
    tenant = await house.tenant_id()
    made = await plan_undo(services(house), tenant, Undo(plan_id=plan.id), author="cli")
    await applied(house, made)


async def items(house: House, plan: StoredPlan) -> list[Item]:
    tenant = await house.tenant_id()
    found = await house.database.read(
        lambda s: PlanItemStore(s, services(house).cipher).items(
            tenant, ItemFilter(plan_id=plan.id)
        )
    )
    return [one.item for one in found]


def prose(one: str, other: str) -> str:
    """Return paragraphs of many words that no other page has."""
    said = [
        f"{one}{at} belongs to {other} number {at} of shelf{at}." for at in range(60)
    ]
    return "".join(f"<p>{' '.join(said[at : at + 10])}</p>" for at in range(0, 60, 10))


async def found(house: House, page_id: str) -> dict[str, Mapping[str, Any]]:
    """Return what was found on a page, by kind and state."""
    tenant = await house.tenant_id()
    rows = await findings.page_findings(services(house), tenant, page_id)
    return {f"{row['kind']} {row['state']}": row for row in rows}


async def remembered(house: House, *page_ids: str) -> None:
    """Wait until the site's memory, which may lag a little, knows these pages."""
    await house.settled()
    tenant = await house.tenant_id()

    async def known() -> bool:
        memory = await services(house).memories.of(tenant)
        return memory.traces.keys() >= set(page_ids)

    await house.wait_for(known, what="a memory of the pages")


def comments(house: House, page_id: str) -> list[Comment]:
    return house.site.comments_of(house.site.pages[page_id])


def words(comment: Comment) -> str:
    return html.unescape(comment.latest.body)


class TestPosting:
    """The comment on the site."""

    async def test_comment_lives_as_long_as_there_is_something_to_say(
        self, any_house: House
    ) -> None:
        """It is posted once, rewritten in place, and deleted when all is mended."""
        house = any_house
        await installed(house)
        page_id = new_page(house, EMPTY)

        await posted(house, page_id)
        (first,) = comments(house, page_id)
        before = words(first)
        save(house, page_id, MENDED)
        await posted(house, page_id)
        (second,) = comments(house, page_id)
        after = words(second)
        house.site.update_page(
            page_id,
            version=house.site.pages[page_id].latest.number + 1,
            title="Where tapes are kept",
            body=MENDED,
            actor=house.olena,
        )
        await posted(house, page_id)

        assert "There is nothing under this heading" in before
        assert "this is a copy" in before
        assert "nothing under this heading" not in after
        assert "this is a copy" in after
        assert second.id == first.id
        assert comments(house, page_id) == []
        assert set(await found(house, page_id)) == {
            "missing_sections fixed",
            "unclear_title fixed",
        }

    async def test_nothing_is_posted_unless_somebody_asks(self, house: House) -> None:
        """Findings are kept all the same; with the same words nothing is posted twice."""
        await installed(house)
        page_id = new_page(house, EMPTY)

        quiet = await drafted(house, page_id, post=False)
        await posted(house, page_id)
        again = await drafted(house, page_id)

        assert await items(house, quiet) == []
        assert await items(house, again) == []
        assert len(await found(house, page_id)) == 2
        assert len(comments(house, page_id)) == 1

    async def test_words_of_a_page_stay_words(self, house: House) -> None:
        """No markup of a title or a heading becomes markup of the comment."""
        await installed(house)
        heading = html.escape(HOSTILE)
        page_id = new_page(
            house, f"<p>Text.</p><h2>{heading}</h2>", title=f"Copy of {HOSTILE}"
        )

        await posted(house, page_id)

        (comment,) = comments(house, page_id)
        assert "<ri:user" not in comment.latest.body
        assert '<ac:link><ri:user ri:account-id="1"/></ac:link>' in words(comment)
        assert "<h1>" not in comment.latest.body

    async def test_undo_takes_the_comment_back(self, house: House) -> None:
        """Of a rewrite it brings the old words back; what was undone is not said again."""
        await installed(house)
        page_id = new_page(house, EMPTY)
        first = await posted(house, page_id)
        before = words(comments(house, page_id)[0])
        save(house, page_id, MENDED)
        second = await posted(house, page_id)

        await undone(house, second)
        restored = words(comments(house, page_id)[0])
        await house.settled()
        said_again = await drafted(house, page_id)
        save(house, page_id, EMPTY)
        await undone(house, first)

        assert restored == before
        assert await items(house, said_again) == []

    async def test_first_comment_that_was_undone_is_not_posted_again(
        self, house: House
    ) -> None:
        """Until there is something else to say."""
        await installed(house)
        page_id = new_page(house, EMPTY)

        await undone(house, await posted(house, page_id))
        gone = comments(house, page_id)
        again = await drafted(house, page_id)
        save(house, page_id, f"{EMPTY}<h2>Contacts</h2>")
        await posted(house, page_id)

        assert gone == []
        assert await items(house, again) == []
        (comment,) = comments(house, page_id)
        assert "Contacts" in words(comment)

    @pytest.mark.parametrize("deleted", [False, True])
    async def test_what_a_person_changed_is_theirs(
        self, house: House, *, deleted: bool
    ) -> None:
        """A comment that was edited or deleted is left alone, and no other is posted."""
        await installed(house)
        page_id = new_page(house, EMPTY)
        await posted(house, page_id)
        (comment,) = comments(house, page_id)
        if deleted:
            house.site.delete_comment(comment.id, house.site.admin)
        else:
            comment.versions.append(replace(comment.latest, number=2))
        save(house, page_id, MENDED)

        tried = await posted(house, page_id)
        save(house, page_id, f"{MENDED}<h2>Contacts</h2>")
        again = await drafted(house, page_id)

        (item,) = await items(house, tried)
        assert item.state == "skipped"
        assert item.reason == ("not_there" if deleted else "changed_since")
        assert await items(house, again) == []
        assert len(comments(house, page_id)) == (0 if deleted else 1)

    async def test_newer_plan_supersedes_an_older_one(self, house: House) -> None:
        """Two plans that are both carried out post one comment."""
        await installed(house)
        page_id = new_page(house, EMPTY)
        await house.settled()
        older = await drafted(house, page_id)
        newer = await drafted(house, page_id)

        await applied(house, older)
        await applied(house, newer)

        assert [one.state for one in await items(house, older)] == ["superseded"]
        assert [one.state for one in await items(house, newer)] == ["applied"]
        assert len(comments(house, page_id)) == 1


class TestLeave:
    """Who may be told what."""

    async def test_suggestion_waits_for_a_person(self, house: House) -> None:
        """Also over an edit of the page, which makes other suggestions anew."""
        tenant = await installed(house, mode="suggest", post_recommendations=True)
        page_id = new_page(house, EMPTY)
        await house.settled()

        await posted(house, page_id)
        untouched = comments(house, page_id)
        waiting = await suggestions(services(house), tenant, Waiting(page_id=page_id))
        (mine,) = [one.item for one in waiting if one.item.change.kind == "comment"]
        await drafted(house, page_id)
        labels_anew = await services(house).database.read(
            lambda s: PlanItemStore(s, services(house).cipher).item(tenant, mine.id)
        )
        waiting = await suggestions(services(house), tenant, Waiting(page_id=page_id))
        (mine,) = [one.item for one in waiting if one.item.change.kind == "comment"]
        decided = await approve(services(house), tenant, [mine.id], by="olena")
        while_approved = await drafted(house, page_id)
        await carry_out_approved(
            services(house), tenant, decided.page_ids, actor="olena"
        )

        assert untouched == []
        assert labels_anew.item.state == "superseded"
        assert await items(house, while_approved) == []
        assert len(comments(house, page_id)) == 1

    async def test_edit_leaves_a_waiting_comment_alone(self, house: House) -> None:
        """What a look at the page suggests anew are labels and summary."""
        tenant = await installed(house, mode="suggest", post_recommendations=True)
        page_id = new_page(house, EMPTY)
        await house.settled()
        plan = await drafted(house, page_id)

        save(house, page_id, MENDED)
        await house.settled()

        (item,) = await items(house, plan)
        assert item.state == "waiting"
        decided = await reject(services(house), tenant, [item.id], by="olena")
        assert decided.conflicts == {}

    async def test_pages_out_of_bounds_are_not_looked_at(self, house: House) -> None:
        """By policy or by scope."""
        tenant = await installed(house)
        page_id = new_page(house, EMPTY)
        await house.settled()
        bounds: dict[str, dict[str, object]] = {
            "policy_off": {"mode": "off"},
            "never_send": {"mode": "auto", "never_send": True},
            "title": {"never_send": None, "scope.exclude_titles": ["tapes"]},
        }
        outcomes = []
        for fields in bounds.values():
            await house.database.write(
                lambda s, fields=fields: PolicyStore(s).set_fields(tenant, "", fields)  # type: ignore[misc]
            )
            plan = await drafted(house, page_id)
            head = await show_plan(services(house), tenant, plan.id)
            outcomes += head["pages"]

        assert outcomes == list(bounds)
        assert await found(house, page_id) == {}

    async def test_guard_and_switch_hold(self, build: BuildHouse) -> None:
        """The operator's guard for this agent, and the kill switch."""
        house = await build(RECOMMENDATION_AGENT_MODE="TEST")
        tenant = await installed(house)
        page_id, other = new_page(house, EMPTY), new_page(house, EMPTY, "Copy of x")
        guarded = await posted(house, page_id)
        await house.settled()
        plan = await drafted(house, other)
        await stop(services(house), tenant, by="cli")
        with pytest.raises(Stopped):
            await applied(house, plan)

        (one,) = await items(house, guarded)
        (two,) = await items(house, plan)
        assert (one.reason, two.state) == ("mode_test", "planned")
        assert comments(house, page_id) == comments(house, other) == []


class TestOtherPages:
    """What only other pages can show."""

    TEXT = prose("tape", "storage")

    async def test_copies_are_found(self, house: House) -> None:
        """With the other's title; in another space its title stays out of comments."""
        await installed(house)
        far = house.site.create_space(key="LAW", name="Law", actor=house.site.admin)
        one = new_page(house, self.TEXT, "Tape storage")
        two = new_page(house, f"{self.TEXT}<p>More.</p>", "Storage of tapes")
        secret = prose("rule", "conduct")
        three = new_page(house, secret, "Rules of conduct")
        four = add_page(house.site, far, "Secret conduct", secret[3:-4]).id
        await remembered(house, one, two, three, four)

        plan = await drafted(house, one, three)

        (item,) = await items(house, plan)
        assert item.change.page_id == one
        assert "“Storage of tapes”" in item.change.after["text"]
        told = await found(house, three)
        assert "Secret conduct" in told["duplicate open"]["advice"]

    async def test_pages_that_nothing_may_look_at_are_not_compared(
        self, house: House
    ) -> None:
        """Nor those that are gone by now."""
        await installed(house)
        one = new_page(house, self.TEXT, "Tape storage")
        two = new_page(house, self.TEXT, "Storage of tapes")
        three = new_page(house, self.TEXT, "Storing tapes")
        await remembered(house, one, two, three)
        house.label(two, "private")
        await house.settled()
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: PolicyStore(s).set_fields(
                tenant, "", {"never_send_labels": ["private"]}
            )
        )
        await house.order("/deliveries/settings", drop_next=1)
        house.site.trash_page(three, house.olena)

        await drafted(house, one)

        assert await found(house, one) == {}

    async def test_pages_of_a_kind_show_what_is_usual(self, house: House) -> None:
        """Four runbooks of the space say what a fifth one lacks; they are read once."""
        await installed(house)
        usual = "<h2>Rollback</h2><p>Ask the owner {n}.</p><h2>Alerts</h2><p>All.</p>"
        hosts = [
            new_page(house, usual.replace("{n}", str(n)), f"Runbook of host {n}")
            for n in range(4)
        ]
        far = house.site.create_space(key="LAW", name="Law", actor=house.site.admin)
        court = add_page(house.site, far, "Runbook of courts", "Nothing of that.").id
        lacking = " ".join(f"Contact desk{at} first." for at in range(40))
        pages = [
            new_page(house, f"<h2>Alerts</h2><p>{lacking} {n}</p>", f"Runbook {n}")
            for n in ("nine", "ten")
        ]
        alone = new_page(house, EMPTY, "Clean desk policy")
        await remembered(house, *hosts, court, *pages, alone)
        before = len(house.requests("GET", "/pages/"))

        await drafted(house, *pages, alone)

        told = await found(house, pages[0])
        assert told["missing_sections open"]["passage"] == "Rollback"
        assert "Rollback" in told["missing_sections open"]["advice"]
        assert len(house.requests("GET", "/pages/")) - before <= 3 + 8 + 6


class TestKeeping:
    """Findings from look to look."""

    async def test_events_keep_them_fresh(self, house: House) -> None:
        """Where the policy posts recommendations; live pages have no sections to judge."""
        await installed(house, post_recommendations=True)
        page_id = new_page(house, EMPTY)
        await house.settled()
        first = await found(house, page_id)
        live = house.site.create_page(
            space_id=house.pages.space_id,
            title="Copy of a live page",
            body="<p>Text.</p>",
            parent_id=house.pages.homepage_id,
            actor=house.olena,
            live=True,
        ).id
        save(house, page_id, MENDED)
        await house.settled()
        second = await found(house, page_id)
        house.site.trash_page(page_id, house.olena)
        await house.settled()

        assert set(first) == {"missing_sections open", "unclear_title open"}
        assert set(second) == {"missing_sections fixed", "unclear_title open"}
        assert comments(house, page_id) == []
        assert await found(house, page_id) == await found(house, live) == {}

    async def test_pages_that_cannot_be_taken_apart_are_left_alone(
        self, house: House
    ) -> None:
        """Broken markup gives rise to no finding, on an event or in a plan."""
        tenant = await installed(house, post_recommendations=True)
        page_id = new_page(house, EMPTY)
        page = house.site.pages[page_id]
        broken = replace(
            page.latest, body="<p>One <b>two</p><h2>x</h2> three", number=3
        )
        page.versions.append(broken)
        await house.settled()

        plan = await drafted(house, page_id)

        head = await show_plan(services(house), tenant, plan.id)
        assert head["pages"] == {"unreadable": 1}

    async def test_dismissed_stays_dismissed_until_its_passage_changes(
        self, house: House
    ) -> None:
        """The comment loses it; the audit knows who waved it aside."""
        tenant = await installed(house)
        page_id = new_page(house, EMPTY)
        await posted(house, page_id)
        key = (await found(house, page_id))["missing_sections open"]["key"]

        await findings.dismiss(services(house), tenant, page_id, key, by="olena")
        await posted(house, page_id)

        (comment,) = comments(house, page_id)
        assert "nothing under this heading" not in words(comment)
        assert "missing_sections dismissed" in await found(house, page_id)
        rows = await house.rows(AuditRow, AuditRow.action == "finding_dismissed")
        assert [(row["actor"], row["page_id"]) for row in rows] == [("olena", page_id)]
        with pytest.raises(NotFound, match="no finding"):
            await findings.dismiss(services(house), tenant, page_id, "x", by="olena")

    async def test_plan_that_was_cut_off_goes_on(self, house: House) -> None:
        """As what it was begun for, and as nothing else."""
        tenant = await installed(house)
        page_id = new_page(house, EMPTY)
        await house.settled()
        house.fault(rf"/pages/{page_id}\b", times=0, answer={"status": 503})
        selection = Selection.of("pages", page_id)
        plan_id = await start_recommendations(
            services(house), tenant, selection, author="cli", post=True
        )

        with pytest.raises(Unavailable):
            await draft_recommendations(services(house), tenant, plan_id)
        house.site.faults.clear()
        with pytest.raises(Conflict, match="something else"):
            await draft_plan(services(house), tenant, plan_id)
        plan = await draft_recommendations(services(house), tenant, plan_id)

        assert [one.state for one in await items(house, plan)] == ["planned"]


class TestCommands:
    """The command line over a site."""

    async def test_made_shown_and_carried_out(self, build: BuildHouse) -> None:
        """`recommendations make`, as a process of its own would; `plan` goes its way."""
        house = await build(worker=False)
        page_id = new_page(house, EMPTY)
        await house.install_forge(settle=False)
        await house.delivered()
        tenant = await house.tenant_id()

        asked = await run(house, "make", tenant, "--page", page_id, "--post")
        refused = await run(house, "make", tenant, "--resume", "1")
        done = await run(
            house, "make", tenant, "--page", page_id, "--post", "--apply", "--json"
        )

        assert "(recommendations) is ready: 1 to do" in asked.stdout
        assert "pages: 1 advised" in asked.stdout
        assert refused.exit_code == 1
        head, item = map(json.loads, done.stdout.splitlines())
        assert (head["cause"], head["applied"]) == ("recommendations", 1)
        assert item["change"].startswith("+ comment: What would make")
        assert json.loads(done.stderr.splitlines()[-1]) == {"done": 1, "total": 1}
        assert len(comments(house, page_id)) == 1


async def run(house: House, *arguments: str) -> Result:
    """Run a command in a thread: it has a loop of its own."""
    program = Program(
        open_services=open_services,
        configure_logs=_quiet,
        serve=_quiet,
        work=_quiet,
    )
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(
            cli, ["recommendations", *arguments], obj=program, env=house.environ
        )
    )


def _quiet(settings: Settings, *, to_stdout: bool = True) -> None:
    del settings, to_stdout
