"""Tests for app.store.installations on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.domain.tenants import Installation
from app.store.database import Database
from app.store.encryption import Cipher, new_key
from app.store.installations import InstallationStore, Token
from app.store.tables import InstallationRow, TokenRow
from tests.integration.store.stored import CIPHER, new_tenant, rows

pytestmark = pytest.mark.anyio
SECRET = "a-shared-secret-of-forty-letters-or-so"
FORGE = "ari:cloud:ecosystem::installation/1"


async def save(
    database: Database, tenant: str, host: Any = "connect", **changes: Any
) -> Installation:
    fields: dict[str, Any] = {
        "external_id": "client-key-1",
        "base_url": "https://a.atlassian.net/wiki",
        "secret": SECRET if host == "connect" else None,
    }
    fields |= changes
    external_id = fields.pop("external_id")
    return await database.write(
        lambda s: InstallationStore(s, CIPHER).save(tenant, host, external_id, **fields)
    )


async def keep(
    database: Database,
    installation: Installation,
    token: str,
    *,
    lives: timedelta = timedelta(hours=1),
    **changes: Any,
) -> None:
    fields = {"kind": "system", "account_id": ""} | changes
    await database.write(
        lambda s: InstallationStore(s, CIPHER).keep_token(
            installation, token=token, expires_at=utc_now() + lives, **fields
        )
    )


async def token_of(
    database: Database, installation: Installation, **which: Any
) -> Token | None:
    return await database.read(
        lambda s: InstallationStore(s, CIPHER).token(installation, **which)
    )


class TestSave:
    """Tests for app.store.installations.InstallationStore.save()."""

    async def test_secret_is_sealed_at_rest_and_opened_on_the_way_out(
        self, database: Database
    ) -> None:
        """Whoever steals the file has no secret; the value does not print it."""
        saved = await save(database, await new_tenant(database))

        (row,) = await rows(database, InstallationRow)
        assert SECRET not in repr(row)
        assert row["sealed_secret"] not in {"", None}
        assert saved.secret == SECRET
        assert SECRET not in repr(saved)

    async def test_same_secret_is_sealed_differently_each_time(
        self, database: Database
    ) -> None:
        """Equal secrets cannot be told from the rows."""
        tenant = await new_tenant(database)
        await save(database, tenant)
        await save(database, tenant, external_id="client-key-2")

        sealed = {row["sealed_secret"] for row in await rows(database, InstallationRow)}

        assert len(sealed) == 2

    async def test_second_install_brings_the_known_one_up_to_date(
        self, database: Database
    ) -> None:
        """A new secret replaces the old one; what is not told stays."""
        tenant = await new_tenant(database)
        first = await save(
            database, tenant, forge_installation_id=FORGE, app_version="1"
        )

        again = await save(
            database, tenant, secret="new", base_url="https://b.atlassian.net/wiki"
        )

        (row,) = await rows(database, InstallationRow)
        assert (again.id, again.secret) == (first.id, "new")
        assert again.base_url == "https://b.atlassian.net/wiki"
        assert (row["forge_installation_id"], row["app_version"]) == (FORGE, "1")

    async def test_reinstall_after_the_end_brings_it_back(
        self, database: Database
    ) -> None:
        """The same row lives again, with its new secret."""
        tenant = await new_tenant(database)
        first = await save(database, tenant)
        await database.write(
            lambda s: InstallationStore(s, CIPHER).set_status(first, "uninstalled")
        )

        again = await save(database, tenant, secret="new")

        assert (again.id, again.status, again.ended_at) == (first.id, "active", None)
        assert again.secret == "new"

    async def test_one_key_on_two_hosts_is_two_installations(
        self, database: Database
    ) -> None:
        """Hosts name their installations apart."""
        tenant = await new_tenant(database)

        await save(database, tenant, external_id="same")
        await save(database, tenant, "forge", external_id="same")

        assert len(await rows(database, InstallationRow)) == 2


class TestFind:
    """Tests for the ways to find an installation."""

    async def test_found_by_what_the_host_says(self, database: Database) -> None:
        """By host and key, by the Forge installation behind it, by tenant."""
        tenant = await new_tenant(database)
        connect = await save(database, tenant, forge_installation_id=FORGE)
        forge = await save(database, tenant, "forge", external_id=FORGE)

        def work(session: Session) -> list[object]:
            store = InstallationStore(session, CIPHER)
            return [
                store.find("connect", "client-key-1"),
                store.find("forge", FORGE),
                store.by_forge_installation(FORGE),
                list(store.of_tenant(tenant)),
                store.find("forge", "client-key-1"),
                store.find("connect", ""),
                store.by_forge_installation("x"),
            ]

        found = await database.read(work)

        assert found == [connect, forge, connect, [forge, connect], None, None, None]

    async def test_other_tenants_installations_are_not_listed(
        self, database: Database
    ) -> None:
        """A tenant sees its own."""
        await save(database, await new_tenant(database))
        other = await new_tenant(database, "b")

        found = await database.read(
            lambda s: InstallationStore(s, CIPHER).of_tenant(other)
        )

        assert found == []


class TestSetStatus:
    """Tests for app.store.installations.InstallationStore.set_status()."""

    async def test_end_takes_the_secrets_along(self, database: Database) -> None:
        """Nothing that opens the site outlives the installation."""
        tenant = await new_tenant(database)
        installation = await save(database, tenant)
        await keep(database, installation, "t")

        await database.write(
            lambda s: InstallationStore(s, CIPHER).set_status(
                installation, "uninstalled"
            )
        )

        (row,) = await rows(database, InstallationRow)
        assert (row["status"], row["sealed_secret"]) == ("uninstalled", None)
        assert row["ended_at"] is not None
        assert await rows(database, TokenRow) == []

    async def test_disabled_keeps_its_secret(self, database: Database) -> None:
        """It will be enabled again without a new install."""
        installation = await save(database, await new_tenant(database))

        await database.write(
            lambda s: InstallationStore(s, CIPHER).set_status(installation, "disabled")
        )

        found = await database.read(
            lambda s: InstallationStore(s, CIPHER).find("connect", "client-key-1")
        )
        assert found is not None
        assert (found.is_active, found.secret) == (False, SECRET)

    async def test_app_account_is_remembered(self, database: Database) -> None:
        """Our own edits are known by it."""
        installation = await save(database, await new_tenant(database))

        await database.write(
            lambda s: InstallationStore(s, CIPHER).set_app_account(
                installation, "712020:app"
            )
        )

        (row,) = await rows(database, InstallationRow)
        assert row["app_account_id"] == "712020:app"


class TestTokens:
    """Tests for the tokens of an installation."""

    async def test_token_is_sealed_at_rest(self, database: Database) -> None:
        """A stolen file lets nobody in for the hour."""
        installation = await save(database, await new_tenant(database), "forge")
        await keep(database, installation, "a.forge.token")

        (row,) = await rows(database, TokenRow)
        kept = await token_of(database, installation)

        assert "a.forge.token" not in repr(row)
        assert kept is not None
        assert kept.value == "a.forge.token"
        assert "a.forge.token" not in repr(kept)

    @pytest.mark.parametrize(
        ("lives", "given"),
        [(3600, True), (70, True), (50, False), (0, False), (-60, False)],
    )
    async def test_token_near_its_end_is_not_given_out(
        self, database: Database, lives: int, *, given: bool
    ) -> None:
        """Work that takes a minute would outlive it."""
        installation = await save(database, await new_tenant(database), "forge")

        await keep(database, installation, "t", lives=timedelta(seconds=lives))

        expiry = await database.read(
            lambda s: InstallationStore(s, CIPHER).token_expiry(installation)
        )
        assert (await token_of(database, installation) is not None) is given
        assert (expiry is not None) is given

    async def test_new_token_replaces_the_former_one_of_the_same_person(
        self, database: Database
    ) -> None:
        """One system token, one a person."""
        installation = await save(database, await new_tenant(database), "forge")

        for token in ("old", "new"):
            await keep(database, installation, token)
        await keep(database, installation, "hers", kind="user", account_id="олена")

        system = await token_of(database, installation)
        hers = await token_of(database, installation, kind="user", account_id="олена")
        assert system is not None
        assert hers is not None
        assert (system.value, hers.value) == ("new", "hers")
        assert len(await rows(database, TokenRow)) == 2

    async def test_refused_token_is_forgotten(self, database: Database) -> None:
        """Only that very token: neither a newer one, nor another installation's."""
        tenant = await new_tenant(database)
        refused = await save(database, tenant, "forge")
        other = await save(database, tenant, "forge", external_id="other")
        await keep(database, refused, "t")
        await keep(database, other, "u")

        await database.write(
            lambda s: InstallationStore(s, CIPHER).drop_token(refused, "older")
        )
        kept = await token_of(database, refused)
        await database.write(
            lambda s: InstallationStore(s, CIPHER).drop_token(refused, "t")
        )

        assert kept is not None
        assert await token_of(database, refused) is None
        assert await token_of(database, other) is not None

    async def test_lost_key_leaves_an_empty_secret(self, database: Database) -> None:
        """It proves nobody, and a re-install brings a new one."""
        await save(database, await new_tenant(database))
        stranger = Cipher([new_key()])

        found = await database.read(
            lambda s: InstallationStore(s, stranger).find("connect", "client-key-1")
        )

        assert found is not None
        assert found.secret == ""
