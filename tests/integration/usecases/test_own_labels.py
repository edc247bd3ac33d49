"""What the ranker learns from: labels of people, never the app's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.domain.pages import Label
from app.domain.vocabulary.terms import Vocabulary
from app.store.database import Database
from app.store.ledger import LedgerStore
from app.usecases.learn_site import human_labels
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio


class LabelledSpace:
    """A site of which nothing is asked but its labels."""

    def __init__(self, pages: dict[str, list[str]]) -> None:
        self._pages = pages

    async def space_labels(self, space_id: str) -> AsyncIterator[Label]:
        assert space_id == "100"
        for name in self._pages:
            yield Label(id=f"id of {name}", name=name)
        yield Label(id="id of my:starred", name="starred", prefix="my")

    async def label_page_ids(self, label_id: str) -> AsyncIterator[str]:
        for page_id in self._pages[label_id.removeprefix("id of ")]:
            yield page_id


@pytest.mark.parametrize(
    ("state", "learned"),
    [
        ("planned", {"2": {"копії"}}),
        ("written", {"2": {"копії"}}),
        # A person took it off, and it stands there: then a person put it on again.
        ("withdrawn", {"1": {"копії"}, "2": {"копії"}}),
        (None, {"1": {"копії"}, "2": {"копії"}}),
    ],
)
async def test_what_the_app_wrote_teaches_nothing(
    database: Database, state: str | None, learned: dict[str, set[str]]
) -> None:
    """Page 1 carries our label, page 2 the same from a person."""
    tenant = await new_tenant(database)
    if state is not None:
        await database.write(
            lambda s: LedgerStore(s).plan(
                tenant, "1", {"копії": 0.9}, vocabulary=Vocabulary.build(())
            )
        )
        await database.write(
            lambda s: LedgerStore(s).settle(
                tenant,
                "1",
                ["копії"],
                state=state,  # type: ignore[arg-type]
                run_id=None,
            )
        )

    site = LabelledSpace({"копії": ["1", "2"]})
    found = await human_labels(database, site, tenant, "100")  # type: ignore[arg-type]

    assert dict(found) == learned
