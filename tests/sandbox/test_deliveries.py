"""Tests for how the hosts' deliveries behave, well or badly as told."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from sandbox.hosts.deliveries import Deliveries, Envelope, Parcel
from sandbox.hosts.delivery_log import LOG_LENGTH, Outcome
from tests.fakes.hosted_app import APP_URL, InstalledApp, World, page_change, world

pytestmark = pytest.mark.anyio


async def install(here: World) -> None:
    """Install the Connect app and forget the calls that made it."""
    await here.post("/connect/install", descriptor_url=f"{APP_URL}/descriptor.json")
    here.app.received.clear()
    await here.client.delete("/_sandbox/deliveries")


def page_ids(here: World) -> list[str]:
    """Return the pages the app was told of, in order."""
    return [request.json["page"]["idAsString"] for request in here.app.received]


async def log(here: World) -> list[dict[str, Any]]:
    """Return the log of deliveries."""
    found: list[dict[str, Any]] = (await here.get("/deliveries"))["deliveries"]
    return found


class TestOrder:
    """Tests for which delivery goes when."""

    async def test_order_is_kept(self) -> None:
        """Changes arrive in the order in which they happened."""
        async with world() as here:
            await install(here)

            for number in range(20):
                here.site.tell(page_change(page_id=str(number)))
            await here.idle()

            assert page_ids(here) == [str(number) for number in range(20)]

    async def test_reorder_sends_the_newest_first(self) -> None:
        """With `reorder` on, what gathers goes out back to front."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", reorder=True)

            for number in range(3):
                here.site.tell(page_change(page_id=str(number)))
            await here.idle()

            assert page_ids(here) == ["2", "1", "0"]

    async def test_publishing_does_not_wait_for_the_app(self) -> None:
        """A listener returns before the app has heard anything."""
        async with world() as here:
            await install(here)

            here.site.tell(page_change())

            assert here.app.received == []
            assert (await here.idle())["idle"] is True
            assert len(here.app.received) == 1


class TestMisbehaviour:
    """Tests for the settings that make deliveries bad."""

    async def test_duplicate(self) -> None:
        """Each delivery arrives once more for every duplicate asked for."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", duplicate=2)

            here.site.tell(page_change(page_id="7"))
            await here.idle()

            assert page_ids(here) == ["7", "7", "7"]
            assert "duplicate of" in (await log(here))[1]["reason"]

    async def test_drop_next(self) -> None:
        """So many deliveries are lost, are logged as lost, and the next arrives."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", drop_next=1)

            here.site.tell(page_change(page_id="1"))
            here.site.tell(page_change(page_id="2"))
            await here.idle()

            assert page_ids(here) == ["2"]
            assert [entry["state"] for entry in await log(here)] == [
                "dropped",
                "delivered",
            ]

    async def test_hold(self) -> None:
        """Held deliveries count as idle, stay back, and go when hold is lifted."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", hold=True)
            here.site.tell(page_change(page_id="1"))

            idle = await here.idle()

            assert idle == {"idle": True, "under_way": 1, "held": 1}
            assert here.app.received == []
            await here.post("/deliveries/settings", hold=False)
            await here.idle()
            assert page_ids(here) == ["1"]

    async def test_delay_keeps_a_delivery_back(self) -> None:
        """A delivery leaves no sooner than the delay after its change."""
        async with world() as here:
            await install(here)
            await here.post("/deliveries/settings", delay_seconds=0.15)
            started = asyncio.get_running_loop().time()

            here.site.tell(page_change())
            await here.idle()

            assert asyncio.get_running_loop().time() - started >= 0.15


class TestSettings:
    """Tests for the control API's refusals."""

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            pytest.param(b"{", "not JSON", id="broken"),
            pytest.param(b"[" * 100_000, "not JSON", id="deep"),
            pytest.param(b"[]", "must be a JSON object", id="list"),
            pytest.param(b'{"dublicate": 1}', "unknown field", id="misspelt"),
            pytest.param(b'{"duplicate": true}', "of type int", id="bool"),
            pytest.param(b'{"duplicate": -1}', "of type int", id="negative"),
            pytest.param(b'{"hold": 1}', "of type bool", id="number"),
            pytest.param('{"delay_seconds": "п\'ять"}'.encode(), "float", id="text"),
        ],
    )
    async def test_bad_settings_are_refused(self, body: bytes, said: str) -> None:
        """A body that is no settings object is refused with a named reason."""
        async with world() as here:
            answer = await here.client.post(
                "/_sandbox/deliveries/settings", content=body
            )

            assert answer.status_code == 400
            assert said in answer.json()["error"]

    async def test_empty_body_changes_nothing(self) -> None:
        """Posting nothing answers with the settings as they are."""
        async with world() as here:
            answer = await here.client.post("/_sandbox/deliveries/settings")

            assert answer.json()["retry_seconds"] == 60.0
            assert answer.json()["hold"] is False


class TestLog:
    """Tests for the log of deliveries."""

    async def test_record_tells_how_it_went(self) -> None:
        """A record names host, event, address, claims, status and time taken."""
        async with world() as here:
            await install(here)
            here.app.answers = [503]

            here.site.tell(page_change())
            await here.idle()

            (entry,) = await log(here)
            assert entry["host"] == "connect"
            assert entry["event"] == "page_updated"
            assert entry["url"] == f"{APP_URL}/hooks/page_updated"
            assert entry["state"] == "failed"
            assert entry["status"] == 503
            assert entry["milliseconds"] >= 0
            assert entry["claims"]["sub"] == "712020:olena"

    async def test_people_get_an_escaped_table(self) -> None:
        """A browser gets HTML, in which nothing told by an app is markup."""
        async with world() as here:
            hostile = [{"event": "page_updated", "url": "/<script>alert(1)</script>"}]
            modules = {"webhooks": hostile}
            here.app.descriptor = {**dict(here.app.descriptor), "modules": modules}  # type: ignore[call-overload]
            await install(here)
            here.site.tell(page_change())
            await here.idle()

            answer = await here.client.get(
                "/_sandbox/deliveries", headers={"accept": "text/html"}
            )

            assert "<script" not in answer.text
            assert "&lt;script&gt;" in answer.text

    async def test_clear(self) -> None:
        """DELETE forgets the log."""
        async with world() as here:
            await install(here)
            here.site.tell(page_change())
            await here.idle()

            await here.client.delete("/_sandbox/deliveries")

            assert await log(here) == []

    def test_log_is_bounded(self) -> None:
        """The log forgets the oldest record rather than grow for ever."""
        deliveries = Deliveries()

        for number in range(LOG_LENGTH + 5):
            deliveries.drop(parcel(event=str(number)), "test")

        records = deliveries.log.records()
        assert len(records) == LOG_LENGTH
        assert records[0].event == "5"


class TestDeliverNow:
    """Tests for Deliveries.deliver_now()."""

    async def test_slow_app_is_given_up(self) -> None:
        """An app that takes longer than the limit counts as timed out."""
        app = InstalledApp()
        app.answers = [1.0]
        deliveries = Deliveries(transport=httpx.ASGITransport(app))

        async with deliveries.run():
            outcome = await deliveries.deliver_now(parcel(timeout_seconds=0.05))

        assert outcome.timed_out
        assert outcome.describe() == "no answer within 0.05 s"

    async def test_unreachable_app_is_a_failure(self) -> None:
        """A refused connection is an outcome, not an exception."""

        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        deliveries = Deliveries(transport=httpx.MockTransport(refuse))

        async with deliveries.run():
            outcome = await deliveries.deliver_now(parcel())

        assert outcome.status is None
        assert outcome.error == "ConnectError: refused"

    async def test_redirect_is_not_followed(self) -> None:
        """An app that redirects has not accepted."""
        app = InstalledApp()
        app.answers = [302]
        deliveries = Deliveries(transport=httpx.ASGITransport(app))

        async with deliveries.run():
            outcome = await deliveries.deliver_now(parcel())

        assert not outcome.ok(range(200, 300))
        assert len(app.received) == 1

    async def test_nothing_leaves_before_run(self) -> None:
        """Delivering without a running post office is a clear error."""
        with pytest.raises(RuntimeError, match=r"enter Deliveries\.run"):
            await Deliveries().deliver_now(parcel())

    async def test_queued_before_run_goes_out_then(self) -> None:
        """What is queued early is delivered once the post office runs."""
        app = InstalledApp()
        deliveries = Deliveries(transport=httpx.ASGITransport(app))
        deliveries.send(parcel())

        async with deliveries.run():
            idle = await deliveries.wait_idle(5)

        assert idle
        assert len(app.received) == 1

    async def test_wait_idle_gives_up(self) -> None:
        """Waiting for an app that never answers ends with False."""
        app = InstalledApp()
        app.answers = [2.0]
        deliveries = Deliveries(transport=httpx.ASGITransport(app))

        async with deliveries.run():
            deliveries.send(parcel())
            idle = await deliveries.wait_idle(0.05)

        assert not idle


def parcel(*, event: str = "test", timeout_seconds: float = 5) -> Parcel:
    """Return a parcel for the app's `/in`."""

    def pack(_retry: int, _last: Outcome | None) -> Envelope:
        return Envelope(headers={"authorization": "JWT x"}, content=b"{}")

    return Parcel(
        host="connect",
        app="sample",
        event=event,
        url=f"{APP_URL}/in",
        pack=pack,
        accepted=range(200, 300),
        timeout_seconds=timeout_seconds,
    )
