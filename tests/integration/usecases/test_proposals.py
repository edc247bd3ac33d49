"""New names from the AI's answer to a person's word on them, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from typing_extensions import override

from app.ai.local import LocalProvider
from app.domain.completions import Completion, LabelChoice, Prompt, Turn
from app.domain.selection import Selection
from app.domain.vocabulary.saying import MOST_SYNONYMS
from app.domain.vocabulary.terms import Term, TermPatch, Vocabulary
from app.errors import NotFound, TermsRefused
from app.store.database import Database
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.proposals import Proposal, ProposalStore
from app.store.runs import RunStore
from app.store.tables import ProposalRow
from app.store.terms import TermStore
from app.usecases.decide_proposals import (
    Decided,
    accept,
    list_proposals,
    map_to,
    reject,
)
from app.usecases.edit_vocabulary import Place, remove_terms
from app.usecases.label_page import label_page
from app.usecases.make_plan import draft_plan, start_plan
from app.usecases.vocabularies import vocabulary_of
from tests.integration.store.stored import rows
from tests.integration.usecases.asking import (
    Asking,
    OnePageSite,
    ScriptedProvider,
    a_job,
    a_page,
    asking,
)

pytestmark = pytest.mark.anyio


class ProposingProvider(ScriptedProvider):
    """Proposes the same names for every page, as sure of them as it is told to be."""

    def __init__(self, *names: str, sure: float = 0.9) -> None:
        super().__init__("openai")
        self.names = names
        self._sure = sure

    @override
    async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
        completion = await super().complete(prompt, turn)
        proposals = tuple(
            LabelChoice(name=name, confidence=self._sure, evidence="Резервну копію")
            for name in self.names
        )
        return replace(completion, labels=(), proposals=proposals)


@dataclass
class Queue:
    """A site of one page, and the queue that fills from it."""

    house: Asking
    site: OnePageSite
    provider: ProposingProvider

    async def look(self) -> None:
        """Look at the page, as after an event."""
        await label_page(self.house.services, a_job(self.house.tenant))

    async def waiting(self) -> Sequence[Proposal]:
        return await list_proposals(self.house.services, self.house.tenant)

    async def names(self) -> list[str]:
        return [one.name for one in await self.waiting()]

    async def put(self, *terms: Term) -> None:
        await self.house.database.write(
            lambda s: TermStore(s).put_all(
                self.house.tenant, "", terms, origin="person"
            )
        )

    async def openness(self, word: str) -> None:
        fields = {"openness": word}
        await self.house.database.write(
            lambda s: PolicyStore(s).set_fields(self.house.tenant, "", fields)
        )

    async def vocabulary(self) -> Vocabulary:
        return await vocabulary_of(self.house.services, self.house.tenant, "100")

    async def note(self, page: str, *names: str) -> None:
        """Have names proposed for another page."""
        chosen = [LabelChoice(name=one, confidence=0.5, evidence=one) for one in names]
        cipher = self.house.services.cipher
        await self.house.database.write(
            lambda s: ProposalStore(s, cipher).note(self.house.tenant, page, chosen)
        )

    async def accept(self, *names: str) -> Decided:
        return await accept(self.house.services, self.house.tenant, names, by="olena")

    async def reject(self, *names: str) -> Decided:
        return await reject(self.house.services, self.house.tenant, names, by="olena")

    async def map(self, term: str, *names: str) -> Decided:
        return await map_to(
            self.house.services, self.house.tenant, names, term, by="olena"
        )

    @property
    def labels(self) -> list[str]:
        return [one.name for one in self.site.page.labels or ()]

    async def audit(self) -> list[Any]:
        found = await self.house.database.read(
            lambda s: RunStore(s).audit_trail(self.house.tenant)
        )
        return [
            (row.actor, row.action, row.after)
            for row in found
            if row.action.startswith("proposals")
        ]


async def a_queue(database: Database, *names: str, sure: float = 0.9) -> Queue:
    provider = ProposingProvider(*names, sure=sure)
    site = OnePageSite(a_page())
    house = await asking(database, provider, open_confluence=site.open)
    await house.install()
    return Queue(house, site, provider)


class TestNoting:
    """What the AI would like and the vocabulary lacks."""

    async def test_new_names_wait_and_go_to_no_page(self, database: Database) -> None:
        """However sure the AI is; with the page and what speaks for them."""
        queue = await a_queue(database, "Резервні Копії", "mail server")

        await queue.look()

        first, second = await queue.waiting()
        assert {first.name, second.name} == {"резервні-копії", "mail-server"}
        assert (first.count, first.pages, first.evidence) == (
            1,
            ("7",),
            "Резервну копію",
        )
        assert queue.labels == []

    async def test_an_unchanged_page_counts_once(self, database: Database) -> None:
        """Whether the answer is new or kept, in an event or in a plan."""
        queue = await a_queue(database, "mail")
        services, tenant = queue.house.services, queue.house.tenant

        await queue.look()
        await queue.look()
        selection = Selection(kind="pages", values=("7",))
        plan = await start_plan(services, tenant, selection, author="cli")
        await draft_plan(services, tenant, plan)

        (found,) = await queue.waiting()
        assert found.count == 1
        assert queue.house.calls == {"openai": 1}

    async def test_a_plan_fills_the_queue_too(self, database: Database) -> None:
        """Pages that somebody named are looked at like any other."""
        queue = await a_queue(database, "mail")
        selection = Selection(kind="pages", values=("7",))

        plan = await start_plan(
            queue.house.services, queue.house.tenant, selection, author="cli"
        )
        await draft_plan(queue.house.services, queue.house.tenant, plan)

        assert await queue.names() == ["mail"]

    async def test_a_known_name_is_a_choice_of_its_term(
        self, database: Database
    ) -> None:
        """By name or synonym it is written as the term is called; it never waits."""
        queue = await a_queue(database, "Резервна копія", "Disk", "secret")
        await queue.put(
            Term(name="backup", synonyms=("резервна копія",)),
            Term(name="disk"),
            Term(name="secret", excluded=True),
        )

        await queue.look()

        assert sorted(queue.labels) == ["backup", "disk"]
        assert await queue.names() == []

    async def test_the_local_provider_s_phrases_wait_too(
        self, database: Database
    ) -> None:
        """On a site without labels it proposes what a page often says."""
        site = OnePageSite(a_page())
        local: Any = LocalProvider()
        house = await asking(database, local, open_confluence=site.open)
        await house.install()

        await label_page(house.services, a_job(house.tenant))

        found = await list_proposals(house.services, house.tenant)
        assert {one.pages for one in found} == {("7",)}
        assert {one.evidence for one in found} == {"often said on this page"}
        assert site.page.labels == ()

    async def test_closed_keeps_none(self, database: Database) -> None:
        """Nobody is bothered."""
        queue = await a_queue(database, "mail")
        await queue.openness("closed")

        await queue.look()

        assert (queue.labels, await rows(database, ProposalRow)) == ([], [])

    async def test_open_writes_and_makes_terms_of_what_was_written(
        self, database: Database
    ) -> None:
        """From then on people can see and steer them."""
        queue = await a_queue(database, "mail", "Own")
        await queue.openness("open")
        own = TermPatch(name="own")
        await database.write(
            lambda s: TermStore(s).put_patch(queue.house.tenant, "100", own)
        )

        await queue.look()

        assert sorted(queue.labels) == ["mail", "own"]
        origins = await database.read(
            lambda s: TermStore(s).origins(queue.house.tenant, "")
        )
        assert origins == {"mail": "proposal"}
        assert await rows(database, ProposalRow) == []

    async def test_open_does_not_write_what_people_said_no_to(
        self, database: Database
    ) -> None:
        """Rejected proposals, and terms that were removed."""
        queue = await a_queue(database, "mail", "tape")
        await queue.put(Term(name="tape"), Term(name="other"))
        await queue.note("9", "Mail")
        await queue.reject("MAIL")
        await remove_terms(
            queue.house.services, Place(tenant_id=queue.house.tenant), ["tape"], by="x"
        )
        await queue.openness("open")

        await queue.look()

        assert queue.labels == []
        assert set((await queue.vocabulary()).terms) == {"other"}


class TestList:
    """What waits for a person."""

    async def test_what_is_known_by_now_waits_no_more(self, database: Database) -> None:
        """However it came to be known."""
        queue = await a_queue(database)
        await queue.note("1", "mail", "tape", "disk")
        await queue.put(Term(name="Tape"), Term(name="backup", synonyms=("DISK",)))

        assert await queue.names() == ["mail"]

    async def test_passages_of_pages_that_we_may_not_see_are_not_shown(
        self, database: Database
    ) -> None:
        """Deleted, restricted: the name stays, their words do not."""
        queue = await a_queue(database, "mail")
        await queue.look()
        seen = [one.evidence for one in await queue.waiting()]

        await database.write(lambda s: MemoryStore(s).forget(queue.house.tenant, ["7"]))

        assert seen == ["Резервну копію"]
        assert [one.evidence for one in await queue.waiting()] == [""]

    async def test_the_most_proposed_first(self, database: Database) -> None:
        """As many as wanted, as often as wanted."""
        queue = await a_queue(database)
        for page in ("1", "2"):
            await queue.note(page, "mail")
        await queue.note("3", "tape")
        services, tenant = queue.house.services, queue.house.tenant

        often = await list_proposals(services, tenant, at_least=2)
        one = await list_proposals(services, tenant, limit=1)

        assert [found.name for found in (*often, *one)] == ["mail", "mail"]
        assert await queue.names() == ["mail", "tape"]
        with pytest.raises(NotFound, match="no tenant nobody"):
            await list_proposals(services, "nobody")


class TestDeciding:
    """A person's word."""

    async def test_accepted_names_are_terms_and_cost_no_new_answer(
        self, database: Database
    ) -> None:
        """The next look at the page finds the answer that was paid for, and uses it."""
        queue = await a_queue(database, "mail", "tape")
        await queue.look()

        decided = await queue.accept("MAIL", "mail", "tape")
        await queue.look()

        assert [one.name for one in decided.proposals] == ["mail", "tape"]
        assert sorted(queue.labels) == ["mail", "tape"]
        assert queue.house.calls == {"openai": 1}
        assert await queue.names() == []
        assert await queue.audit() == [
            (
                "olena",
                "proposals_accepted",
                {"mail": "accepted", "tape": "accepted"},
            )
        ]
        origins = await database.read(
            lambda s: TermStore(s).origins(queue.house.tenant, "")
        )
        assert set(origins.values()) == {"proposal"}

    async def test_mapped_names_lead_to_their_term(self, database: Database) -> None:
        """The page is asked about anew, and the same proposal is the term's choice."""
        queue = await a_queue(database, "k8s", "кубернетес")
        await queue.put(Term(name="kubernetes", synonyms=("куб",)))
        await queue.look()

        decided = await queue.map("Куб", "K8S", "кубернетес")
        await queue.look()

        assert {one.mapped_to for one in decided.proposals} == {"kubernetes"}
        vocabulary = await queue.vocabulary()
        assert vocabulary.canonical("кубернетес") == "kubernetes"
        assert vocabulary.terms["kubernetes"].synonyms == ("куб", "k8s", "кубернетес")
        assert queue.labels == ["kubernetes"]
        assert queue.house.calls == {"openai": 2}
        assert await queue.names() == []

    async def test_rejected_names_never_come_back(self, database: Database) -> None:
        """Not with the next page, nor under another spelling."""
        queue = await a_queue(database, "mail-server")
        await queue.look()
        await queue.reject("Mail Server")

        queue.provider.names = ("Mail_Server", "mail  server")
        queue.site.page = a_page("7", body="Зовсім інший текст про пошту. " * 20)
        await queue.look()

        assert await queue.names() == []
        assert queue.house.calls == {"openai": 2}
        (row,) = await rows(database, ProposalRow)
        assert (row["state"], row["decided_by"]) == ("rejected", "olena")

    async def test_the_second_person_gets_a_conflict(self, database: Database) -> None:
        """For what was decided, not for the rest; nothing decided is no act."""
        queue = await a_queue(database)
        await queue.note("1", "mail", "tape")
        await queue.reject("mail")

        decided = await queue.accept("mail", "tape")
        again = await queue.accept("mail")

        assert [one.name for one in decided.proposals] == ["tape"]
        assert decided.conflicts == {"mail": "mail: is rejected already (olena)"}
        assert again.proposals == ()
        assert [action for _, action, _ in await queue.audit()] == [
            "proposals_accepted",
            "proposals_rejected",
        ]

    async def test_what_is_a_term_by_now_is_a_conflict(
        self, database: Database
    ) -> None:
        """Whatever was to become of it."""
        queue = await a_queue(database)
        await queue.note("1", "mail")
        await queue.put(Term(name="e-mail", synonyms=("mail",)), Term(name="post"))

        told = {"mail": "mail: is a name of the term e-mail by now"}
        assert (await queue.accept("mail")).conflicts == told
        assert (await queue.map("post", "mail")).conflicts == told
        assert (await queue.reject("mail")).conflicts == told

    async def test_who_and_what_is_not_there(self, database: Database) -> None:
        """Nothing of the rest is decided then."""
        queue = await a_queue(database)
        await queue.note("1", "mail")

        with pytest.raises(NotFound, match="tape: nobody proposed it"):
            await queue.accept("mail", "tape")
        with pytest.raises(NotFound, match="no term post"):
            await queue.map("post", "mail")
        with pytest.raises(NotFound, match="no tenant nobody"):
            await accept(queue.house.services, "nobody", ["mail"], by="olena")
        assert await queue.names() == ["mail"]

    async def test_more_synonyms_than_a_term_may_have(self, database: Database) -> None:
        """None is mapped then."""
        queue = await a_queue(database)
        many = tuple(f"s{n}" for n in range(MOST_SYNONYMS))
        await queue.put(Term(name="post", synonyms=many))
        await queue.note("1", "mail")

        with pytest.raises(TermsRefused, match="post: a term has at most 200 synonyms"):
            await queue.map("post", "mail")

        assert await queue.names() == ["mail"]

    async def test_many_at_once(self, database: Database) -> None:
        """A whole queue, in one act."""
        queue = await a_queue(database)
        names = [f"name-{n}" for n in range(200)]
        await queue.note("1", *names)

        decided = await queue.accept(*names)

        assert len(decided.proposals) == len(await queue.vocabulary()) == 200
