"""Tests for the webhooks that Connect apps are sent."""

from __future__ import annotations

import pytest

from tests.fakes.connect_tenant import (
    install,
    verify,
)
from tests.fakes.hosted_app import (
    CONNECT_KEY,
    PERSON,
    connect_descriptor,
    page_change,
    world,
)

pytestmark = pytest.mark.anyio


class TestWebhooks:
    """Tests for what the app is told of changes."""

    async def test_page_updated(self) -> None:
        """A webhook is signed for its very URL and tells page, person and trigger."""
        async with world() as here:
            body = await install(here)

            here.site.tell(page_change())
            await here.idle()

            (request,) = here.app.at("/base/hooks/page_updated")
            claims = verify(request, body["sharedSecret"])
            assert claims["sub"] == PERSON
            told = request.json
            assert told["userAccountId"] == PERSON
            assert told["updateTrigger"] == "edit_page"
            assert told["page"]["id"] == 65601
            assert told["page"]["idAsString"] == "65601"
            assert told["page"]["version"] == 7
            assert told["page"]["spaceKey"] == "DOCS"
            assert told["page"]["title"] == "Резервне копіювання"
            assert "event" not in told

    async def test_own_change_has_no_subject(self) -> None:
        """What the app did itself comes with its account, without a person."""
        async with world() as here:
            body = await install(here)

            here.site.tell(page_change(app=CONNECT_KEY))
            await here.idle()

            (request,) = here.app.at("/base/hooks/page_updated")
            assert "sub" not in verify(request, body["sharedSecret"])
            assert request.json["userAccountId"] == "app:1"

    async def test_label_added(self) -> None:
        """A label event tells the label and what it was put on."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change("label_added", label="backup"))
            await here.idle()

            (request,) = here.app.at("/base/hooks/label_added")
            assert request.json["label"]["name"] == "backup"
            assert request.json["label"]["prefix"] == "global"
            assert request.json["labeled"]["idAsString"] == "65601"

    async def test_page_moved(self) -> None:
        """A move tells the parents before and after."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change("page_moved", old_parent_id="65590"))
            await here.idle()

            (request,) = here.app.at("/base/hooks/page_moved")
            assert request.json["oldParent"]["id"] == 65590
            assert request.json["newParent"]["idAsString"] == "65600"

    async def test_only_declared_events(self) -> None:
        """A change whose webhook the descriptor lacks is not told."""
        async with world() as here:
            await install(here)
            here.app.received.clear()

            here.site.tell(page_change("page_restored"))
            await here.idle()

            assert here.app.received == []

    async def test_no_retry(self) -> None:
        """A webhook that fails is lost."""
        async with world() as here:
            await install(here)
            here.app.answers = [500]

            here.site.tell(page_change())
            await here.idle()

            assert len(here.app.at("/base/hooks/page_updated")) == 1

    async def test_exclude_body(self) -> None:
        """A webhook may ask to come without a body."""
        async with world() as here:
            hook = {"event": "page_updated", "url": "/bare?x=1", "excludeBody": True}
            here.app.descriptor = connect_descriptor(modules={"webhooks": [hook]})
            body = await install(here)

            here.site.tell(page_change())
            await here.idle()

            (request,) = here.app.at("/base/bare")
            assert request.body == b""
            verify(request, body["sharedSecret"])
