"""What may be written is asked at the moment of writing, not when the AI was asked."""

from __future__ import annotations

import pytest
from typing_extensions import override

from app.domain.completions import Completion, Prompt, Turn
from app.domain.vocabulary.terms import Term
from app.store.database import Database
from app.store.policies import PolicyStore
from app.store.tables import LedgerRow, PlanItemRow
from app.store.terms import TermStore
from app.usecases.label_page import label_page
from tests.integration.store.stored import rows
from tests.integration.usecases.asking import (
    OnePageSite,
    ScriptedProvider,
    a_job,
    a_page,
    asking,
)

pytestmark = pytest.mark.anyio


async def test_term_that_was_excluded_while_the_ai_thought(database: Database) -> None:
    """It is not written; the rest of the answer is."""

    class Slow(ScriptedProvider):
        @override
        async def complete(self, prompt: Prompt, turn: Turn) -> Completion:
            answer = await super().complete(prompt, turn)
            excluded = Term(name="копія", excluded=True)
            await database.write(
                lambda s: TermStore(s).put(house.tenant, excluded, origin="person")
            )
            return answer

    site, provider = OnePageSite(a_page()), Slow("openai")
    provider.proposes = ("копія",)
    house = await asking(database, provider, open_confluence=site.open)
    await house.install()
    await database.write(
        lambda s: PolicyStore(s).set_fields(house.tenant, "", {"openness": "open"})
    )

    await label_page(house.services, a_job(house.tenant))

    items = {one["kind"]: one for one in await rows(database, PlanItemRow)}
    assert site.writes == ["property"]
    assert items["label_add"]["reason"] == "not_in_vocabulary"
    assert await rows(database, LedgerRow) == []
