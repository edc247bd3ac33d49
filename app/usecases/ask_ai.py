"""Puts a page's question to the AI, and tells what came of each attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from app.domain.completions import (
    OVER_BUDGET,
    Attempt,
    Candidate,
    Completion,
    Prompt,
    Routed,
    Turn,
)
from app.domain.jobs import WAIT_REASON
from app.domain.labels import normalise
from app.domain.pages import Page, PageText
from app.domain.policy import Policy
from app.domain.questions import question
from app.domain.vocabulary.retrieval import advise
from app.domain.vocabulary.terms import Vocabulary
from app.errors import OverBudget, ProviderError, Unavailable
from app.store.jobs import JobStore
from app.telemetry.metrics import Metrics
from app.usecases.closed_pages import is_closed, shareable, without
from app.usecases.kill_switch import require_going
from app.usecases.services import Services
from app.usecases.spending import Wallet, settle

log = structlog.get_logger("ai_calls")

_TOKENS = ("input", "cached", "cache_write", "output", "thinking")


@dataclass(frozen=True, slots=True)
class Asking:
    """One page's question on its way; `prompt` replaces what would be asked today."""

    page: Page
    text: PageText
    policy: Policy
    vocabulary: Vocabulary
    priority: int
    prompt: Prompt | None = None


async def ask(services: Services, tenant_id: str, asking: Asking) -> Routed:
    """Ask, within budgets and while nobody has pulled the kill switch.

    Raises:
        ProviderError: Nobody can answer now.
        OverBudget: There is no money for it.
        Stopped: Somebody pulled the kill switch.
    """
    page, policy = asking.page, asking.policy
    await require_going(services, tenant_id)
    await settle(services)
    prompt = asking.prompt or await _prompt(services, tenant_id, asking)
    wallet = Wallet(services, tenant_id, page.space_id)
    turn = Turn(tenant_id=tenant_id, priority=asking.priority, confirm=wallet.confirm)
    try:
        routed = await services.ai.answer(
            prompt, turn, order=policy.order, purse=wallet
        )
    except (ProviderError, OverBudget) as error:
        attempts = [one for one in error.attempts if isinstance(one, Attempt)]
        _tell(services, tenant_id, page, attempts)
        services.awaited_providers.update(
            one.provider for one in attempts if one.outcome != OVER_BUDGET
        )
        await settle(services, wallet.bill(attempts))
        raise
    except BaseException:
        # Told even if nobody waits for the answer any more: it may have been paid.
        await asyncio.shield(settle(services, wallet.bill_of_break()))
        raise
    _tell(services, tenant_id, page, routed.attempts)
    await _welcome_back(services, routed.completion.provider)
    completion = checked(routed.completion, prompt.candidates, asking.vocabulary)
    return replace(routed, completion=completion, hold_id=wallet.hold_id)


async def _welcome_back(services: Services, provider: str) -> None:
    """Make pages due that were put off while a provider was away."""
    if provider not in services.awaited_providers:
        return
    services.awaited_providers.discard(provider)
    try:
        count = await services.database.write(lambda s: JobStore(s).hasten(WAIT_REASON))
    except Unavailable:
        return  # they come back by themselves, later
    if count:
        log.info("provider_back", provider=provider, pages=count)
        services.work_arrived.set()


async def _prompt(services: Services, tenant_id: str, asking: Asking) -> Prompt:
    memory = await services.memories.of(tenant_id)
    page, text = asking.page, asking.text
    existing = tuple(
        label.name for label in page.labels or () if label.prefix == "global"
    )
    advice = await asyncio.to_thread(
        advise,
        memory,
        asking.vocabulary,
        text,
        page_id=page.id,
        parent_id=page.parent_id,
    )
    if not is_closed(asking.policy):
        # Titles of pages that stay here are no examples for those who are elsewhere.
        named = [one.page_id for one in advice.examples]
        shown = await services.database.read(lambda s: shareable(s, tenant_id, named))
        advice = without(advice, shown)
    return await asyncio.to_thread(
        question,
        text,
        advice,
        max_labels=asking.policy.max_labels,
        existing=existing,
        sentences=asking.policy.summary_sentences,
        summary_language=asking.policy.summary_language,
        label_language=asking.policy.label_language,
    )


def _tell(
    services: Services, tenant_id: str, page: Page, attempts: Sequence[Attempt]
) -> None:
    """Put each attempt into metrics and the log of calls."""
    for place, one in enumerate(attempts):
        _count(services.metrics, one)
        if place:
            services.metrics.fallbacks.labels(
                attempts[place - 1].provider, one.provider, attempts[place - 1].outcome
            ).inc()
        log.info(
            "ai_call",
            tenant=tenant_id,
            page=page.id,
            version=page.version,
            provider=one.provider,
            model=one.model,
            outcome=one.outcome,
            reason=one.reason or None,
            seconds=round(one.seconds, 3),
            input_tokens=one.usage.input_tokens,
            cached_tokens=one.usage.cached_tokens,
            output_tokens=one.usage.output_tokens,
            micro_usd=one.usage.micro_usd,
        )


def _count(metrics: Metrics, one: Attempt) -> None:
    metrics.ai_calls.labels(one.provider, one.outcome).inc()
    metrics.ai_seconds.labels(one.provider).observe(one.seconds)
    metrics.ai_cost.labels(one.provider, one.model).inc(one.usage.micro_usd / 1e6)
    for kind in _TOKENS:
        amount = getattr(one.usage, f"{kind}_tokens")
        metrics.ai_tokens.labels(one.provider, kind).inc(amount)


def checked(
    completion: Completion, offered: Sequence[Candidate], vocabulary: Vocabulary
) -> Completion:
    """Hold an answer against the question: labels are candidates, letter by letter.

    And they are what the vocabulary lets us choose, whoever offered them. Candidates
    are labels of the site, so their spelling is Confluence's own and stays. Proposals
    are new names and become what Confluence accepts.
    """
    known = {candidate.name for candidate in offered}
    proposals = (replace(one, name=normalise(one.name)) for one in completion.proposals)
    return replace(
        completion,
        labels=tuple(
            one
            for one in completion.labels
            if one.name in known and vocabulary.may_choose(one.name)
        ),
        proposals=tuple(one for one in proposals if one.name),
    )
