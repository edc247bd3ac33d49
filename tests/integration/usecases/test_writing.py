"""What becomes of each write: already there, changed since, refused, cut off before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from app.domain.byline import BYLINE_PROPERTY_KEY
from app.domain.changes import OURS, Change, Item
from app.domain.pages import ContentProperty, Label, Page
from app.errors import (
    AccessChanged,
    PageGone,
    TenantInactive,
    VersionConflict,
    WriteRefused,
)
from app.store.database import Database
from app.store.ledger import LedgerStore
from app.store.policies import PolicyStore
from app.store.tenants import TenantStore
from app.usecases.apply_changes import FRESH_FOR, apply_changes
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.writing.work import Write
from tests.integration.store.stored import new_tenant
from tests.integration.usecases.asking import ANY, NOON, a_page
from tests.unit.worker.services import RULES, make_services

pytestmark = pytest.mark.anyio

PAGE = a_page(body="<p>Резервні копії.</p><h2>Хто</h2><p>Ми.</p>", version=3)
HEADING = "<h2>Хто</h2><p>Ми.</p>"


@dataclass(slots=True)
class TouchySite:
    """A site with one page that may refuse, or let writes vanish.

    Attributes:
        page: None once it is gone.
        refuses: Whether it says no to new versions.
        drops: Labels that it takes and does not put on.
        below: Pages under the page.
    """

    page: Page | None
    refuses: bool = False
    drops: frozenset[str] = frozenset()
    below: tuple[str, ...] = ()
    writes: list[str] = field(default_factory=list)

    async def get_page(self, page_id: str) -> Page:
        if self.page is None:
            raise PageGone(page_id)
        return self.page

    async def update_page(self, page: Page, **fields: Any) -> Page:
        if self.refuses:
            raise WriteRefused("the body is no storage format")
        self.writes.append("version")
        return replace(page, title=fields["title"], body=fields["body"])

    async def add_labels(self, page_id: str, names: Sequence[str]) -> tuple[Label, ...]:
        assert page_id == PAGE.id
        self.writes.append("labels")
        kept = [name for name in names if name not in self.drops]
        return tuple(Label(id=name, name=name) for name in kept)

    async def remove_label(self, page_id: str, name: str) -> None:
        assert page_id == PAGE.id
        self.writes.append(f"-{name}")

    async def put_property(
        self, page_id: str, key: str, value: Any, *, current: ContentProperty | None
    ) -> ContentProperty:
        assert page_id == PAGE.id
        self.writes.append("property")
        version = current.version + 1 if current else 1
        return ContentProperty(id="1", key=key, value=value, version=version)

    async def delete_property(self, page_id: str, current: ContentProperty) -> None:
        assert (page_id, current.key) == (PAGE.id, BYLINE_PROPERTY_KEY)
        self.writes.append("no property")

    async def tree_page_ids(self, root_id: str) -> AsyncIterator[str]:
        for one in (root_id, *self.below):
            yield one

    async def trash_page(self, page_id: str) -> None:
        assert page_id == PAGE.id
        self.writes.append("trash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A tenant whose policy allows all, and a way to write to its site."""

    services: Services
    tenant: str

    async def write(
        self, site: TouchySite, *writes: Write, page: Page = PAGE, age: float = 0
    ) -> Page:
        return await apply_changes(
            self.services,
            cast("Confluence", site),
            self.tenant,
            writes,
            page=page,
            read_at=NOON - timedelta(seconds=age),
            vocabulary=ANY,
        )


@pytest.fixture
async def desk(database: Database) -> Desk:
    rules = replace(
        RULES, tagging_mode="PROD", summary_mode="PROD", structure_mode="PROD"
    )
    services = make_services(database, rules=rules, now=lambda: NOON)
    tenant = await new_tenant(database)
    await database.write(
        lambda s: PolicyStore(s).set_fields(tenant, "", {"mode": "auto"})
    )
    return Desk(services=services, tenant=tenant)


def a_write(
    kind: str, value: str = "", *, version: int | None = None, **more: Any
) -> Write:
    """Return what a person wants written, planned for a version if one is given."""
    sent = more.pop("was_sent", False)
    change = Change(kind=kind, page_id=PAGE.id, value=value, **more)  # type: ignore[arg-type]
    item = Item(id=1, plan_id=1, change=change, state="planned", page_version=version)
    return Write(
        change=change,
        authority="person",
        was_sent=sent,
        item=None if version is None else item,
    )


def told(*writes: Write) -> list[str]:
    return [one.reason or one.outcome for one in writes]


class TestPermission:
    """What is asked again at the moment of writing."""

    async def test_tenant_that_became_another_is_not_written_to(
        self, desk: Desk
    ) -> None:
        """Its record has gone; who works on it looks again."""
        gone = replace(desk, tenant="nobody")
        site = TouchySite(PAGE)

        with pytest.raises(AccessChanged):
            await gone.write(site, a_write("label_add", "ops"))

        assert site.writes == []

    async def test_tenant_that_has_left_is_not_written_to(self, desk: Desk) -> None:
        """Whatever was on its way."""
        await desk.services.database.write(
            lambda s: TenantStore(s).end_if_unused(desk.tenant)
        )
        site = TouchySite(PAGE)

        with pytest.raises(TenantInactive):
            await desk.write(site, a_write("label_add", "ops"))

        assert site.writes == []

    async def test_page_read_long_ago_is_asked_for_its_version(
        self, desk: Desk
    ) -> None:
        """Somebody has written since: nothing is written over it."""
        late = FRESH_FOR.total_seconds() + 1
        unchanged, moved = TouchySite(PAGE), TouchySite(replace(PAGE, version=4))

        await desk.write(unchanged, a_write("label_add", "ops"), age=late)
        with pytest.raises(VersionConflict, match="version 3 to 4"):
            await desk.write(moved, a_write("label_add", "ops"), age=late)

        assert (unchanged.writes, moved.writes) == (["labels"], [])

    async def test_versions_of_our_own_in_between_are_no_change(
        self, desk: Desk
    ) -> None:
        """What was planned for no version, or for this one, goes ahead all the same."""
        await desk.services.database.write(
            lambda s: LedgerStore(s).note_version(desk.tenant, PAGE.id, 3)
        )
        writes = [
            a_write("label_add", name, version=version)
            for name, version in (("a", 1), ("b", 2), ("c", 3), ("d", None), ("e", 4))
        ]

        await desk.write(TouchySite(PAGE), *writes)

        assert told(*writes) == [
            "page_changed",
            "applied",
            "applied",
            "applied",
            "page_changed",
        ]


class TestLabels:
    """Labels that come and go."""

    async def test_label_that_stands_there_already(self, desk: Desk) -> None:
        """Put there by a try that was cut off, it is done; else it is not ours."""
        page = replace(PAGE, labels=(Label(id="1", name="a"), Label(id="2", name="b")))
        ours = a_write("label_add", "a", was_sent=True)
        theirs = a_write("label_add", "b")
        site = TouchySite(page)

        await desk.write(site, ours, theirs, page=page)

        assert told(ours, theirs) == ["applied", "already_there"]
        assert site.writes == []

    async def test_label_that_the_site_does_not_keep(self, desk: Desk) -> None:
        """It says yes and does not put it on: that is told, and the others stand."""
        await desk.services.database.write(
            lambda s: LedgerStore(s).bury(desk.tenant, PAGE.id, "c")
        )
        writes = [a_write("label_add", name) for name in "abc"]

        await desk.write(TouchySite(PAGE, drops=frozenset({"b"})), *writes)

        assert told(*writes) == ["applied", "refused_by_site", "tombstone"]

    async def test_label_that_was_taken_off_before_a_crash_was_ours(
        self, desk: Desk
    ) -> None:
        """Noted as gone, still there: it goes now, and comes back as ours in an undo."""
        page = replace(PAGE, labels=(Label(id="1", name="a"),))
        await desk.write(TouchySite(PAGE), a_write("label_add", "a"))
        await desk.services.database.write(
            lambda s: LedgerStore(s).settle(
                desk.tenant, PAGE.id, ["a"], state="undone", run_id=None
            )
        )
        gone = a_write("label_remove", "a", before=OURS, was_sent=True)
        site = TouchySite(page)

        await desk.write(site, gone, page=page)

        assert (told(gone), gone.after, site.writes) == (["applied"], OURS, ["-a"])


class TestProperty:
    """The summary in our content property."""

    @staticmethod
    def page(value: Any) -> Page:
        kept = ContentProperty(id="1", key=BYLINE_PROPERTY_KEY, value=value, version=1)
        return replace(PAGE, properties=(kept,))

    @pytest.mark.parametrize(
        ("before", "was_sent", "outcome", "writes"),
        [
            ({"summary": "new"}, True, "applied", []),
            ({"summary": "new"}, False, "already_there", []),
            ({"summary": "of a person"}, False, "changed_since", []),
            ({"summary": "old"}, False, "applied", ["property"]),
        ],
    )
    async def test_it_is_written_over_what_was_planned_for_alone(
        self,
        desk: Desk,
        before: Any,
        was_sent: bool,  # noqa: FBT001 - a parameter of the table
        outcome: str,
        writes: list[str],
    ) -> None:
        """What is there already is done if an earlier try sent it."""
        page = self.page(before)
        site = TouchySite(page)
        one = a_write(
            "summary",
            before={"summary": "old"},
            after={"summary": "new"},
            was_sent=was_sent,
        )

        await desk.write(site, one, page=page)

        assert (told(one), site.writes) == ([outcome], writes)

    async def test_none_takes_it_away(self, desk: Desk) -> None:
        """Where nothing was before, nothing is left."""
        page = self.page({"summary": "old"})
        site = TouchySite(page)

        written = await desk.write(
            site, a_write("summary", before={"summary": "old"}), page=page
        )

        assert (written.properties, site.writes) == ((), ["no property"])


class TestVersion:
    """Changes of the body and the title."""

    def section(self, **more: Any) -> Write:
        fields = {"before": {"markup": HEADING}, "after": None}
        return a_write("page_text", "Хто", **(fields | more))

    async def test_live_page_is_left_alone(self, desk: Desk) -> None:
        """Its storage format is not what people see."""
        one, site = self.section(), TouchySite(PAGE)

        await desk.write(site, one, page=replace(PAGE, is_live=True))

        assert (told(one), site.writes) == (["live_page"], [])

    async def test_refused_version_makes_none_of_its_changes(self, desk: Desk) -> None:
        """What the site said is kept."""
        one = self.section()

        page = await desk.write(TouchySite(PAGE, refuses=True), one)

        assert (told(one), page) == (["refused_by_site"], PAGE)
        assert "no storage format" in str(one.after)

    async def test_what_stands_there_already_is_not_sent(self, desk: Desk) -> None:
        """Done by a try that was cut off, or by somebody else; or other words stand."""
        same = {"after": {"markup": HEADING}}
        sent, already = self.section(**same, was_sent=True), self.section(**same)
        changed = self.section(before={"markup": "<h2>Хто</h2><p>Ви.</p>"})
        site = TouchySite(PAGE)

        await desk.write(site, sent, already, changed)

        assert told(sent, already, changed) == [
            "applied",
            "already_there",
            "changed_since",
        ]
        assert site.writes == []

    async def test_of_two_sections_of_one_heading_none_is_meant(
        self, desk: Desk
    ) -> None:
        """Nobody can say which."""
        page = replace(PAGE, body=HEADING * 2)
        one, site = self.section(), TouchySite(page)

        await desk.write(site, one, page=page)

        assert (told(one), site.writes) == (["markup"], [])

    async def test_section_goes(self, desk: Desk) -> None:
        """The rest of the page stays byte for byte."""
        one = self.section()

        page = await desk.write(TouchySite(PAGE), one)

        assert (told(one), page.body) == (["applied"], "<p>Резервні копії.</p>")


class TestTrash:
    """Pages that we made go into the bin again."""

    @pytest.mark.parametrize(
        ("site", "outcome"),
        [
            (TouchySite(None), "not_there"),
            (TouchySite(replace(PAGE, version=4)), "changed_since"),
            (TouchySite(PAGE, below=("8",)), "has_children"),
            (TouchySite(PAGE), "applied"),
        ],
    )
    async def test_only_what_nobody_has_taken_up(
        self, desk: Desk, site: TouchySite, outcome: str
    ) -> None:
        """Gone already, edited, or with pages below it: it is left as it is."""
        site.writes.clear()
        one = a_write("page_trash", before={"title": PAGE.title, "version": 3})

        await desk.write(site, one)

        assert told(one) == [outcome]
        assert site.writes == (["trash"] if outcome == "applied" else [])
