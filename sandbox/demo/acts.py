"""What is shown: installed through both hosts, pages edited, labels read back."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.demo.stage import APP_KEY, ROOT, Failed, Stage, post, say, until

_MANIFEST = ROOT / "descriptor" / "forge" / "manifest.yml"
_BYLINE = "confluence-ai-byline"
_ADMIN = ("admin@example.com", "admin-token")
_LABEL_SECONDS = 30.0

#: Pages that the sample leaves without labels: title, and what a person adds.
_UKRAINIAN = (
    "Zipkin",
    "<p>Доповнено: адресу колектора тепер задають у MeshConfig.</p>",
)
_ENGLISH = (
    "Reverting a pull request",
    "<p>Addition: ask the author before reverting.</p>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Byline:
    labels: tuple[str, ...]
    summary: str
    model: str
    fallback: bool


def move_from_connect_to_forge(http: httpx.Client, stage: Stage) -> None:
    """Go the way of an old customer: Connect first, then Forge takes over.

    One page is edited while Connect alone delivers, one while Forge alone does; the
    labels are the local provider's.

    Raises:
        Failed: Something that was promised did not come.
    """
    _install_connect(http, stage)
    _learn(http, stage)
    _edited(http, stage, _ENGLISH, "Connect")
    _install_forge(http, stage)
    post(http, f"{stage.site}/_sandbox/connect/disable", {"key": APP_KEY})
    say("Connect switched off")
    _edited(http, stage, _UKRAINIAN, "Forge")


def ask_providers(http: httpx.Client, stage: Stage) -> None:
    """Have a page answered by OpenAI, then one by Gemini because OpenAI is overloaded.

    Raises:
        Failed: Another one answered than should, or nobody.
    """
    _install_forge(http, stage)
    _learn(http, stage)
    first = _edited(http, stage, _ENGLISH, "Forge")
    post(
        http,
        f"{stage.ai}/_sandbox/ai/set",
        {"openai": {"faults": [{"kind": "overloaded"}]}},
    )
    say("OpenAI answers 503 from now on")
    second = _edited(http, stage, _UKRAINIAN, "Forge")
    if first.fallback or not first.model.startswith("gpt"):
        raise Failed(f"OpenAI was to answer first, not {first.model}")
    if not second.fallback or not second.model.startswith("gemini"):
        raise Failed(f"Gemini was to answer in its place, not {second.model}")
    _tell_usage(http, stage)


def attend(http: httpx.Client, stage: Stage) -> None:
    """Install both ways, and leave the rest to a person."""
    _install_forge(http, stage)
    _install_connect(http, stage)
    _learn(http, stage)
    say("")
    say(f"Confluence site:  {stage.site}/wiki       (edit a page, watch its labels)")
    say(f"Apps and events:  {stage.site}/wiki/apps")
    say(f"The app itself:   {stage.app}/health  {stage.app}/metrics")
    say(f"Logs:             {stage.var / 'logs'}")
    command = f"{sys.executable} -m app --env-file {stage.settings}"
    say(f"Command line:     {command} tenants list")
    if stage.ai:
        say(f"AI providers:     {stage.ai}/_sandbox/ai/stats")
    say("Ctrl-C ends all.")


def _install_connect(http: httpx.Client, stage: Stage) -> None:
    descriptor = f"{stage.app}/atlassian-connect.json"
    order = {"descriptor_url": descriptor}
    post(http, f"{stage.site}/_sandbox/connect/install", order)
    say("installed through Connect")


def _install_forge(http: httpx.Client, stage: Stage) -> None:
    order = {"manifest": str(_MANIFEST), "remote_url": stage.app}
    post(http, f"{stage.site}/_sandbox/forge/install", order)
    say("installed through Forge")


def _learn(http: httpx.Client, stage: Stage) -> None:
    until(
        lambda: (
            _metric(http, stage, 'jobs_total{kind="learn_site",verdict="done"}') > 0
        ),
        _LABEL_SECONDS,
        "the site was not learned",
    )
    say("the app has read the site and knows the labels that people use")


def _metric(http: httpx.Client, stage: Stage, sample: str) -> float:
    begin = f"confluence_ai_{sample}"
    for line in http.get(f"{stage.app}/metrics").text.splitlines():
        if line.startswith(begin):
            return float(line.removeprefix(begin))
    return 0.0


def _edited(
    http: httpx.Client, stage: Stage, edit: tuple[str, str], host: str
) -> _Byline:
    """Edit a page as a person does; return what the site shows of the answer."""
    title, addition = edit
    page_id = _edit(http, stage, title, addition)
    began = time.monotonic()
    until(
        lambda: bool(_read(http, stage, page_id)),
        _LABEL_SECONDS,
        f"{title}: no labels and summary came",
    )
    found = _read(http, stage, page_id)
    assert found is not None  # noqa: S101 - just seen
    by = f", in place of another provider: {found.model}" * found.fallback
    say(f"{title} (edited; the event came through {host})")
    say(f"  labels:  {', '.join(found.labels)}")
    say(f"  summary: {found.summary}")
    say(f"  model:   {found.model if not by else by.removeprefix(', ')}")
    say(f"  after:   {time.monotonic() - began:.1f} s")
    return found


def _read(http: httpx.Client, stage: Stage, page_id: str) -> _Byline | None:
    """Return labels and byline as the site has them; None until both are there."""
    page = f"{stage.site}/wiki/api/v2/pages/{page_id}"
    labels = http.get(f"{page}/labels", auth=_ADMIN).json()["results"]
    query = {"key": _BYLINE}
    found = http.get(f"{page}/properties", params=query, auth=_ADMIN).json()["results"]
    if not labels or not found or not found[0]["value"]["summary"]:
        return None
    value = found[0]["value"]
    return _Byline(
        labels=tuple(label["name"] for label in labels),
        summary=value["summary"],
        model=value["model"],
        fallback=value["fallback"],
    )


def _tell_usage(http: httpx.Client, stage: Stage) -> None:
    stats = http.get(f"{stage.ai}/_sandbox/ai/stats").json()
    say(f"provider servers: {json.dumps(_calls(stats))}")


def _calls(stats: dict[str, Any]) -> dict[str, Any]:
    names = ("admitted", "refused", "faults")
    return {
        provider: {name: told[name] for name in names if name in told}
        for provider, told in stats.items()
        if isinstance(told, dict)
    }


def _edit(http: httpx.Client, stage: Stage, title: str, addition: str) -> str:
    pages = f"{stage.site}/wiki/api/v2/pages"
    found = http.get(
        pages, params={"title": title, "body-format": "storage"}, auth=_ADMIN
    ).json()["results"]
    if not found:
        raise Failed(f"the sample has no page {title!r}")
    page: dict[str, Any] = found[0]
    body = page["body"]["storage"]["value"] + addition
    answer = http.put(
        f"{pages}/{page['id']}",
        auth=_ADMIN,
        json={
            "id": page["id"],
            "status": "current",
            "title": page["title"],
            "body": {"representation": "storage", "value": body},
            "version": {"number": page["version"]["number"] + 1},
        },
    )
    answer.raise_for_status()
    return str(page["id"])
