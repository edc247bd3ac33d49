"""Gets a page's answer from the provider, once per content."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog

from app.domain.completions import Candidate, Completion, LabelChoice, Prompt, Usage
from app.domain.fingerprint import content_hash
from app.domain.labels import normalise
from app.domain.languages import detect
from app.domain.pages import Page, PageText
from app.domain.ranking import rank
from app.errors import AppError
from app.store.runs import RunStore
from app.usecases.services import Services

log = structlog.get_logger("ai_calls")

#: Raised whenever a prompt asks something else, so that old answers are not reused.
PROMPT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A completion, and whether it cost a call."""

    completion: Completion
    key: str
    called: bool


async def complete_page(
    services: Services, tenant_id: str, page: Page, text: PageText
) -> Answer:
    """Return the answer for this content; the provider is asked only once.

    The answer is on disk before anything is written to the site, so that neither a
    crash nor a repeated event pays for it again.
    """
    key = completion_key(services, text)
    kept = await services.database.read(
        lambda s: RunStore(s).completion(tenant_id, page.id, key)
    )
    if kept is not None:
        services.metrics.ai_cache_hits.inc()
        return Answer(completion=_from_json(kept), key=key, called=False)
    completion = await _call(services, tenant_id, page, text)
    await services.database.write(
        lambda s: RunStore(s).keep_completion(
            tenant_id, page.id, key, asdict(completion)
        )
    )
    return Answer(completion=completion, key=key, called=True)


def completion_key(services: Services, text: PageText) -> str:
    """Name what an answer depends on: the content, the question, who is asked."""
    provider = services.provider
    parts = (content_hash(text), str(PROMPT_VERSION), provider.name, provider.model)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def _call(
    services: Services, tenant_id: str, page: Page, text: PageText
) -> Completion:
    provider = services.provider
    memory = await services.memories.of(tenant_id)
    candidates = await asyncio.to_thread(
        rank, memory, text, page_id=page.id, parent_id=page.parent_id
    )
    language = detect(f"{text.title}\n{text.text}")
    prompt = Prompt(
        page=text,
        language=language,
        candidates=candidates,
        max_labels=services.rules.max_labels,
        summary_language=language,
    )
    began = time.monotonic()
    outcome = "error"
    try:
        completion = await provider.complete(prompt)
        outcome = "done"
    except AppError as error:
        outcome = type(error).__name__
        raise
    finally:
        took = time.monotonic() - began
        services.metrics.ai_calls.labels(provider.name, outcome).inc()
        services.metrics.ai_seconds.labels(provider.name).observe(took)
        log.info(
            "ai_call",
            tenant=tenant_id,
            page=page.id,
            version=page.version,
            provider=provider.name,
            model=provider.model,
            outcome=outcome,
            seconds=round(took, 3),
        )
    return checked(completion, candidates)


def checked(completion: Completion, candidates: Sequence[Candidate]) -> Completion:
    """Hold an answer against the question: labels are candidates, letter by letter.

    Candidates are labels of the site, so their spelling is Confluence's own and stays.
    Proposals are new names and become what Confluence accepts.
    """
    known = {candidate.name for candidate in candidates}
    proposals = (replace(one, name=normalise(one.name)) for one in completion.proposals)
    return replace(
        completion,
        labels=tuple(one for one in completion.labels if one.name in known),
        proposals=tuple(one for one in proposals if one.name),
    )


def _from_json(kept: Mapping[str, Any]) -> Completion:
    return Completion(
        labels=tuple(LabelChoice(**choice) for choice in kept["labels"]),
        summary=kept["summary"],
        language=kept["language"],
        provider=kept["provider"],
        model=kept["model"],
        usage=Usage(**kept["usage"]),
        proposals=tuple(LabelChoice(**choice) for choice in kept["proposals"]),
    )
