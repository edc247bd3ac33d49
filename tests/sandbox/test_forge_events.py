"""Tests for the events that Forge apps are sent, and sent again."""

from __future__ import annotations

import pytest

from tests.fakes.forge_tenant import (
    APP_ID,
    event,
    install,
    verify,
)
from tests.fakes.hosted_app import (
    CONNECT_KEY,
    PERSON,
    page_change,
    world,
)

pytestmark = pytest.mark.anyio


class TestEvents:
    """Tests for what the app is told of changes."""

    async def test_page_updated(self) -> None:
        """An event tells the page's facts and who did it, but no body."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change())

            told = await event(here)
            await verify(here, here.app.at("/base/in/changes")[0], "changes-in")
            assert told["eventType"] == "avi:confluence:updated:page"
            assert told["atlassianId"] == PERSON
            assert told["eventCreatedDate"] == "2026-11-22T10:00:00.000Z"
            assert told["updateTrigger"] == "edit_page"
            assert told["selfGenerated"] is False
            content = told["content"]
            assert content["id"] == "65601"
            assert content["title"] == "Резервне копіювання"
            assert content["space"]["key"] == "DOCS"
            assert content["version"]["number"] == 7
            assert "body" not in content
            assert "subType" not in content

    @pytest.mark.parametrize("app", [APP_ID, CONNECT_KEY])
    async def test_self_generated(self, app: str) -> None:
        """What the app did itself is marked, also when done through its Connect key."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change(app=app))

            assert (await event(here))["selfGenerated"] is True

    async def test_live_doc(self) -> None:
        """A live doc is marked by its sub-type."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change("page_started", live=True))

            told = await event(here)
            assert told["eventType"] == "avi:confluence:started:page"
            assert told["content"]["subType"] == "live"
            assert "updateTrigger" in told

    async def test_label_added(self) -> None:
        """A label event tells the label and the content it was put on."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change("label_added", label="backup", label_id="98305"))

            told = await event(here)
            assert told["label"] == {
                "id": "98305",
                "name": "backup",
                "prefix": "global",
            }
            assert told["content"]["id"] == "65601"
            assert told["content"]["labels"][0]["name"] == "backup"

    async def test_page_moved(self) -> None:
        """A move tells where the page was."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change("page_moved", old_parent_id="65590"))

            told = await event(here)
            assert told["prevContent"]["ancestors"] == [{"id": "65590"}]

    async def test_purge_is_called_deleted(self) -> None:
        """Removing a page for good is `deleted`, binning it is `trashed`."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change("page_trashed"))
            here.site.tell(page_change("page_removed"))
            await here.idle()

            assert [
                request.json["payload"]["eventType"].split(":")[2]
                for request in here.app.at("/base/in/changes")
            ] == ["trashed", "deleted"]

    async def test_undeclared_events_are_not_told(self) -> None:
        """Changes that no trigger names, and those Forge has no event for, are not."""
        async with world() as here:
            await install(here)
            here.app.received.clear()

            here.site.tell(page_change("page_restored"))
            here.site.tell(page_change("content_updated"))
            await here.idle()

            assert here.app.received == []

    async def test_payload_can_be_bare(self) -> None:
        """Told not to wrap, the host puts the fields at the top."""
        async with world() as here:
            await install(here)
            await here.post("/forge/settings", wrap_payload=False)

            here.site.tell(page_change())
            await here.idle()

            (request,) = here.app.at("/base/in/changes")
            assert request.json["eventType"] == "avi:confluence:updated:page"

    async def test_huge_event_is_dropped(self) -> None:
        """An event over 200 kB is not sent and noted as dropped."""
        async with world() as here:
            await install(here)
            here.app.received.clear()

            here.site.tell(page_change(title="x" * 200_000))
            await here.idle()

            last = (await here.get("/deliveries"))["deliveries"][-1]
            assert here.app.received == []
            assert last["state"] == "dropped"
            assert last["reason"] == "larger than 200 kB"


class TestRetries:
    """Tests for events that the app does not take."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            pytest.param(500, "INVALID_REMOTE_INVOCATION_ERROR", id="500"),
            pytest.param(302, "INVALID_REMOTE_INVOCATION_ERROR", id="302"),
            pytest.param(401, "INVALID_FORGE_INVOCATION_TOKEN", id="401"),
        ],
    )
    async def test_retry_says_why(self, answer: int, reason: str) -> None:
        """The second try has a fresh token and tells its number and the reason."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", retry_seconds=0.01)
            here.app.answers = [answer]

            here.site.tell(page_change())
            await here.idle()

            first, second = here.app.at("/base/in/changes")
            assert "retryContext" not in first.json["payload"]
            assert second.json["payload"]["retryContext"] == {
                "retryCount": 1,
                "retryReason": reason,
                "retryData": None,
            }
            assert first.token != second.token

    async def test_four_retries(self) -> None:
        """After four retries an event is given up."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", retry_seconds=0.01)
            here.app.answers = [500] * 9

            here.site.tell(page_change())
            await here.idle()

            last = (await here.get("/deliveries"))["deliveries"][-1]
            assert len(here.app.at("/base/in/changes")) == 5
            assert last["state"] == "failed"
            assert len(last["attempts"]) == 5

    async def test_retry_lets_others_pass(self) -> None:
        """An event that waits for its retry holds nothing up."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", retry_seconds=0.2)
            here.app.answers = [500]

            here.site.tell(page_change(page_id="1"))
            here.site.tell(page_change(page_id="2"))
            await here.idle()

            assert [
                request.json["payload"]["content"]["id"]
                for request in here.app.at("/base/in/changes")
            ] == ["1", "2", "1"]

    async def test_any_2xx_is_success(self) -> None:
        """An app may answer 202: it has taken the event."""
        async with world() as here:
            await install(here)
            here.app.answers = [202]

            here.site.tell(page_change())
            await here.idle()

            assert len(here.app.at("/base/in/changes")) == 1
