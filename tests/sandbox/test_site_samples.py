"""Tests for the sample site, and for what its pages become in ADF."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from sandbox import adf, samples, view
from sandbox.model import Page
from sandbox.samples import own_pages
from sandbox.site import Site


@pytest.fixture(scope="module")
def site() -> Site:
    """The sample site; read only."""
    loaded = Site()
    samples.load(loaded)
    return loaded


def by_title(site: Site, title: str) -> Page:
    """Return a page of DOCS."""
    page = site.index.by_title(site.space_by_key("DOCS", site.admin).id, title)
    assert page is not None
    return page


def test_two_loads_are_alike(site: Site) -> None:
    """Ids, titles and labels of a second site are the same."""
    second = Site()

    samples.load(second)

    assert [(p.id, p.title, list(p.labels)) for p in second.pages.values()] == [
        (p.id, p.title, list(p.labels)) for p in site.pages.values()
    ]


def test_labels_can_be_learned(site: Site) -> None:
    """People have labelled most pages, and each unlabelled one has known labels."""
    rows = samples.read_rows()
    used = Counter(
        use.label.name for page in site.pages.values() for use in page.labels.values()
    )
    waiting = [row for row in rows if not row["labelled"]]

    assert len(rows) == 60
    assert {row["lang"] for row in rows} == {"en", "uk", "de"}
    assert 0.15 <= len(waiting) / len(rows) <= 0.35
    assert all(any(used[label] >= 2 for label in row["labels"]) for row in waiting)
    assert all(
        use.app is None for page in site.pages.values() for use in page.labels.values()
    )


def test_each_row_tells_its_licence() -> None:
    """No page comes without its origin and licence."""
    assert {row["licence"] for row in samples.read_rows()} == {
        "CC-BY-4.0",
        "Apache-2.0",
    }


def test_pages_are_nested(site: Site) -> None:
    """Pages hang below sections, some of them deeper."""
    depths = Counter(len(site.index.ancestors(p)) for p in site.pages.values())

    assert all(depths[depth] for depth in (1, 2, 3))


def test_special_pages(site: Site) -> None:
    """One page is restricted, one empty, one about 200 KB."""
    restricted = by_title(site, own_pages.RESTRICTED_TITLE)
    empty = by_title(site, own_pages.EMPTY_TITLE)
    long = by_title(site, own_pages.LONG_TITLE)

    assert restricted.readers == frozenset({site.admin.account_id})
    assert empty.latest.body == ""
    assert 200_000 <= len(long.latest.body.encode()) < 210_000


def test_hr_has_ukrainian_and_german(site: Site) -> None:
    """The second space has three short pages below its homepage."""
    space = site.space_by_key("HR", site.admin)

    assert len(site.index.numbers(space.id)) == 4


def test_every_page_can_be_shown_and_converted(site: Site) -> None:
    """No sample is too odd for HTML or ADF."""
    for page in site.pages.values():
        document = adf.convert(page.latest.body)

        assert view.render(page.latest.body) or not page.latest.body
        assert document["type"] == "doc"


def test_macros_page_as_adf(site: Site) -> None:
    """Panels, tasks, code, an expand and table cells keep their text."""
    body = by_title(site, own_pages.MACROS_TITLE).latest.body

    text = json.dumps(adf.convert(body), ensure_ascii=False)

    for kind in ("panel", "codeBlock", "expand", "bulletList", "heading"):
        assert f'"type": "{kind}"' in text
    for words in (
        "Ask the incident lead",
        "kubectl rollout undo",
        "page the platform team",
        "Announce the window",
        "Performance & reliability",
        "the documentation",
        "Jörg, Олена",
    ):
        assert words in text
    assert "incomplete" not in text


def test_broken_bodies_become_text() -> None:
    """A body that cannot be parsed is one paragraph of its source."""
    document = adf.convert("<p>broken")

    assert document["content"][0]["content"][0]["text"] == "<p>broken"
