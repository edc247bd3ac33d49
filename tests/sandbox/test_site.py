"""Tests for what the site itself keeps and refuses."""

from __future__ import annotations

import pytest

from sandbox.principals import Principal
from sandbox.refusals import (
    Forbidden,
    Malformed,
    PageMissing,
    SpaceMissing,
    TitleTaken,
    UserMissing,
    VersionStale,
)
from sandbox.site import Site
from tests.fakes.sandbox_site import add_page, eng, listen, make_site


def reader_of(site: Site) -> Principal:
    """Return the person that may only read."""
    return next(u for u in site.users.values() if u.role == "reader").principal


def editor_of(site: Site) -> Principal:
    """Return a person that may write but is no administrator."""
    return next(u for u in site.users.values() if u.role == "editor").principal


class TestPages:
    """Tests for the verbs of pages."""

    def test_ids_are_the_same_on_every_fresh_site(self) -> None:
        """Two sites made alike have alike ids for people, spaces and pages."""
        first, second = make_site(), make_site()

        assert (add_page(first), list(first.users), list(first.spaces)) == (
            add_page(second),
            list(second.users),
            list(second.spaces),
        )

    def test_a_new_page_is_told_with_a_snapshot(self) -> None:
        """Listeners hear of a page with its title, space and version."""
        site = make_site()
        told = listen(site)

        page_id = add_page(site, "Резервні копії")

        (change,) = told
        page = change.details["page"]
        assert (change.name, change.page_id) == ("page_created", page_id)
        assert (page["title"], page["space_key"], page["version"]) == (
            "Резервні копії",
            "ENG",
            1,
        )

    def test_an_edit_needs_the_next_version(self) -> None:
        """A stale version is refused with both numbers in the message."""
        site = make_site()
        page_id = add_page(site)
        site.update_page(page_id, version=2, body="<p>two</p>", actor=site.admin)

        with pytest.raises(VersionStale) as refused:
            site.update_page(page_id, version=2, body="<p>x</p>", actor=site.admin)

        assert str(refused.value) == (
            "Version must be incremented when updating a page. "
            "Current Version: [2]. Provided version: [2]"
        )

    def test_a_refused_edit_changes_nothing(self) -> None:
        """Neither version nor title nor listeners notice an edit that is refused."""
        site = make_site()
        page_id = add_page(site)
        told = listen(site)

        with pytest.raises(Malformed):
            site.update_page(
                page_id, version=2, title="New", body="<p>", actor=site.admin
            )

        assert (site.pages[page_id].title, told) == ("Runbook", [])

    def test_titles_are_unique_in_a_space_letter_case_aside(self) -> None:
        """A second page of the same title is refused, a bin makes room."""
        site = make_site()
        first = add_page(site, "Runbook")

        with pytest.raises(TitleTaken):
            add_page(site, "RUNBOOK")
        site.trash_page(first, site.admin)

        assert add_page(site, "RUNBOOK") != first

    def test_a_restored_page_must_find_its_title_free(self) -> None:
        """A binned page whose title was taken meanwhile stays in the bin."""
        site = make_site()
        first = add_page(site)
        site.trash_page(first, site.admin)
        add_page(site)

        with pytest.raises(TitleTaken):
            site.restore_page(first, site.admin)

        assert site.pages[first].status == "trashed"

    def test_children_of_a_binned_page_move_up_without_a_word(self) -> None:
        """Trashing tells of the page alone; its children hang below its parent."""
        site = make_site()
        parent = add_page(site, "Parent")
        child = add_page(site, "Child", parent_id=parent)
        told = listen(site)

        site.trash_page(parent, site.admin)

        assert [change.name for change in told] == ["page_trashed"]
        assert site.pages[child].parent_id == eng(site).homepage_id

    def test_bin_restore_purge_are_told_in_order(self) -> None:
        """The whole life of a page is told event by event."""
        site = make_site()
        page_id = add_page(site)
        told = listen(site)

        site.trash_page(page_id, site.admin)
        site.restore_page(page_id, site.admin)
        site.trash_page(page_id, site.admin)
        site.purge_page(page_id, site.admin)

        assert [change.name for change in told] == [
            "page_trashed",
            "page_restored",
            "page_trashed",
            "page_removed",
        ]
        assert page_id not in site.pages

    def test_a_page_in_use_is_not_purged(self) -> None:
        """Only what is in the bin can be removed for good."""
        site = make_site()

        with pytest.raises(Malformed, match="must be in the trash"):
            site.purge_page(add_page(site), site.admin)

    def test_a_page_cannot_move_below_itself(self) -> None:
        """A move that would close a ring is refused."""
        site = make_site()
        parent = add_page(site, "Parent")
        child = add_page(site, "Child", parent_id=parent)

        with pytest.raises(Malformed, match="below itself"):
            site.move_page(parent, child, site.admin)

    def test_a_move_tells_the_old_parent(self) -> None:
        """The event of a move names where the page was."""
        site = make_site()
        parent, page_id = add_page(site, "Parent"), add_page(site, "Page")
        told = listen(site)

        site.move_page(page_id, parent, site.admin)

        assert told[0].details["old_parent_id"] == eng(site).homepage_id
        assert [page.id for page in site.index.children(site.pages[parent])] == [
            page_id
        ]

    def test_live_docs_tell_their_own_events(self) -> None:
        """A live doc is initialised, started and snapshotted, then published."""
        site = make_site()
        told = listen(site)

        page_id = add_page(site, live=True)
        site.update_page(page_id, version=2, body="<p>b</p>", actor=site.admin)
        site.publish_live_page(page_id, site.admin)

        assert [change.name for change in told] == [
            "page_initialized",
            "page_started",
            "page_snapshotted",
            "page_published",
        ]

    @pytest.mark.parametrize(
        "title",
        ["", "   ", "x" * 256, "two\nlines"],
        ids=["empty", "blank", "long", "lf"],
    )
    def test_bad_titles_are_refused(self, title: str) -> None:
        """A title must be one line of 1 to 255 characters."""
        with pytest.raises(Malformed):
            add_page(make_site(), title)

    def test_unknown_space_and_parent_are_missing(self) -> None:
        """A page cannot be put where there is nothing."""
        site = make_site()

        with pytest.raises(SpaceMissing):
            add_page(site, space_id="1")
        with pytest.raises(PageMissing):
            add_page(site, parent_id="1")


class TestRights:
    """Tests for who may see and do what."""

    def test_a_restricted_page_hides_itself_and_what_is_below(self) -> None:
        """For others than its readers the page and its children do not exist."""
        site = make_site()
        hidden = add_page(site, "Secret", readers=frozenset({site.admin.account_id}))
        below = add_page(site, "Below", parent_id=hidden)

        for page_id in (hidden, below):
            with pytest.raises(PageMissing):
                site.page(page_id, editor_of(site))

    def test_a_reader_may_not_write(self) -> None:
        """Somebody who only reads is told so."""
        site = make_site()
        page_id = add_page(site)

        with pytest.raises(Forbidden):
            site.add_labels(page_id, [("global", "a")], reader_of(site))

    def test_a_removed_user_sees_nothing(self) -> None:
        """An account that was removed has no access any more."""
        site = make_site()
        page_id = add_page(site)
        account_id = site.create_app_user("key", "App")
        app = Principal(account_id=account_id, kind="app", app="key")

        assert site.page(page_id, app).id == page_id
        site.remove_user(account_id)

        with pytest.raises(PageMissing):
            site.page(page_id, app)

    def test_an_app_that_comes_back_keeps_its_account(self) -> None:
        """Installing again brings the same user back, and tells it once each time."""
        site = make_site()
        told = listen(site)

        first = site.create_app_user("key", "App")
        site.create_app_user("key", "App")
        site.remove_user(first)
        second = site.create_app_user("key", "App 2")

        assert first == second
        assert [change.name for change in told] == [
            "user_created",
            "user_removed",
            "user_created",
        ]

    def test_removing_nobody_is_refused(self) -> None:
        """An unknown account id is named as such."""
        with pytest.raises(UserMissing):
            make_site().remove_user("nobody")
