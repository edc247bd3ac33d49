"""Tests for the orders of providers of app.store.policies on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.domain.memory import PageMemory
from app.domain.pages import Space
from app.store.database import Database
from app.store.memory import MemoryStore
from app.store.policies import PolicyStore
from tests.integration.store.stored import new_tenant

pytestmark = pytest.mark.anyio


async def set_order(
    database: Database, tenant: str, space_id: str, *names: str
) -> None:
    await database.write(
        lambda s: PolicyStore(s).set_providers(tenant, space_id, names)
    )


async def orders(database: Database, tenant: str, page: str) -> set[tuple[str, ...]]:
    return await database.read(lambda s: PolicyStore(s).orders(tenant, page))


class TestProviders:
    """Tests for providers() and set_providers()."""

    async def test_space_goes_before_tenant_and_nothing_means_the_operator(
        self, database: Database
    ) -> None:
        """Of one tenant alone."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await set_order(database, tenant, "", "gemini", "openai")
        await set_order(database, tenant, "100", "local")

        def read(session: Session) -> list[tuple[str, ...]]:
            store = PolicyStore(session)
            return [
                store.providers(tenant, "100"),
                store.providers(tenant, "200"),
                store.providers(other, "100"),
            ]

        assert await database.read(read) == [("local",), ("gemini", "openai"), ()]

    async def test_order_can_be_taken_back(self, database: Database) -> None:
        """The space is then as the tenant."""
        tenant = await new_tenant(database)
        await set_order(database, tenant, "", "gemini")
        await set_order(database, tenant, "100", "local")

        await set_order(database, tenant, "100")

        found = await database.read(lambda s: PolicyStore(s).providers(tenant, "100"))
        assert found == ("gemini",)

    async def test_mode_and_order_of_a_space_leave_each_other_alone(
        self, database: Database
    ) -> None:
        """They share a row; whichever is set later."""
        tenant = await new_tenant(database)
        await set_order(database, tenant, "100", "local")
        await database.write(lambda s: PolicyStore(s).set_mode(tenant, "100", "off"))
        await database.write(lambda s: PolicyStore(s).set_mode(tenant, "200", "off"))
        await set_order(database, tenant, "200", "local")

        def read(session: Session) -> set[tuple[str, tuple[str, ...]]]:
            store = PolicyStore(session)
            return {
                (store.mode(tenant, space), store.providers(tenant, space))
                for space in ("100", "200")
            }

        assert await database.read(read) == {("off", ("local",))}

    async def test_space_with_an_order_alone_has_the_tenant_s_mode(
        self, database: Database
    ) -> None:
        """Who is asked says nothing of what may be written."""
        tenant = await new_tenant(database)
        await database.write(lambda s: PolicyStore(s).set_mode(tenant, "", "suggest"))
        await set_order(database, tenant, "100", "local")

        mode = await database.read(lambda s: PolicyStore(s).mode(tenant, "100"))

        assert mode == "suggest"


class TestOrders:
    """Tests for orders() and own_orders()."""

    async def test_unknown_page_may_lie_in_any_space(self, database: Database) -> None:
        """The tenant's order and all that spaces have."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await set_order(database, tenant, "100", "local")
        await set_order(database, tenant, "200", "gemini")
        await set_order(database, other, "", "openai")

        assert await orders(database, tenant, "7") == {(), ("local",), ("gemini",)}
        assert await orders(database, other, "7") == {("openai",)}

    async def test_known_page_has_the_order_of_its_space(
        self, database: Database
    ) -> None:
        """Another tenant's page of the same number says nothing."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await set_order(database, tenant, "100", "local")
        await set_order(database, tenant, "200", "gemini")
        for owner, space in ((tenant, "100"), (other, "200")):
            memory = PageMemory(
                page_id="7", parent_id=None, space_id=space, language="uk",
                weights={}, labels=frozenset(),
            )  # fmt: skip
            await database.write(
                lambda s, t=owner, m=memory: MemoryStore(s).keep(t, m, page_version=1)  # type: ignore[misc]
            )

        assert await orders(database, tenant, "7") == {("local",)}

    async def test_spaces_with_their_own_order_are_listed_by_key(
        self, database: Database
    ) -> None:
        """By their number where the key was never seen."""
        tenant, other = await new_tenant(database), await new_tenant(database, "b")
        await set_order(database, tenant, "", "openai")
        await set_order(database, tenant, "100", "local")
        await set_order(database, tenant, "200", "gemini", "local")
        await set_order(database, tenant, "300", "local")
        await set_order(database, tenant, "300")
        for owner in (tenant, other):
            space = Space(id="100", key=f"DOCS{owner[:2]}", name="Документи")
            await database.write(
                lambda s, t=owner, x=space: PolicyStore(s).keep_space(t, x)  # type: ignore[misc]
            )

        found = await database.read(lambda s: PolicyStore(s).own_orders(tenant))

        assert set(found) == {
            (f"DOCS{tenant[:2]}", ("local",)),
            ("200", ("gemini", "local")),
        }
