"""A site to look at: real documentation in English, Ukrainian and German.

`docs.jsonl` is made by `build.py`; where it comes from says the README beside it.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

from sandbox.model import Page, Space
from sandbox.people import account_id_of
from sandbox.principals import Principal
from sandbox.samples import own_pages
from sandbox.site import Site

Row: TypeAlias = dict[str, Any]

DOCS_KEY = "DOCS"
HR_KEY = "HR"

#: Title of the section page and login of its editor, by source.
_SECTIONS = {
    "github-docs-en": ("Working with GitHub", "olena"),
    "github-docs-de": ("Arbeiten mit GitHub", "max"),
    "istio-uk": ("Сервісна мережа Istio", "olena"),
    "k8s-uk": ("Основи Kubernetes", "olena"),
}
#: An area with so many pages gets a page of its own above them.
_PAGES_OF_AN_AREA = 3


def load(site: Site) -> None:
    """Fill an empty site with the spaces DOCS and HR, the same each time."""
    _load_docs(site)
    _load_hr(site)


def read_rows() -> list[Row]:
    """Return the sample pages as they lie in `docs.jsonl`."""
    text = Path(__file__).with_name("docs.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def _person(site: Site, login: str) -> Principal:
    return site.directory.get(account_id_of(login)).principal


def _load_docs(site: Site) -> None:
    space = site.create_space(
        key=DOCS_KEY, name="Product documentation", actor=site.admin
    )
    rows = read_rows()
    for source, (title, login) in _SECTIONS.items():
        actor = _person(site, login)
        section = _page(site, space, title=title, parent=_home(space), actor=actor)
        own = [row for row in rows if row["source"] == source]
        _load_section(site, space, section, own, actor)
    _load_own(site, space, rows)


def _load_section(
    site: Site, space: Space, section: Page, rows: list[Row], actor: Principal
) -> None:
    sizes = Counter(row["area"] for row in rows)
    areas: dict[str, Page] = {}
    # One area alone would only make the tree deeper.
    split = len(sizes) > 1
    for row in rows:
        area = row["area"]
        if split and sizes[area] >= _PAGES_OF_AN_AREA and area not in areas:
            title = f"{area.rpartition('/')[2].replace('-', ' ').capitalize()}"
            title = f"{title} ({row['lang']})"
            areas[area] = _page(
                site, space, title=title, parent=section.id, actor=actor
            )
        above = areas.get(area, section)
        page = site.create_page(
            space_id=space.id,
            title=row["title"],
            body=row["body_storage"],
            parent_id=above.id,
            actor=actor,
        )
        if row["labelled"]:
            labels = [("global", name) for name in row["labels"]]
            site.add_labels(page.id, labels, actor)


def _load_own(site: Site, space: Space, rows: list[Row]) -> None:
    olena, home = _person(site, "olena"), _home(space)
    site.create_page(
        space_id=space.id,
        title=own_pages.MACROS_TITLE,
        body=own_pages.MACROS_BODY,
        parent_id=home,
        actor=olena,
    )
    site.create_page(
        space_id=space.id,
        title=own_pages.RESTRICTED_TITLE,
        body=own_pages.RESTRICTED_BODY,
        parent_id=home,
        actor=site.admin,
        readers=frozenset({site.admin.account_id}),
    )
    site.create_page(
        space_id=space.id,
        title=own_pages.EMPTY_TITLE,
        body="",
        parent_id=home,
        actor=olena,
    )
    summaries = [row["summary"] for row in rows if row["summary"]]
    site.create_page(
        space_id=space.id,
        title=own_pages.LONG_TITLE,
        body=own_pages.long_body(summaries),
        parent_id=home,
        actor=olena,
    )


def _load_hr(site: Site) -> None:
    space = site.create_space(key=HR_KEY, name="Кадри та персонал", actor=site.admin)
    olena = _person(site, "olena")
    for title, body in own_pages.HR_PAGES:
        site.create_page(
            space_id=space.id,
            title=title,
            body=body,
            parent_id=_home(space),
            actor=olena,
        )


def _page(
    site: Site, space: Space, *, title: str, parent: str, actor: Principal
) -> Page:
    return site.create_page(
        space_id=space.id,
        title=title,
        body=own_pages.section_body(f"{title}: see the pages below."),
        parent_id=parent,
        actor=actor,
    )


def _home(space: Space) -> str:
    assert space.homepage_id is not None  # noqa: S101 - every space is made with one
    return space.homepage_id
