"""Terms as people steer them: shown, edited, taken in and given out, on both databases."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.memory import PageMemory
from app.domain.pages import Space
from app.domain.vocabulary.editing import Edit, Layer, edit
from app.domain.vocabulary.saying import Said
from app.domain.vocabulary.terms import Term, TermPatch, Vocabulary
from app.errors import MalformedPayload, NotFound, TermsRefused
from app.store.database import Database, T, Work
from app.store.ledger import LedgerStore
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from app.store.refusals import RefusalStore
from app.store.runs import RunStore
from app.store.terms import TermStore
from app.usecases.edit_vocabulary import Place, change_terms, remove_terms, set_term
from app.usecases.exchange_vocabulary import export_terms, import_terms
from app.usecases.services import Services
from app.usecases.show_vocabulary import list_terms, show_term
from app.usecases.vocabularies import note_people_labels, seed, vocabulary_of
from tests.integration.store.stored import new_tenant
from tests.unit.worker.services import make_services

pytestmark = pytest.mark.anyio

SPACE = Space(id="100", key="OPS", name="Operations")


async def a_site(
    database: Database, **labels: tuple[str, ...]
) -> tuple[Services, Place, Place]:
    """Return services, and a site with one space; page -> labels that people put there."""
    tenant = await new_tenant(database)

    def work(session: Session) -> None:
        PolicyStore(session).keep_space(tenant, SPACE)
        for page, names in labels.items():
            memory = PageMemory(
                page_id=page,
                parent_id=None,
                space_id=SPACE.id,
                language="uk",
                weights={},
                labels=frozenset(names),
                title=page,
            )
            MemoryStore(session).keep(tenant, memory, page_version=1)

    await database.write(work)
    site = Place(tenant_id=tenant)
    return make_services(database), site, Place(tenant_id=tenant, space_key="ops")


async def put(services: Services, place: Place, name: str, **fields: str) -> Edit:
    return await set_term(services, place, name, list(fields.items()), by="cli")


async def take_in(services: Services, place: Place, text: str, **more: Any) -> Edit:
    more = {"replace": False, "dry_run": False, **more}
    return await import_terms(
        services, place, text.encode(), more.pop("kind", "csv"), by="cli", **more
    )


async def audit(services: Services, place: Place) -> list[Any]:
    rows = await services.database.read(
        lambda s: RunStore(s).audit_trail(place.tenant_id)
    )
    return [(row.actor, row.action, row.before, row.after) for row in rows]


async def known(services: Services, place: Place, space_id: str = "") -> Vocabulary:
    return await vocabulary_of(services, place.tenant_id, space_id)


class Rivalry:
    """A database in which somebody else adds a term right before a write, when due."""

    def __init__(self, database: Database, tenant_id: str) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self.dialect = database.dialect
        self.is_due = False

    async def write(self, work: Work[T]) -> T:
        if self.is_due:
            self.is_due = False
            rival = Term(name="rival")
            await self._database.write(
                lambda s: TermStore(s).put(self._tenant_id, rival, origin="person")
            )
        return await self._database.write(work)

    async def read(self, work: Work[T]) -> T:
        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()


class TestList:
    """What there is, and how it is used."""

    async def test_a_site_that_nobody_steered_has_what_its_people_use(
        self, database: Database
    ) -> None:
        """With the pages that people, and we, put each label on."""
        services, site, _ = await a_site(
            database, p1=("backup", "мережа"), p2=("backup",)
        )

        def write(session: Session) -> None:
            ledger, tenant = LedgerStore(session), site.tenant_id
            for page, state in (("p3", "written"), ("p4", "withdrawn"), ("p5", None)):
                labels = {"backup": 0.9}
                ledger.plan(tenant, page, labels, vocabulary=Vocabulary.build(()))
                if state:
                    ledger.settle(tenant, page, labels, state=state, run_id=None)  # type: ignore[arg-type]

        await database.write(write)

        rows = await list_terms(services, site)

        assert [
            (one["term"], one["people"], one["ours"], one["origin"]) for one in rows
        ] == [("backup", 2, 1, "site"), ("мережа", 1, 0, "site")]
        assert "said_here" not in rows[0]

    async def test_a_space_shows_whose_word_it_is(self, database: Database) -> None:
        """What holds there, and what of it the space says."""
        services, site, space = await a_site(database, p1=("backup", "disk"))
        await put(services, space, "backup", excluded="true", synonyms="copy")
        await put(services, space, "local")

        rows = {one["term"]: one for one in await list_terms(services, space)}

        assert rows["backup"]["said_here"] == ["excluded", "synonyms"]
        assert rows["local"]["said_here"] == ["name"]
        assert rows["local"]["origin"] == "person"
        assert rows["disk"]["said_here"] == []
        assert rows["backup"]["synonyms"] == ["copy"]
        assert not any(one["excluded"] for one in await list_terms(services, site))

    async def test_a_term_is_shown_under_any_name(self, database: Database) -> None:
        """With the terms below it."""
        services, site, _ = await a_site(database)
        await put(services, site, "backup", synonyms="резервна копія")
        await put(services, site, "tape", parent="backup")

        row = await show_term(services, site, "Резервна-Копія")

        assert (row["term"], row["children"]) == ("backup", ["tape"])
        with pytest.raises(NotFound, match="no term nope"):
            await show_term(services, site, "nope")

    async def test_who_is_not_there(self, database: Database) -> None:
        """No such tenant, no such space."""
        services, site, _ = await a_site(database)

        with pytest.raises(NotFound, match="no tenant nobody"):
            await list_terms(services, Place(tenant_id="nobody"))
        with pytest.raises(NotFound, match="no space NOPE"):
            await list_terms(
                services, Place(tenant_id=site.tenant_id, space_key="NOPE")
            )


class TestSet:
    """A term is added or changed."""

    async def test_fields_are_said_and_taken_back(self, database: Database) -> None:
        """Each act is on record, with what was before and after."""
        services, site, _ = await a_site(database, p1=("backup",))

        first = await put(
            services, site, "Backup", synonyms="резервна копія", min_confidence="0,8"
        )
        second = await put(services, site, "backup", min_confidence="")
        third = await put(services, site, "backup")

        assert [one.changed for one in (first, second, third)] == [
            ("backup",),
            ("backup",),
            (),
        ]
        vocabulary = await known(services, site)
        assert vocabulary.terms["backup"] == Term(
            name="backup", synonyms=("резервна копія",)
        )
        newest, oldest = await audit(services, site)
        assert newest[:2] == ("cli", "term_set")
        assert oldest[2] == {"space": None, "terms": {"backup": {}}}
        assert oldest[3]["terms"]["backup"]["min_confidence"] == 0.8

    async def test_all_problems_at_once_and_nothing_changed(
        self, database: Database
    ) -> None:
        """Of the fields first, then of the term among others."""
        services, site, _ = await a_site(database, p1=("backup",))

        with pytest.raises(TermsRefused) as caught:
            await put(services, site, "backup", excluded="maybe", colour="red")

        assert len(caught.value.problems) == 2
        with pytest.raises(TermsRefused, match="a: its parents go round"):
            await put(services, site, "a", parent="a")
        assert await audit(services, site) == []
        assert set((await known(services, site)).terms) == {"backup"}

    async def test_what_a_space_says_holds_there_alone(
        self, database: Database
    ) -> None:
        """And makes new questions there alone."""
        services, site, space = await a_site(database, p1=("backup",))
        before = await known(services, site)

        await put(services, space, "backup", excluded="true")

        assert not (await known(services, site, "100")).may_choose("backup")
        assert (await known(services, site)).may_choose("backup")
        assert (await known(services, site)).version == before.version
        assert (await known(services, site, "100")).version != before.version

    async def test_a_change_in_between_is_not_lost(self, database: Database) -> None:
        """The edit is worked out anew on what is there then."""
        _, site, _ = await a_site(database, p1=("backup",))
        rivals = Rivalry(database, site.tenant_id)
        seen: list[set[str]] = []

        def make(_: Session, layer: Layer) -> Edit:
            seen.append(set(layer.here))
            rivals.is_due = len(seen) == 1
            return edit(layer, [Said(name="disk")])

        done = await change_terms(
            make_services(rivals),
            site,
            make,
            origin="person",
            action="term_set",
            by="cli",
        )

        assert seen == [{"backup"}, {"backup", "rival"}]
        assert set(done.after) == {"backup", "disk", "rival"}


class TestRemove:
    """Terms that are no more."""

    async def test_a_removed_term_does_not_come_back(self, database: Database) -> None:
        """Neither learned from pages nor from events; in no spelling."""
        services, site, _ = await a_site(database, p1=("backup", "мережа"))
        await known(services, site)

        done, spaces = await remove_terms(services, site, ["Backup"], by="olena")

        def learn(session: Session) -> None:
            seed(session, site.tenant_id)
            note_people_labels(session, site.tenant_id, ["backup", "BACKUP", "new"])
            note_people_labels(session, site.tenant_id, [])

        await database.write(learn)
        assert (done.removed, list(spaces)) == (("backup",), [])
        assert set((await known(services, site)).terms) == {"мережа", "new"}
        ((actor, action, before, after),) = await audit(services, site)
        assert (actor, action, after["removed"]) == ("olena", "terms_removed", 1)
        assert before["terms"] == {"backup": {}}

    async def test_until_somebody_says_it_again(self, database: Database) -> None:
        """As a term, or as a synonym of one."""
        services, site, _ = await a_site(database, p1=("backup", "disk"))
        await known(services, site)
        await remove_terms(services, site, ["backup", "disk"], by="cli")

        await put(services, site, "backup", synonyms="Disk")

        refused = await database.read(lambda s: RefusalStore(s).all(site.tenant_id))
        assert refused == frozenset()
        assert (await known(services, site)).canonical("disk") == "backup"

    async def test_a_synonym_on_pages_is_no_new_term(self, database: Database) -> None:
        """The label of a person that leads to a term does not become one."""
        services, site, _ = await a_site(database, p1=("backup",))
        await put(services, site, "backup", synonyms="резервна копія, архів")

        await database.write(
            lambda s: note_people_labels(s, site.tenant_id, ["архів", "резервна-копія"])
        )

        assert set((await known(services, site)).terms) == {"backup"}

    async def test_spaces_that_still_say_something_are_told(
        self, database: Database
    ) -> None:
        """Their word is theirs to take back."""
        services, site, space = await a_site(database, p1=("backup",))
        await put(services, space, "backup", description="Ours")

        _, spaces = await remove_terms(services, site, ["backup"], by="cli")
        done, none = await remove_terms(services, space, ["backup"], by="cli")

        assert (spaces, list(none), done.removed) == (["OPS"], [], ("backup",))
        assert "backup" not in (await known(services, site, "100")).terms

    async def test_what_is_not_there(self, database: Database) -> None:
        """Nothing is removed then."""
        services, site, _ = await a_site(database, p1=("backup",))

        with pytest.raises(TermsRefused, match="nope: there is no such term"):
            await remove_terms(services, site, ["backup", "nope"], by="cli")

        assert "backup" in (await known(services, site)).terms


class TestExchange:
    """Files."""

    @pytest.mark.parametrize("kind", ["csv", "json"])
    async def test_round_trip_of_a_site_and_a_space(
        self, database: Database, kind: Any
    ) -> None:
        """Nothing is lost, nothing changes, nothing is on record for it."""
        services, site, space = await a_site(database, p1=("backup", "c++", "a;b"))
        await put(services, site, "backup", synonyms="резервна копія", parent="c++")
        await put(services, site, "backup", description="=1+1", min_confidence="0.1")
        await put(services, space, "backup", synonyms="-", parent="-", excluded="no")
        await put(services, space, "local", manual_only="так")
        acts = await audit(services, site)

        for place in (site, space):
            content = await export_terms(services, place, kind)
            for replace in (False, True):
                done = await import_terms(
                    services,
                    place,
                    content,
                    kind,
                    replace=replace,
                    dry_run=False,
                    by="cli",
                )
                assert (done.kept, done.removed) == ((), ())

        assert await audit(services, site) == acts

    async def test_an_export_fills_an_empty_place_again(
        self, database: Database
    ) -> None:
        """Another site, or the same one after all was removed."""
        services, site, _ = await a_site(database, p1=("c++",))
        await put(services, site, "backup", synonyms="резервна копія")
        content = await export_terms(services, site, "json")
        await remove_terms(services, site, ["backup", "c++"], by="cli")

        done = await take_in(services, site, content.decode(), kind="json")

        assert done.added == ("backup", "c++")
        assert (await known(services, site)).canonical("резервна копія") == "backup"
        rows = {one["term"]: one["origin"] for one in await list_terms(services, site)}
        assert rows == {"backup": "import", "c++": "import"}

    async def test_merge_and_replace(self, database: Database) -> None:
        """Without it, what the file does not name stays; with it, nothing else does."""
        services, site, _ = await a_site(database, p1=("backup", "disk"))
        await put(services, site, "backup", description="Copies")

        merged = await take_in(services, site, "name,excluded\nbackup,yes\nnew,\n")
        assert (merged.added, merged.changed) == (("new",), ("backup",))
        term = (await known(services, site)).terms["backup"]
        assert (term.description, term.excluded) == ("Copies", True)

        replaced = await take_in(services, site, "name\nbackup\n", replace=True)
        assert replaced.removed == ("disk", "new")
        await database.write(lambda s: seed(s, site.tenant_id))
        assert set((await known(services, site)).terms) == {"backup"}
        newest, *_ = await audit(services, site)
        assert (newest[1], newest[3]["replaced"]) == ("terms_imported", True)

    async def test_dry_run_changes_nothing(self, database: Database) -> None:
        """And tells the same, problems too."""
        services, site, _ = await a_site(database, p1=("backup",))
        text = "name\nnew\n"

        told = await take_in(services, site, text, dry_run=True, replace=True)

        assert (told.added, told.removed) == (("new",), ("backup",))
        assert await audit(services, site) == []
        assert set((await known(services, site)).terms) == {"backup"}
        with pytest.raises(TermsRefused, match="line 3: NEW: is said already"):
            await take_in(services, site, text + "NEW\n", dry_run=True)

    async def test_one_bad_line_and_nothing_is_taken(self, database: Database) -> None:
        """Whatever is wrong with it."""
        services, site, _ = await a_site(database, p1=("backup",))

        for text in ("name,parent\nnew,\nbad,nope\n", "name,excluded\nnew,\nx,maybe\n"):
            with pytest.raises(TermsRefused, match="line 3"):
                await take_in(services, site, text)
        with pytest.raises(MalformedPayload, match="no UTF-8"):
            await import_terms(
                services, site, b"\xff", "csv", replace=True, dry_run=False, by="cli"
            )

        assert set((await known(services, site)).terms) == {"backup"}

    async def test_five_thousand_terms_in_seconds(self, database: Database) -> None:
        """Into a site, and again with every one of them changed."""
        services, site, _ = await a_site(database)
        lines = [f"термін-{n},синонім {n} | Begriff {n}" for n in range(5_000)]
        text = "\n".join(["name,synonyms", *lines])

        begun = time.monotonic()
        first = await take_in(services, site, text)
        second = await take_in(services, site, text.replace("Begriff", "name"))
        vocabulary = await known(services, site, "100")
        spent = time.monotonic() - begun

        assert (len(first.added), len(second.changed)) == (5_000, 5_000)
        assert vocabulary.canonical("Name 77") == "термін-77"
        # Some two seconds on an idle machine; a busy one is given time.
        assert spent < 30


class TestOtherProcesses:
    """What one process has read, another may change."""

    async def test_every_change_of_another_process_is_seen(
        self, database: Database
    ) -> None:
        """Also a removal that an addition hides, and two changes in one transaction."""
        services, site, space = await a_site(database, p1=("backup", "disk"))
        elsewhere = make_services(database)
        await known(services, site, "100")

        await put(elsewhere, site, "backup", excluded="true")
        assert (await known(services, site, "100")).terms["backup"].excluded

        def swap(session: Session) -> None:
            TermStore(session).remove(site.tenant_id, "", ["disk"])
            TermStore(session).put(site.tenant_id, Term(name="tape"), origin="site")

        await database.write(swap)
        assert set((await known(services, site, "100")).terms) == {"backup", "tape"}

        await put(elsewhere, space, "tape", manual_only="true")
        assert not (await known(services, site, "100")).may_choose("tape")

    async def test_what_did_not_change_is_not_read_again(
        self, database: Database
    ) -> None:
        """The same vocabulary, object for object."""
        services, site, _ = await a_site(database, p1=("backup",))

        first = await known(services, site, "100")

        assert await known(services, site, "100") is first

    async def test_a_process_keeps_so_many_and_no_more(
        self, database: Database
    ) -> None:
        """The one that nobody asked for the longest goes."""
        services, site, _ = await a_site(database, p1=("backup",))

        for space in range(70):
            await known(services, site, str(space))

        assert len(services.vocabularies) == 64
        assert (site.tenant_id, "69") in services.vocabularies

    async def test_patches_of_a_space_lie_over_the_site(
        self, database: Database
    ) -> None:
        """As they are stored."""
        services, site, _ = await a_site(database, p1=("backup",))
        patch = TermPatch(name="backup", min_confidence=0.9)
        await database.write(
            lambda s: TermStore(s).put_patch(site.tenant_id, "100", patch)
        )

        vocabulary = await known(services, site, "100")

        assert vocabulary.terms["backup"].min_confidence == 0.9
