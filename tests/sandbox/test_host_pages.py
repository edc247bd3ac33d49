"""Tests for what hosts read from the changes that a real site publishes."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.changes import Change
from sandbox.hosts.connect_events import webhook_body
from sandbox.hosts.forge_events import event_body
from sandbox.hosts.pages import PageFacts
from sandbox.site import Site


def edited_page() -> tuple[Site, list[Change]]:
    """Create, edit and label a page; return the site and what it published."""
    moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    site = Site(origin="http://site.test", clock=lambda: moment)
    admin = site.admin
    space = site.create_space(key="DOCS", name="Документація", actor=admin)
    changes: list[Change] = []
    site.subscribe(changes.append)
    page = site.create_page(
        space_id=space.id, title="План", body="<p>Раз</p>", actor=admin
    )
    site.update_page(page.id, version=2, body="<p>Два</p>", actor=admin)
    site.add_labels(page.id, [("global", "backup")], admin)
    site.remove_label(page.id, "backup", admin)
    return site, changes


def test_snapshot_is_understood() -> None:
    """Every fact of an edited page is found in the site's own snapshot."""
    site, (_, updated, _, _) = edited_page()

    page = PageFacts.of(updated)

    assert page.page_id == updated.page_id
    assert (page.title, page.version, page.status) == ("План", 2, "current")
    assert (page.space_key, page.space_name) == ("DOCS", "Документація")
    assert page.space_id.isdecimal()
    assert page.author == page.editor == page.owner == site.admin.account_id
    assert page.modified_at == updated.at
    assert not page.live


def test_label_events_name_the_label() -> None:
    """A label is told with its id, also when it has just been taken off."""
    _, (_, _, added, removed) = edited_page()

    for change in (added, removed):
        label = event_body(change, self_generated=False)["label"]
        assert label["name"] == "backup"
        assert label["id"].isdecimal()
        assert webhook_body(change, site_url="http://s")["label"]["name"] == "backup"


def test_change_without_a_snapshot() -> None:
    """A change that carries little is told with little, and breaks nothing."""
    _, (created, *_) = edited_page()
    bare = Change(name="page_updated", at=created.at, page_id="7")

    body = webhook_body(bare, site_url="http://s")

    assert body["page"]["id"] == 7
    assert "userAccountId" not in body
    assert event_body(bare, self_generated=False)["content"]["id"] == "7"
