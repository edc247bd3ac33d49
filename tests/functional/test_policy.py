"""Each field of a policy does on a site what it says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from app.store.tables import FeedbackRow, PageMemoryRow, TermRow
from app.usecases.learn_site import learn_site
from app.usecases.policies import set_policy_fields
from app.usecases.services import Services
from tests.functional.ai_house import open_ai_house
from tests.functional.conftest import BuildHouse
from tests.functional.house import House
from tests.functional.small_site import ENGLISH, TEXTS, UKRAINIAN, add_page
from tests.integration.usecases.asking import a_job

pytestmark = pytest.mark.anyio

SECRET = "The combination of the safe is written on the back of the backup tape."


def services(house: House) -> Services:
    assert house.services is not None
    return house.services


async def told(house: House, *pairs: str, space: str | None = None) -> None:
    """Set fields of the site's policy, or of a space's, as a person types them."""
    tenant = await house.tenant_id()
    split = [(one.split("=", 1)[0], one.split("=", 1)[1]) for one in pairs]
    await set_policy_fields(services(house), tenant, space, split, by="cli")


async def outcome(house: House, page_id: str) -> str:
    """Return how the page's newest run ended."""
    return str((await house.runs(page_id))[-1]["outcome"])


async def remembered(house: House, page_id: str) -> bool:
    return bool(await house.rows(PageMemoryRow, PageMemoryRow.page_id == page_id))


class TestScope:
    """Which pages are looked at at all."""

    async def test_what_is_left_alone_and_why(self, any_house: House) -> None:
        """One page for each rule, and one that no rule is about."""
        house = any_house
        await house.install_forge()
        root = house.add_page("Old things", "")
        await told(
            house,
            f"scope.exclude_trees={root}",
            "scope.exclude_labels=Private",
            "scope.exclude_titles=^WIP\\b,(?i)entwurf",
            "scope.max_age_days=365",
        )

        text = TEXTS[ENGLISH]
        below = house.add_page("Below", "", parent_id=root)
        pages = {
            "tree": house.add_page("Far below", text, parent_id=below),
            "title": house.add_page("wip backup", text),
            "template": house.add_page("Template: backup", text),
            "label": house.add_page("Diary", ""),
            "applied": house.add_page("Mail", text),
            "empty": house.add_page("Nothing", ""),
        }
        house.label(pages["label"], "private")
        house.edit(pages["label"], text)
        await house.settled()

        found = {why: await outcome(house, page) for why, page in pages.items()}
        assert found == {why: why for why in pages}
        assert [
            page for page in pages.values() if house.labels(page) == ["backup"]
        ] == [pages["applied"]]
        asked = {why: await house.ai_calls(page) for why, page in pages.items()}
        assert {why for why, calls in asked.items() if calls} == {"applied"}

    async def test_only_what_is_included(self, house: House) -> None:
        """A tree, a label and a title at once: all must fit."""
        await house.install_forge()
        root = house.add_page("Handbook", "")
        await told(
            house,
            f"scope.include_trees={root}",
            "scope.include_labels=ready",
            "scope.include_titles=server",
        )
        text = TEXTS[ENGLISH]
        pages = [
            house.add_page("Mail server 1", "", parent_id=root),
            house.add_page("Mail server 2", text, parent_id=root),
            house.add_page("Mail box", text, parent_id=root),
            house.add_page("Mail server 3", text),
        ]
        house.label(pages[0], "ready")
        house.edit(pages[0], TEXTS[ENGLISH])
        await house.settled()

        assert house.labels(pages[0]) == ["ready", "backup"]
        assert [await outcome(house, one) for one in pages[1:]] == [
            "label",
            "label",
            "tree",
        ]

    async def test_young_pages_are_left_alone(self, house: House) -> None:
        """Until they are as old as the policy wants."""
        await house.install_forge()
        await told(house, "scope.min_age_days=3")

        page_id = house.write(ENGLISH)
        await house.settled()
        young = await outcome(house, page_id)
        await told(house, "scope.min_age_days=")
        house.write(ENGLISH)
        await house.settled()

        assert (young, await outcome(house, page_id)) == ("too_new", "applied")

    async def test_two_hundred_trees_and_a_hostile_pattern_cost_nothing(
        self, house: House
    ) -> None:
        """RE2 knows no catastrophe, and the tree is asked for once."""
        await house.install_forge()
        trees = ",".join(str(900_000 + one) for one in range(200))
        await told(
            house,
            f"scope.exclude_trees={trees}",
            "scope.exclude_titles=(a+)+$,(.*)*x{9}",
        )

        page_id = house.add_page("a" * 200 + "!", TEXTS[ENGLISH])
        await house.settled()

        (run,) = await house.runs(page_id)
        took = run["finished_at"] - run["started_at"]
        assert (run["outcome"], house.labels(page_id)) == ("applied", ["backup"])
        assert took < timedelta(seconds=3)
        assert len(house.requests("GET", f"{page_id}/ancestors")) == 1


class TestLabels:
    """How many, and how sure one must be."""

    async def test_no_more_labels_than_the_policy_wants(self, house: House) -> None:
        """None at all is a number too; the summary stays."""
        await house.install_forge()
        await told(house, "max_labels=0")

        page_id = house.write(ENGLISH)
        await house.settled()

        assert house.labels(page_id) == []
        byline = house.byline(page_id)
        assert byline is not None
        assert byline["summary"]

    async def test_thresholds_decide_what_waits(self, house: House) -> None:
        """Of one label, and of all; a space goes before its site."""
        await house.install_forge()
        await told(house, "apply_at=1", "suggest_at=0.1")
        await told(house, "thresholds.відпустка=0.01", space="OPS")

        english, ukrainian = house.write(ENGLISH), house.write(UKRAINIAN)
        await house.settled()

        plan = (await house.runs(english))[-1]["receipt"]["plan"]
        assert house.labels(english) == []
        assert [one["action"] for one in plan if one["label"] == "backup"] == [
            "suggest"
        ]
        assert house.labels(ukrainian) == ["відпустка"]

    async def test_rejections_teach_only_where_they_may(self, house: House) -> None:
        """The bar rises by a step where people said no three times more than yes."""
        await house.install_forge()
        tenant = await house.tenant_id()
        await house.database.write(
            lambda s: s.add(
                FeedbackRow(
                    tenant_id=tenant,
                    space_id=house.pages.space_id,
                    label="backup",
                    rejected=30,
                    changed_at=services(house).now(),
                )
            )
        )
        page_id = house.write(ENGLISH)
        await house.settled()
        taught = house.labels(page_id)
        await told(house, "learn_from_reviews=no")
        house.edit(page_id, TEXTS[ENGLISH] + " And so on.")
        await house.settled()

        assert (taught, house.labels(page_id)) == ([], ["backup"])

    async def test_labels_that_people_keep_accepting_need_no_asking(
        self, house: House
    ) -> None:
        """Where the policy lets them; the summary still waits."""
        await house.install_forge()
        tenant = await house.tenant_id()
        await told(house, "mode=suggest", "unlock_auto=yes", "unlock_after=3")
        await house.database.write(
            lambda s: s.add(
                FeedbackRow(
                    tenant_id=tenant,
                    space_id=house.pages.space_id,
                    label="backup",
                    accepted=3,
                    changed_at=services(house).now(),
                )
            )
        )

        page_id = house.write(ENGLISH)
        await house.settled()

        assert house.labels(page_id) == ["backup"]
        assert house.byline(page_id) is None

    async def test_closed_vocabulary_takes_no_other_label(self, house: House) -> None:
        """What the vocabulary does not have is neither written nor suggested."""
        await house.install_forge()
        tenant = await house.tenant_id()
        await house.change(
            TermRow,
            TermRow.tenant_id == tenant,
            TermRow.name == "backup",
            excluded=True,
        )
        await told(house, "openness=closed")

        page_id = house.write(ENGLISH)
        await house.settled()

        assert house.labels(page_id) == []


class TestSummaryPlace:
    """Where the summary goes."""

    @pytest.mark.parametrize("place", ["property", "excerpt", "comment", "nowhere"])
    async def test_it_stands_there_and_nowhere_else(
        self, build: BuildHouse, place: str
    ) -> None:
        """The label comes in any case."""
        house = await build(RECOMMENDATION_AGENT_MODE="PROD", SUMMARY_AGENT_MODE="PROD")
        await house.install_forge()
        await told(house, f"summary_place={place}")

        page_id = house.write(ENGLISH)
        await house.settled()

        page = house.site.pages[page_id]
        comments = house.requests("POST", "footer-comments")
        byline = house.byline(page_id)
        assert house.labels(page_id) == ["backup"]
        assert bool(byline and byline["summary"]) is (place == "property")
        assert ("excerpt" in page.latest.body) is (place == "excerpt")
        assert bool(comments) is (place == "comment")


class TestSecrets:
    """Pages that no AI may see."""

    async def test_space_that_is_never_sent(self, any_house: House) -> None:
        """Nothing of it is remembered, whatever was learned before."""
        house = any_house
        await house.install_forge()
        page_id = house.pages.labelled[0]
        assert await remembered(house, page_id)

        await told(house, "never_send=true", space="OPS")
        at_once = await house.rows(PageMemoryRow)
        house.write(ENGLISH)
        await house.settled()
        await learn_site(services(house), a_job(await house.tenant_id()))

        assert at_once == []
        assert await outcome(house, house.pages.waiting[ENGLISH]) == "never_send"
        assert await house.rows(PageMemoryRow) == []
        assert await house.ai_calls(house.pages.waiting[ENGLISH]) == 0
        assert house.writes() == []

    async def test_page_that_becomes_a_secret_is_forgotten(
        self, any_house: House
    ) -> None:
        """By its label, in any spelling; a walk through the site does not bring it back."""
        house = any_house
        await house.install_forge()
        await told(house, "never_send_labels=Top-Secret")
        page_id = house.write(ENGLISH)
        await house.settled()
        before = await remembered(house, page_id)

        house.label(page_id, "top-secret")
        house.edit(page_id, SECRET)
        await house.settled()
        after = await remembered(house, page_id)
        tenant = await house.tenant_id()
        await learn_site(services(house), a_job(tenant))

        assert (before, after, await remembered(house, page_id)) == (True, False, False)
        assert await outcome(house, page_id) == "never_send"
        assert await remembered(house, house.pages.labelled[0])

    async def test_label_that_is_named_later_forgets_at_once(
        self, house: House
    ) -> None:
        """Nobody need wait for a walk through the site."""
        await house.install_forge()

        await told(house, "never_send_labels=BACKUP,none-such")

        left = await house.rows(PageMemoryRow)
        assert all("backup" not in row["labels"] for row in left)
        assert len(left) == 10


class TestLocalOnly:
    """Text that stays on this machine."""

    async def test_site_s_word_cannot_be_taken_back_by_a_space(
        self, sqlite_url: str, tmp_path: Path
    ) -> None:
        """Whatever order the space names, and on fallback neither."""
        async with open_ai_house(sqlite_url, tmp_path) as ai:
            house = ai.house
            await house.install_forge()
            await told(house, "local_only=true")
            await told(
                house, "local_only=false", "providers=openai,gemini", space="OPS"
            )

            page_id = ai.new_page(SECRET)
            await house.settled()

            assert await ai.attempts(page_id) == [("local", "answered")]
            assert ai.front.asked == []

    async def test_its_titles_are_no_examples_for_others(
        self, sqlite_url: str, tmp_path: Path
    ) -> None:
        """A page elsewhere that resembles it goes out without a word of it."""
        async with open_ai_house(sqlite_url, tmp_path, order="openai") as ai:
            house = ai.house
            await house.install_forge()
            other = house.site.create_space(key="HR", name="HR", actor=house.site.admin)
            await house.settled()
            first = add_page(house.site, other, "Mail one", TEXTS[ENGLISH]).id
            await house.settled()
            await told(house, "providers=local", space="OPS")
            second = add_page(
                house.site, other, "Mail two", TEXTS[ENGLISH] + " Once more."
            ).id
            await house.settled()

            open_body, closed_body = (
                json.dumps(one.body.decode()) for one in ai.asked()
            )
            titles = ["Nightly backup of the database", "Restore a backup"]
            assert all(title in open_body for title in titles)
            assert not any(title in closed_body for title in titles)
            assert house.labels(first) == house.labels(second) == ["backup"]
