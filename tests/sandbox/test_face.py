"""Tests for the web face: what people see, what they change, what stays harmless."""

from __future__ import annotations

import pytest

from sandbox.people import account_id_of
from tests.fakes.sandbox_face import face, page_path
from tests.fakes.sandbox_site import (
    BYLINE_KEY,
    StubHost,
    add_page,
    client_of,
    make_site,
)

pytestmark = pytest.mark.anyio


class TestReading:
    """Tests for what people see."""

    async def test_front_leads_to_the_spaces(self) -> None:
        """The root shows the spaces and what changed last."""
        site = make_site()
        add_page(site, "План випуску")

        async with face(site) as browser:
            answer = await browser.get("/")

        assert answer.url.path == "/wiki"
        assert "Engineering" in answer.text
        assert "План випуску" in answer.text

    async def test_a_space_is_a_tree(self) -> None:
        """A space shows its pages nested, its key in any letter case."""
        site = make_site()
        parent = add_page(site, "Parent")
        add_page(site, "Child", parent_id=parent)

        async with face(site) as browser:
            answer = await browser.get("/wiki/spaces/eng")

        assert answer.text.index("Parent") < answer.text.index("Child")

    async def test_a_page_shows_what_apps_have_put_on_it(self) -> None:
        """Labels of an app and its byline carry its mark, those of people do not."""
        site = make_site()
        host = StubHost(site)
        page_id = add_page(site)
        site.add_labels(page_id, [("global", "by-hand")], site.admin)
        site.add_labels(page_id, [("global", "by-app")], host.principal())
        value = {"title": "AI summary", "tooltip": "Коротко про головне"}
        site.put_property(page_id, BYLINE_KEY, value, host.principal())

        async with face(site, host) as browser:
            text = (await browser.get(page_path(page_id))).text

        assert 'data-label="by-hand">' in text.replace("\n", "")
        assert 'data-label="by-app" title="by Confluence AI"' in text
        assert "AI summary" in text
        assert "Коротко про головне" in text

    @pytest.mark.parametrize(
        "value", [None, "text", [], {}, {"title": ""}, {"title": 5}, {"tooltip": "x"}]
    )
    async def test_odd_bylines_are_left_out(self, value: object) -> None:
        """A property that is no byline shows nothing and breaks nothing."""
        site = make_site()
        host = StubHost(site)
        page_id = add_page(site)
        site.put_property(page_id, BYLINE_KEY, value, host.principal())

        async with face(site, host) as browser:
            answer = await browser.get(page_path(page_id))

        assert answer.status_code == 200
        assert 'class="byline"' not in answer.text

    async def test_marks_tell_an_open_page_what_changed(self) -> None:
        """The address that the page's script asks gives fragments and the version."""
        site = make_site()
        page_id = add_page(site)

        async with face(site) as browser:
            before = (await browser.get(f"{page_path(page_id)}/marks")).json()
            site.add_labels(page_id, [("global", "new")], site.admin)
            after = (await browser.get(f"{page_path(page_id)}/marks")).json()

        assert "No labels yet" in before["labels"]
        assert 'data-label="new"' in after["labels"]
        assert after["version"] == 1

    async def test_history_and_old_versions(self) -> None:
        """Older versions can be read; one that never was is 404."""
        site = make_site()
        page_id = add_page(site, body="<p>before</p>")
        site.update_page(page_id, version=2, body="<p>now</p>", actor=site.admin)

        async with face(site) as browser:
            old = await browser.get(f"{page_path(page_id)}?version=1")
            none = await browser.get(f"{page_path(page_id)}?version=7")
            odd = await browser.get(f"{page_path(page_id)}?version=x")

        assert "<p>before</p>" in old.text
        assert "You are reading version 1" in old.text
        assert (none.status_code, odd.status_code) == (404, 404)

    async def test_restricted_pages_are_hidden(self) -> None:
        """Others than its readers see a restricted page nowhere."""
        site = make_site()
        page_id = add_page(
            site, "Secret plan", readers=frozenset({site.admin.account_id})
        )

        async with face(site, login="olena") as browser:
            alone = await browser.get(page_path(page_id))
            places = [await browser.get(p) for p in ("/wiki", "/wiki/spaces/ENG")]

        assert alone.status_code == 404
        assert all("Secret plan" not in place.text for place in places)

    async def test_the_public_sees_nothing(self) -> None:
        """Without anonymous access there is nothing to see and no crash."""
        site = make_site()
        page_id = add_page(site)

        async with face(site, login="anonymous") as browser:
            home = await browser.get("/wiki")
            page = await browser.get(page_path(page_id))

        assert "Nothing on this site is public" in home.text
        assert page.status_code == 404

    async def test_apps(self) -> None:
        """Installed apps are listed, their names escaped."""
        site = make_site()

        async with face(site, StubHost(site)) as browser:
            answer = await browser.get("/wiki/apps")

        assert "Confluence &lt;AI&gt;" in answer.text
        assert "/_sandbox/deliveries" in answer.text

    async def test_a_page_of_another_space(self) -> None:
        """A page is only found below its own space."""
        site = make_site()
        site.create_space(key="HR", name="HR", actor=site.admin)
        page_id = add_page(site)

        async with face(site) as browser:
            answer = await browser.get(f"/wiki/spaces/HR/pages/{page_id}")

        assert answer.status_code == 404

    @pytest.mark.parametrize("path", ["site.css", "site.js", "icon.svg"])
    async def test_own_assets(self, path: str) -> None:
        """Styles, script and icon are served from here."""
        async with face(make_site()) as browser:
            answer = await browser.get(f"/wiki/static/{path}")

        assert answer.status_code == 200


class TestWriting:
    """Tests for what people change."""

    async def test_edit_and_save(self) -> None:
        """A saved form makes a version by the acting person, line ends as LF."""
        site = make_site()
        page_id = add_page(site)
        fields = {"base": "1", "title": "Новий", "body": "<p>a\r\nb</p>"}

        async with face(site, login="max") as browser:
            form = await browser.get(f"{page_path(page_id)}/edit")
            saved = await browser.post(f"{page_path(page_id)}/edit", data=fields)

        latest = site.pages[page_id].latest
        assert "&lt;p&gt;Hello&lt;/p&gt;" in form.text
        assert saved.url.path == page_path(page_id)
        assert (latest.number, latest.title, latest.body) == (
            2,
            "Новий",
            "<p>a\nb</p>",
        )
        assert latest.author_id == account_id_of("max")

    async def test_a_conflict_keeps_both_texts(self) -> None:
        """Who saves second sees both texts, and saving again then wins."""
        site = make_site()
        page_id = add_page(site)
        site.update_page(page_id, version=2, body="<p>theirs</p>", actor=site.admin)
        path = f"{page_path(page_id)}/edit"
        fields = {"base": "1", "title": "Runbook", "body": "<p>mine</p>"}

        async with face(site, login="max") as browser:
            refused = await browser.post(path, data=fields)
            again = await browser.post(path, data={**fields, "base": "2"})

        assert refused.status_code == 409
        assert "&lt;p&gt;mine&lt;/p&gt;" in refused.text
        assert "&lt;p&gt;theirs&lt;/p&gt;" in refused.text
        assert 'name="base" value="2"' in refused.text
        assert again.status_code == 200
        assert site.pages[page_id].latest.body == "<p>mine</p>"

    @pytest.mark.parametrize("base", [None, "", "x", "²", "9" * 30, "0"])
    async def test_a_form_without_its_version(self, base: str | None) -> None:
        """Nothing is overwritten by a form that does not know what it edits."""
        site = make_site()
        page_id = add_page(site)
        fields = {"title": "T", "body": "x"} | ({} if base is None else {"base": base})

        async with face(site) as browser:
            answer = await browser.post(f"{page_path(page_id)}/edit", data=fields)

        assert answer.status_code == 409
        assert site.pages[page_id].latest.number == 1

    async def test_a_broken_body_is_given_back(self) -> None:
        """Markup that is not well-formed is explained and not lost."""
        site = make_site()
        page_id = add_page(site)

        async with face(site) as browser:
            answer = await browser.post(
                f"{page_path(page_id)}/edit",
                data={"base": "1", "title": "Runbook", "body": "<p>precious"},
            )

        assert answer.status_code == 400
        assert "Error parsing xhtml" in answer.text
        assert "&lt;p&gt;precious" in answer.text

    async def test_create(self) -> None:
        """A page is made below the one chosen; a taken title is explained."""
        site = make_site()
        parent = add_page(site, "Parent")
        path = "/wiki/spaces/ENG/create"

        async with face(site) as browser:
            form = await browser.get(f"{path}?parent={parent}")
            made = await browser.post(
                path, data={"title": "Child", "body": "", "parent": parent}
            )
            taken = await browser.post(path, data={"title": "Child", "body": "<p/>"})

        assert "Below “Parent”" in form.text
        child = site.pages[made.url.path.rpartition("/")[2]]
        assert child.parent_id == parent
        assert taken.status_code == 400
        assert "already exists" in taken.text

    async def test_labels_by_hand(self) -> None:
        """Labels are added and removed; a refused one is explained."""
        site = make_site()
        page_id = add_page(site)
        path = f"{page_path(page_id)}/labels"

        async with face(site) as browser:
            await browser.post(path, data={"name": "two words"})
            await browser.post(f"{path}/remove", data={"name": "two"})
            refused = await browser.post(path, data={"name": "a:b"})

        assert list(site.pages[page_id].labels) == [("global", "words")]
        assert refused.status_code == 400
        assert "invalid characters" in refused.text

    async def test_delete_and_restore(self) -> None:
        """A page goes into the bin and comes back."""
        site = make_site()
        page_id = add_page(site)

        async with face(site) as browser:
            await browser.post(f"{page_path(page_id)}/delete")
            binned = site.pages[page_id].status
            shown = await browser.get(page_path(page_id))
            await browser.post(f"{page_path(page_id)}/restore")

        assert (binned, site.pages[page_id].status) == ("trashed", "current")
        assert "This page is in the bin" in shown.text

    async def test_readers_cannot_write(self) -> None:
        """A reader gets no forms, and 403 for trying all the same."""
        site = make_site()
        page_id = add_page(site)

        async with face(site, login="reader") as browser:
            page = await browser.get(page_path(page_id))
            answer = await browser.post(
                f"{page_path(page_id)}/labels", data={"name": "a"}
            )

        assert "Add a label" not in page.text
        assert answer.status_code == 403

    async def test_switching_the_person(self) -> None:
        """The choice is remembered and leads back, but never off the site."""
        site = make_site()
        account_id = account_id_of("olena")

        async with client_of(site, auth=None) as browser:
            browser.follow_redirects = True
            back = await browser.post(
                "/wiki/acting-user",
                data={"account_id": account_id, "back": "/wiki/apps"},
            )
            away = await browser.post(
                "/wiki/acting-user",
                data={"account_id": "anonymous", "back": "//evil.example/wiki"},
            )
            unknown = await browser.post(
                "/wiki/acting-user", data={"account_id": "ніхто; Path=/", "back": ""}
            )

        assert back.url.path == "/wiki/apps"
        assert f'value="{account_id}" selected' in back.text
        assert away.url.host == "127.0.0.1"
        assert "Nothing on this site is public" in away.text
        assert unknown.status_code == 404

    async def test_forms_of_other_origins(self) -> None:
        """A form on another web page cannot write here."""
        site = make_site()
        page_id = add_page(site)

        async with face(site) as browser:
            answers = [
                await browser.post(
                    f"{page_path(page_id)}/delete", headers={"Origin": origin}
                )
                for origin in ("http://evil.example", "null", site.origin)
            ]

        assert [answer.status_code for answer in answers] == [403, 403, 200]
