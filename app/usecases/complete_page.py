"""Gets a page's answer from the AI, once per content, and accounts for what it cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog
from sqlalchemy.orm import Session

from app.domain.completions import Attempt, Candidate, Completion, Prompt, Routed, Turn
from app.domain.jobs import WAIT_REASON, Priority
from app.domain.labels import normalise
from app.domain.pages import Page, PageText
from app.domain.policy import DEFAULT, Policy
from app.domain.questions import question
from app.domain.vocabulary.retrieval import advise
from app.domain.vocabulary.terms import Vocabulary
from app.errors import ProviderError, Stopped, Unavailable
from app.store.completions import CompletionStore
from app.store.jobs import JobStore
from app.store.switches import is_stopped
from app.store.usage import UsageStore
from app.telemetry.metrics import Metrics
from app.usecases.answer_keys import AnswerKeys, KeptAnswer, opened, sealed
from app.usecases.services import Services

log = structlog.get_logger("ai_calls")

#: Pauses while the database is away and a paid answer waits to be kept: in all less
#: than a lease, after which another worker may ask again.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
#: Paid answers that wait for the database in this process, at most.
_IN_HAND = 1000

_TOKENS = ("input", "cached", "cache_write", "output", "thinking")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A completion, and what it took to get it.

    Attributes:
        key: Names content and question.
        attempts: Who was asked, in order; empty if the answer was there already.
        is_fallback: Whether somebody else was to answer, now or when it was given: a
            page tells the same of itself however often it is looked at.
        reused: The kept answer that this one is, if nobody was asked.
    """

    completion: Completion
    key: str
    is_fallback: bool
    attempts: tuple[Attempt, ...] = ()
    reused: KeptAnswer | None = None


@dataclass(frozen=True, slots=True)
class _Asking:
    """One page's question on its way; `prompt` replaces what would be asked today."""

    page: Page
    text: PageText
    policy: Policy
    vocabulary: Vocabulary
    priority: int
    prompt: Prompt | None = None


async def complete_page(
    services: Services,
    tenant_id: str,
    page: Page,
    text: PageText,
    *,
    policy: Policy = DEFAULT,
    vocabulary: Vocabulary,
    priority: int = Priority.EVENT,
    pauses: Sequence[float] = PAUSES,
) -> Answer:
    """Return the answer for this content; nobody is paid for it twice.

    The answer is on disk before anything is written to the site, so that neither a
    crash nor a repeated event pays for it again. A copied page has the answer of the
    page it was copied from.

    Args:
        services: The bundle.
        tenant_id: Whose page.
        page: The page as it was read.
        text: Its readable text.
        policy: Who may be asked, and for what.
        vocabulary: What may be chosen.
        priority: Lower is sooner.
        pauses: Seconds between tries to keep a paid answer.

    Raises:
        ProviderError: Nobody can answer now; waiting may help.
        Stopped: Somebody pulled the kill switch.
        Unavailable: The database is away; a paid answer stays in hand.
    """
    respondents = services.ai.respondents(policy.order)
    keys = AnswerKeys.of(
        text,
        respondents,
        version=services.ai.prompt_version,
        settings=_settings(policy, vocabulary),
        page_id=page.id,
    )
    attempts: tuple[Attempt, ...] = ()
    reused: KeptAnswer | None = None
    found = await _found(services, tenant_id, keys)
    if found is not None:
        key, reused = found
        completion = reused.completion
    else:
        waiting = services.answers_in_hand.get((tenant_id, keys.first))
        if waiting is None:
            asking = _Asking(page, text, policy, vocabulary, priority)
            waiting = await _ask(services, tenant_id, asking)
        key = await _keep(services, tenant_id, keys, waiting, pauses)
        completion, attempts = waiting.completion, waiting.attempts
    return Answer(
        completion=completion,
        key=key,
        is_fallback=completion.provider != respondents[0].provider,
        attempts=attempts,
        reused=reused,
    )


async def ask_again(
    services: Services,
    tenant_id: str,
    page: Page,
    text: PageText,
    *,
    policy: Policy,
    vocabulary: Vocabulary,
    prompt: Prompt | None = None,
) -> Routed:
    """Ask a page's question, whatever was answered before; only its cost is kept.

    `prompt` replaces the question that would be asked today.

    Raises:
        ProviderError: Nobody can answer now.
        Stopped: Somebody pulled the kill switch.
    """
    asking = _Asking(page, text, policy, vocabulary, Priority.PERSON, prompt)
    routed = await _ask(services, tenant_id, asking)
    await services.database.write(
        lambda s: _account(services, s, tenant_id, routed.attempts)
    )
    return routed


async def _found(
    services: Services, tenant_id: str, keys: AnswerKeys
) -> tuple[str, KeptAnswer] | None:
    """Return an answer that was paid for before, and its key."""

    def work(session: Session) -> list[tuple[str, str]]:
        store = CompletionStore(session)
        own = store.find(tenant_id, keys.whole)
        return [(key, own[key]) for key in keys.whole if key in own] or [
            *store.copies(tenant_id, keys.texts)
        ]

    for key, box in await services.database.read(work):
        kept = opened(services.cipher, box)
        if kept is not None and keys.fits(key, kept):
            await services.database.write(
                partial(_note_hit, services, tenant_id, key, kept.completion)
            )
            services.metrics.ai_cache_hits.inc()
            return key, kept
    return None


def _note_hit(
    services: Services,
    tenant_id: str,
    key: str,
    completion: Completion,
    session: Session,
) -> None:
    CompletionStore(session).used(tenant_id, key)
    UsageStore(session).add(
        tenant_id,
        services.now().date(),
        provider=completion.provider,
        model=completion.model,
        cache_hits=1,
    )


def _settings(policy: Policy, vocabulary: Vocabulary) -> str:
    """Return what an answer depends on besides the page and who gives it."""
    return json.dumps([vocabulary.version, policy.max_labels])


async def _ask(services: Services, tenant_id: str, asking: _Asking) -> Routed:
    page, policy = asking.page, asking.policy
    stopped = await services.database.read(lambda s: is_stopped(s, tenant_id))
    if stopped is not None:
        raise Stopped(stopped)
    prompt = asking.prompt or await _prompt(services, tenant_id, asking)
    turn = Turn(tenant_id=tenant_id, priority=asking.priority)
    try:
        routed = await services.ai.answer(prompt, turn, order=policy.order)
    except ProviderError as error:
        attempts = [one for one in error.attempts if isinstance(one, Attempt)]
        _tell(services, tenant_id, page, attempts)
        services.awaited_providers.update(one.provider for one in attempts)
        await _account_failures(services, tenant_id, attempts)
        raise
    _tell(services, tenant_id, page, routed.attempts)
    await _welcome_back(services, routed.completion.provider)
    completion = checked(routed.completion, prompt.candidates, asking.vocabulary)
    return replace(routed, completion=completion)


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


async def _prompt(services: Services, tenant_id: str, asking: _Asking) -> Prompt:
    memory = await services.memories.of(tenant_id)
    page, text = asking.page, asking.text
    existing = tuple(
        label.name for label in page.labels or () if label.prefix == "global"
    )

    def work() -> Prompt:
        advice = advise(
            memory,
            asking.vocabulary,
            text,
            page_id=page.id,
            parent_id=page.parent_id,
        )
        return question(
            text,
            advice,
            max_labels=asking.policy.max_labels,
            existing=existing,
        )

    return await asyncio.to_thread(work)


async def _keep(
    services: Services,
    tenant_id: str,
    keys: AnswerKeys,
    routed: Routed,
    pauses: Sequence[float],
) -> str:
    """Put a paid answer on disk, and what it cost; patient while the database is away.

    Until it is there, it stays in hand: should this fail, the next attempt of the same
    page in this process has it.
    """
    completion = routed.completion
    key, text_key = keys.named(completion.provider, completion.model)
    hand = services.answers_in_hand
    if len(hand) < _IN_HAND:
        hand[tenant_id, keys.first] = routed
    kept = KeptAnswer(
        completion=completion,
        title=keys.title,
        given_at=services.now(),
        page_id=keys.page_id,
    )
    box = sealed(services.cipher, kept)

    # Who will never answer about this text is not asked about it again either.
    final = [one for one in routed.attempts if one.is_final]
    others = [keys.named(one.provider, one.model) for one in final]

    def work(session: Session) -> None:
        for whole, text in ((key, text_key), *others):
            CompletionStore(session).keep(tenant_id, whole, text, box)
        _account(services, session, tenant_id, routed.attempts)

    for pause in (*pauses, None):
        try:
            await services.database.write(work)
            break
        except Unavailable as error:
            if pause is None:
                raise
            log.warning("answer_not_kept_yet", tenant=tenant_id, error=str(error))
            await asyncio.sleep(pause)
    hand.pop((tenant_id, keys.first), None)
    return key


async def _account_failures(
    services: Services, tenant_id: str, attempts: Sequence[Attempt]
) -> None:
    """Write down what failures cost; an outage that cost nothing is not worth a write."""
    if not any(one.usage.input_tokens for one in attempts):
        return
    try:
        await services.database.write(
            lambda s: _account(services, s, tenant_id, attempts)
        )
    except Unavailable as error:
        # What the provider said decides what follows, not this.
        log.warning("usage_not_kept", tenant=tenant_id, error=str(error))


def _account(
    services: Services, session: Session, tenant_id: str, attempts: Sequence[Attempt]
) -> None:
    store, day = UsageStore(session), services.now().date()
    # Always in the same order: two pages that fell back crosswise would lock each other.
    for one in sorted(attempts, key=lambda one: (one.provider, one.model)):
        store.add(
            tenant_id,
            day,
            provider=one.provider,
            model=one.model,
            usage=one.usage,
            calls=int(one.was_called),
            failures=int(one.was_called and one.outcome != "answered"),
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

    And they are what the vocabulary lets us choose, whoever offered them. Candidates are labels of the site, so their spelling is Confluence's own and stays.
    Proposals are new names and become what Confluence accepts.
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
