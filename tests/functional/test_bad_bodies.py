"""Bodies that cannot be read, or should not be: proved senders make mistakes, too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from app.store.tables import EventRow, JobRow
from tests.functional import forging
from tests.functional.house import House
from tests.functional.serving import raw_exchange

pytestmark = pytest.mark.anyio

HOOK = "/connect/webhooks/page_updated"
EVENTS = "/forge/events"
_NAME = b"avi:confluence:updated:page"
TEN_MB = 10 * 2**20


def _authorization(house: House, path: str) -> str:
    if path == EVENTS:
        return f"Bearer {forging.forge_token(house)}"
    if path == "/connect/installed":
        return f"JWT {forging.lifecycle_token(house, path)}"
    return f"JWT {forging.connect_token(house, path)}"


@pytest.mark.parametrize("path", [HOOK, EVENTS])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"page": {}, "eventType": "x"}',
        b'{"page": "7", "content": 7, "eventType": "%s"}' % _NAME,
        b'{"page": {"id": "../7"}, "content": {"id": "../7"}, "eventType": "%s"}'
        % _NAME,
        b'{"page": {"id": 1e400}, "content": {"id": -1}, "eventType": "%s"}' % _NAME,
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=[
        "empty",
        "cut",
        "null",
        "list",
        "text",
        "no-utf8",
        "no-page",
        "page-no-object",
        "id-a-path",
        "id-no-number",
        "deep-lists",
        "deep-objects",
    ],
)
async def test_a_body_that_cannot_be_read_is_a_named_refusal(
    still_house: House, path: str, body: bytes
) -> None:
    """What is no event is answered 400 with a problem document, and nothing is kept."""
    house = still_house
    before = await house.counts()

    answer = await house.app.post(
        path,
        content=body,
        headers={
            "Authorization": _authorization(house, path),
            "Content-Type": "application/json",
        },
    )

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 400
    assert answer.json()["detail"].startswith("malformed")
    assert await house.counts() == before


@pytest.mark.parametrize("path", [HOOK, EVENTS, "/connect/installed"])
@pytest.mark.parametrize("length", ["declared", "chunked"])
async def test_ten_megabytes_are_refused(
    still_house: House, path: str, length: str
) -> None:
    """A body over the limit is answered 413, whether its length is told or not."""
    house = still_house
    before = await house.counts()

    answer = await house.app.post(
        path,
        content=_megabytes() if length == "chunked" else b"x" * TEN_MB,
        headers={"Authorization": _authorization(house, path)},
    )

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "body larger than 1048576 bytes"
    assert await house.counts() == before


async def test_a_length_that_lies_is_caught(still_house: House) -> None:
    """A body is counted while it is read; what it says of itself is not believed."""
    house = still_house
    port = urlsplit(house.app_url).port
    assert port is not None
    head = (
        f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: {_authorization(house, EVENTS)}\r\n"
        "Content-Length: 99999999999999999999\r\n\r\n"
    )

    answer = await raw_exchange(port, head.encode())

    assert answer.split(b" ")[1] in {b"413", b"400"}


async def _megabytes() -> AsyncIterator[bytes]:
    for _ in range(TEN_MB // 2**16):
        yield b"x" * 2**16


async def test_ten_megabytes_of_a_stranger_are_not_read(still_house: House) -> None:
    """Who does not prove himself is refused before his body is read."""
    answer = await still_house.app.post(EVENTS, content=_megabytes())

    assert answer.status_code == 401


async def test_a_body_at_the_limit_is_read(still_house: House) -> None:
    """A large but allowed event is taken in."""
    house = still_house
    event = forging.forge_event(page_id="900001")
    event["payload"]["padding"] = "я" * 400_000

    answer = await house.app.post(
        EVENTS,
        content=json.dumps(event, ensure_ascii=False).encode(),
        headers={"Authorization": _authorization(house, EVENTS)},
    )

    assert answer.status_code == 204


@pytest.mark.parametrize("path", ["/connect/installed", "/connect/uninstalled"])
@pytest.mark.parametrize(
    "changes",
    [
        {"clientKey": ""},
        {"clientKey": None},
        {"clientKey": 7},
        {"baseUrl": None},
        {"eventType": "enabled"},
        {"baseUrl": "x" * 100_000},
    ],
)
async def test_a_lifecycle_body_that_lacks_something_is_refused(
    still_house: House, path: str, changes: dict[str, object]
) -> None:
    """A lifecycle body without its fields changes nothing and is a named refusal."""
    house = still_house
    body = forging.installed_body(house, eventType=path.rpartition("/")[2])
    before = await house.counts()

    answer = await house.app.post(
        path,
        json={**body, **changes},
        headers={"Authorization": f"JWT {forging.lifecycle_token(house, path)}"},
    )

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("malformed")
    assert await house.counts() == before


async def test_an_install_without_a_secret_is_refused(still_house: House) -> None:
    """An installation needs the secret that all later calls are proved with."""
    house = still_house
    path = "/connect/installed"

    answer = await house.app.post(
        path,
        json=forging.installed_body(house, sharedSecret=""),
        headers={"Authorization": f"JWT {forging.lifecycle_token(house, path)}"},
    )

    assert answer.status_code == 400


async def test_a_webhook_nobody_declared_is_refused(still_house: House) -> None:
    """A route that fits no event of ours is a named refusal."""
    house = still_house
    path = "/connect/webhooks/space_removed"

    answer = await house.app.post(
        path,
        json=forging.webhook_body(),
        headers={"Authorization": f"JWT {forging.connect_token(house, path)}"},
    )

    assert answer.status_code == 400


async def test_events_we_have_no_use_for_are_taken_and_forgotten(
    still_house: House,
) -> None:
    """A blog post, a like, or an event of the future is answered 2xx, and that is all."""
    house = still_house
    before = await house.counts()

    for name, content in (
        ("avi:confluence:liked:page", {"id": "7", "type": "page"}),
        ("avi:confluence:updated:page", {"id": "7", "type": "blogpost"}),
        ("avi:confluence:invented:thing", {}),
    ):
        answer = await house.app.post(
            EVENTS,
            json={"eventType": name, "content": content},
            headers={"Authorization": _authorization(house, EVENTS)},
        )
        assert answer.status_code == 204

    assert await house.counts() == before


async def test_one_delivery_twice_is_one_event(still_house: House) -> None:
    """A doubled delivery, by either host, is answered 2xx and kept once."""
    house = still_house
    hook = forging.webhook_body(page_id="900002")
    event = forging.forge_event(page_id="900003")

    for _ in range(3):
        for path, body in ((HOOK, hook), (EVENTS, event)):
            answer = await house.app.post(
                path,
                json=body,
                headers={"Authorization": _authorization(house, path)},
            )
            assert answer.status_code == 204

    for page_id in ("900002", "900003"):
        assert len(await house.rows(EventRow, EventRow.page_id == page_id)) == 1
        (job,) = await house.page_jobs(page_id)
        assert job["coalesced"] == 0


async def test_an_older_event_replaces_nothing(still_house: House) -> None:
    """A late hint of an old version joins the job of the newest one."""
    house = still_house

    for version in (9, 3, 9, 12, 11):
        await house.app.post(
            EVENTS,
            json=forging.forge_event(page_id="900004", version=version),
            headers={"Authorization": _authorization(house, EVENTS)},
        )

    (job,) = await house.page_jobs("900004")
    assert job["version"] == 12
    assert await house.rows(JobRow, JobRow.kind == "label_page") != []


async def test_hostile_names_harm_nobody(still_house: House) -> None:
    """Labels with quotes, markup or other alphabets are kept as what they are: text."""
    house = still_house
    event = forging.forge_event(page_id="900005")
    event["payload"]["eventType"] = "avi:confluence:added:label"
    for number, name in enumerate(
        ("'; DROP TABLE jobs; --", "<script>", "мітка", "\u202etxt", "a" * 300)
    ):
        event["payload"]["label"] = {"name": name, "prefix": "global"}
        event["payload"]["eventCreatedDate"] = f"2026-11-22T10:00:0{number}.000Z"

        answer = await house.app.post(
            EVENTS,
            json=event,
            headers={"Authorization": _authorization(house, EVENTS)},
        )

        assert answer.status_code in {204, 400}
    assert await house.rows(JobRow) != []
