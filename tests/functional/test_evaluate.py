"""`evaluate --space`: a provider measured on a site that lives, which is left as it is."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.vocabulary.terms import Vocabulary
from app.store.ledger import LedgerStore
from tests.functional.conftest import BuildHouse
from tests.functional.house import ROOT, House
from tests.functional.small_site import SPACE_KEY

pytestmark = pytest.mark.anyio


async def _evaluate(house: House, *arguments: str) -> tuple[int, str, str]:
    """Run the command in a process of its own; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "evaluate", *arguments),
        cwd=ROOT,
        env=house.environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(), complained.decode()


async def _report(house: House, *arguments: str) -> Any:
    code, said, complained = await _evaluate(
        house, "--space", SPACE_KEY, "--json", *arguments
    )
    assert code == 0, complained
    return json.loads(said)


async def test_a_space_is_measured_and_nothing_is_written(house: House) -> None:
    """Pages that people labelled, each as if the site had never learned it."""
    await house.install_forge()
    before = house.writes()

    found = await _report(house, "--tenant", await house.tenant_id())

    local = found["providers"]["local"]["overall"]
    assert found["data"]["pages"] == 9
    assert found["data"]["summaries"] == 0
    assert (local["n"], local["map"], local["rouge1"]) == (9, 1.0, None)
    assert local["language_match"] == 1.0
    assert house.writes() == before


async def test_what_the_app_wrote_is_no_person_s_label(build: BuildHouse) -> None:
    """It would be right about itself. A site that is not learned yet is read as it is."""
    house = await build(worker=False)
    await house.install_connect(settle=False)
    await house.delivered()
    tenant_id = await house.tenant_id()
    ours, theirs = house.pages.labelled[:2]

    def wrote(session: Session) -> None:
        LedgerStore(session).plan(
            tenant_id, ours, {"backup": 0.9}, vocabulary=Vocabulary.build(())
        )

    await house.database.write(wrote)
    house.label(theirs, "standort")
    found = await _report(house)

    assert found["data"]["pages"] == 8
    assert found["data"]["labels_unseen"] == round(1 / 9, 4)
    assert found["providers"]["local"]["overall"]["map"] > 0.8


async def test_a_space_that_cannot_be_measured_is_told(house: House) -> None:
    """Exit code 1: none of that name, or no person's label in it."""
    await house.install_forge()
    house.site.create_space(key="BARE", name="Порожньо", actor=house.site.admin)

    for key, reason in (("NONE", "no space NONE"), ("BARE", "no page of BARE has")):
        code, said, complained = await _evaluate(house, "--space", key)
        assert (code, said) == (1, "")
        assert reason in complained
