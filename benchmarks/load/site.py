"""A sandbox site and the app on it, both as processes, seen from a person's side."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load.host import APP_ID, APP_KEY, HostName
from benchmarks.load.processes import ROOT, free_port, serving, serving_app

MANIFEST = ROOT / "descriptor" / "forge" / "manifest.yml"

_PAGES = "/wiki/api/v2/pages"
_EDITOR = httpx.BasicAuth("olena@example.com", "olena-token")
_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.025
_EDITED = frozenset({"page_updated", "avi:confluence:updated:page"})
_LABELLED = frozenset({"label_added", "avi:confluence:added:label"})


class TooSlow(Exception):
    """What was waited for did not happen in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """One edit on the site's own clock, in milliseconds.

    Attributes:
        to_label: From the edit to the first label on the page.
        accepted: From the event's sending to the app's answer.
    """

    to_label: float
    accepted: float


@dataclass(frozen=True, slots=True)
class LiveSite:
    """The running pair, and what a benchmark does with it."""

    http: httpx.AsyncClient
    app_url: str

    async def create_page(self, space_key: str, title: str, body: str) -> str:
        """Create a page as an editor would; return its id."""
        found = await self._json("GET", "/wiki/api/v2/spaces", keys=space_key)
        page = await self._json(
            "POST",
            _PAGES,
            {
                "spaceId": found["results"][0]["id"],
                "status": "current",
                "title": title,
                "body": {"representation": "storage", "value": body},
            },
        )
        return str(page["id"])

    async def edit(self, page_id: str, addition: str) -> None:
        """Save a page with something added; with nothing, it only gets a version."""
        path = f"{_PAGES}/{page_id}"
        page = await self._json("GET", path, **{"body-format": "storage"})
        body = page["body"]["storage"]["value"] + addition
        await self._json(
            "PUT",
            path,
            {
                "id": page_id,
                "status": "current",
                "title": page["title"],
                "version": {"number": page["version"]["number"] + 1},
                "body": {"representation": "storage", "value": body},
            },
        )

    async def labels(self, page_id: str) -> list[str]:
        """Return the labels that stand on a page."""
        found = await self._json("GET", f"{_PAGES}/{page_id}/labels")
        return [label["name"] for label in found["results"]]

    async def install(self, host: HostName) -> None:
        """Install the app, and wait until it knows the site.

        Raises:
            TooSlow: It never gets to know it.
        """
        if host == "connect":
            fields = {"descriptor_url": f"{self.app_url}/atlassian-connect.json"}
        else:
            fields = {"manifest": str(MANIFEST), "remote_url": self.app_url}
        await self._json("POST", f"/_sandbox/{host}/install", fields)

        async def learned() -> bool:
            return await self.finished("learn_site") > 0

        await self._until(learned, "a walk over the site")
        await self.idle()

    async def time_to_label(self, page_id: str, addition: str) -> Moments:
        """Edit a page and return when its first label stood there.

        Both moments are the site's own: when it told of the edit, and when it told
        of the label. Nothing polls the page meanwhile.

        Raises:
            TooSlow: No label came.
        """
        await self.http.delete("/_sandbox/deliveries")
        told: list[dict[str, Any]] = []

        async def labelled() -> bool:
            answer = await self._json("GET", "/_sandbox/deliveries")
            told[:] = answer["deliveries"]
            return any(one["event"] in _LABELLED for one in told)

        await self.edit(page_id, addition)
        await self._until(labelled, f"a label on page {page_id}")
        edited = next(one for one in told if one["event"] in _EDITED)
        label = next(one for one in told if one["event"] in _LABELLED)
        span = _moment(label) - _moment(edited)
        return Moments(
            to_label=span.total_seconds() * 1000, accepted=edited["milliseconds"]
        )

    async def runs(self, many: int) -> None:
        """Wait until so many runs of pages are finished in all.

        Raises:
            TooSlow: They are not.
        """

        async def done() -> bool:
            return await self.finished("label_page") >= many

        await self._until(done, f"run {many}")

    async def idle(self) -> None:
        """Wait until no event is on its way."""
        await self._json("GET", "/_sandbox/deliveries/idle")

    async def forget_points(self) -> None:
        """Start counting points anew."""
        await self.http.delete("/_sandbox/points")

    async def points(self) -> dict[str, int]:
        """Return the points that the app has spent, by operation."""
        answer = await self._json("GET", "/_sandbox/points")
        spent: dict[str, int] = {}
        for account in answer["apps"].values():
            spent |= account["by_operation"]
        return spent

    async def finished(self, kind: str) -> float:
        """Return how many jobs of a kind the app has settled as done."""
        labels = {"kind": kind, "verdict": "done"}
        return await self._metric("confluence_ai_jobs_total", labels)

    async def ai_calls(self) -> float:
        """Return how often the app has asked a provider."""
        return await self._metric("confluence_ai_ai_calls_total", {})

    async def run_seconds(self) -> float:
        """Return how long runs of pages took so far, added up."""
        labels = {"kind": "label_page"}
        return await self._metric("confluence_ai_job_seconds_sum", labels)

    async def _metric(self, name: str, labels: dict[str, str]) -> float:
        answer = await self.http.get(f"{self.app_url}/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def _json(
        self, method: str, path: str, body: Any = None, **query: str
    ) -> Any:
        answer = await self.http.request(
            method, path, json=body, params=query or None, auth=_EDITOR
        )
        answer.raise_for_status()
        return answer.json()

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not await condition():
            if time.monotonic() > deadline:
                message = f"waited {_WAIT_SECONDS:.0f} s in vain for {what}"
                raise TooSlow(message)
            await asyncio.sleep(_POLL_SECONDS)


@contextlib.asynccontextmanager
async def live_site(folder: Path, *, settle: float | None) -> AsyncIterator[LiveSite]:
    """Run a fresh site with its sample pages, and a fresh app with its worker inside.

    Args:
        folder: An empty one, for the app's database and all logs.
        settle: `EVENT_SETTLE_SECONDS`; None leaves the app's own default.
    """
    site_port, app_port = free_port(), free_port()
    site_url = f"http://127.0.0.1:{site_port}"
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/app.db",
        "EMBEDDED_WORKER": "true",
        "AGENT_MODE": "PROD",
        "APP_KEY": APP_KEY,
        "CONNECT_INSTALL_KEYS_URL": f"{site_url}/_sandbox/install-keys",
        "CONNECT_ALLOWED_HOSTS": site_url,
        "FORGE_APP_ID": APP_ID,
        "FORGE_JWKS_URL": f"{site_url}/_sandbox/forge/jwks.json",
        "FORGE_ENVIRONMENTS": "DEVELOPMENT",
        "FORGE_API_HOSTS": site_url,
    }
    if settle is not None:
        settings["EVENT_SETTLE_SECONDS"] = str(settle)
    with (
        serving(
            ["sandbox", "--port", str(site_port), "--quiet"],
            port=site_port,
            ready_path="/_sandbox/points",
            log=folder / "sandbox.out",
        ),
        serving_app(app_port, folder, settings),
    ):
        async with httpx.AsyncClient(base_url=site_url, timeout=60) as http:
            yield LiveSite(http, f"http://127.0.0.1:{app_port}")


def _moment(delivery: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(delivery["time"])
