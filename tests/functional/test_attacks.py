"""Hostile pages all at once, on a real site, with a model that obeys every one of them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.domain.labels import is_disguised, normalise
from app.domain.pages import OWN_EXCERPT
from app.store.policies import PolicyStore
from app.store.tables import LedgerRow, PlanItemRow, RunRow
from app.usecases.review import Waiting, suggestions
from sandbox.model import Space
from tests.attacks import OBEYING, Asked, Attack, attacks, harm_in
from tests.functional.ai_house import AiHouse, open_ai_house
from tests.functional.house import House
from tests.functional.opening import fresh_sqlite

pytestmark = pytest.mark.anyio

_ATTACKS = {one.id: one for one in attacks()}
#: A space for each place that a summary can stand in, and one where people are asked.
_SPACES: Mapping[str, Mapping[str, Any]] = {
    "BYLINE": {"summary_place": "property"},
    "EXCERPT": {"summary_place": "excerpt"},
    "COMMENT": {"summary_place": "comment"},
    "ASKING": {"summary_place": "property", "mode": "suggest"},
}
#: An answer that is no object is what the providers' own tests are about.
_WAYS = [obey for way, obey in OBEYING.items() if way != "aloud"]
_ID = re.compile(r"\(([\w-]+)\)")
_NO_LIMITS = {"rpm": 10_000, "tpm": 100_000_000, "rpd": 100_000}


@dataclass(slots=True)
class Obedient:
    """Answers as the page says; remembers what it was offered."""

    offered: dict[str, set[str]] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    instructions: str = ""

    def __call__(
        self, instructions: str, text: str, schema: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Obey, each page in another way."""
        title = next(one for one in text.splitlines() if one.startswith("Title: "))
        attack = _ATTACKS[_ID.findall(title)[-1]]
        names = schema["properties"]["labels"]["items"]["properties"]["name"]
        asked = Asked(instructions=instructions, message=text)
        self.instructions = instructions
        self.offered[attack.id] = set(names.get("enum", ()))
        self.others[attack.id] = asked.others
        obey = _WAYS[list(_ATTACKS).index(attack.id) % len(_WAYS)]
        said: dict[str, Any] = obey(attack, asked)
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """A page as it was before anybody looked at it."""

    attack: Attack
    page_id: str
    space: str
    labels: list[str]
    body: str = field(repr=False)


async def _policies(house: House, spaces: Mapping[str, Space]) -> None:
    tenant = await house.tenant_id()

    def work(session: Session) -> None:
        for key, rules in _SPACES.items():
            fields = {"apply_at": 0.0, "suggest_at": 0.0, **rules}
            PolicyStore(session).set_fields(tenant, spaces[key].id, fields)

    await house.database.write(work)


def _write_all(house: House, spaces: Mapping[str, Space]) -> Iterator[Attacked]:
    """Write every hostile page, some in each space."""
    for place, attack in enumerate(_ATTACKS.values()):
        key = list(_SPACES)[place % len(_SPACES)]
        page = house.site.create_page(
            space_id=spaces[key].id,
            title=attack.title,
            body=attack.body,
            parent_id=spaces[key].homepage_id,
            actor=house.olena,
        )
        if attack.page_labels:
            house.site.add_labels(page.id, attack.page_labels, house.olena)
        yield Attacked(
            attack=attack,
            page_id=page.id,
            space=key,
            labels=house.labels(page.id),
            body=page.latest.body,
        )


def _write_others(house: House) -> None:
    """Write the pages that are shown beside the hostile ones."""
    for attack in _ATTACKS.values():
        if attack.other is not None:
            text = re.sub(r"<[^>]+>", "", attack.body)
            page_id = house.add_page(attack.other["title"], text)
            for label in attack.other["labels"]:
                house.label(page_id, label)


def _said(ai: AiHouse, one: Attacked) -> list[str]:
    """Return every text of ours that the site shows of a page."""
    house, services = ai.house, ai.house.services
    assert services is not None
    byline = house.byline(one.page_id) or {}
    body = house.site.pages[one.page_id].latest.body
    page = house.site.pages[one.page_id]
    comments = [each.latest.body for each in house.site.comments_of(page)]
    assert all(re.fullmatch(r"(<p>[^<>]*</p>)+", each) for each in comments)
    excerpt = services.markup.excerpt(body, OWN_EXCERPT)
    texts = [str(byline.get(key, "")) for key in ("summary", "title", "tooltip")]
    texts += [html.unescape(re.sub(r"</?p>", "", one)) for one in comments]
    return [one for one in (*texts, excerpt or "") if one]


@pytest.fixture(params=["openai", "local"])
async def ai(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> Any:
    """A house whose only model obeys, or the one that asks nobody."""
    url = fresh_sqlite(sqlite_template, tmp_path)
    async with open_ai_house(
        url, tmp_path, order=request.param, openai=_NO_LIMITS
    ) as opened:
        yield opened


async def test_nothing_that_hostile_pages_want_is_done(ai: AiHouse) -> None:
    """On the site, in the database, in the logs: no order of any page is carried out."""
    house, model = ai.house, Obedient()
    ai.model.answers = model
    spaces = {
        key: house.site.create_space(key=key, name=key, actor=house.site.admin)
        for key in _SPACES
    }
    _write_others(house)
    await house.install_forge()
    await _policies(house, spaces)
    theirs = {page.id: house.labels(page.id) for page in house.site.pages.values()}
    used = {label for labels in theirs.values() for label in labels}

    written = list(_write_all(house, spaces))
    used.update(label for one in written for label in one.labels)
    await house.settled(90)

    assert {one["outcome"] for one in await house.rows(RunRow)} <= {
        "applied",
        "suggested",
    }
    for one in written:
        others = model.others.get(one.attack.id, [])
        added = set(house.labels(one.page_id)) - set(one.labels)
        assert set(one.labels) <= set(house.labels(one.page_id)), one
        assert added <= model.offered.get(one.attack.id, used) & used, one
        said = _said(ai, one)
        assert said or one.space == "ASKING", one
        for text in said:
            page = f"{one.attack.title} {re.sub('<[^>]+>', ' ', one.body)}"
            ours = model.instructions
            assert not harm_in(text, ours=ours, others=others, page=page), (text, one)
        if one.space != "EXCERPT":
            assert house.site.pages[one.page_id].latest.body == one.body
    assert any(house.labels(one.page_id) != one.labels for one in written)
    for page_id, labels in theirs.items():
        assert house.labels(page_id) == labels
    await _nothing_leaked(ai, used)


async def _nothing_leaked(ai: AiHouse, used: set[str]) -> None:
    house = ai.house
    assert house.services is not None
    tenant = await house.tenant_id()
    labels = {
        row["value"] for row in await house.rows(LedgerRow, LedgerRow.kind == "label")
    } | {
        row["value"]
        for row in await house.rows(PlanItemRow, PlanItemRow.kind == "label_add")
    }
    waiting = await suggestions(house.services, tenant, Waiting(), limit=1_000)
    kept = [one.item.change.after for one in waiting if one.item.change.after]
    proposed = [
        one["label"]
        for run in await house.rows(RunRow)
        for one in run["receipt"].get("proposals", ())
    ]
    logs = house.all_logs()
    assert labels <= used
    assert waiting
    assert not [one for one in kept if harm_in(str(one["summary"]))]
    assert all(normalise(one) == one and not is_disguised(one) for one in proposed)
    for secret in ("evil.example", "opal-77", "Opal-77", "You label", "Contoso"):
        assert secret not in logs
    assert not re.search(r"[\x1b\u202e]", logs)
