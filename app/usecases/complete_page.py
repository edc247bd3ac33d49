"""Gets a page's answer, once per content: kept ones are used, new ones are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.orm import Session

from app.domain.budgets import Bill
from app.domain.completions import (
    Attempt,
    Completion,
    Prompt,
    Routed,
)
from app.domain.jobs import Priority
from app.domain.pages import Page, PageText
from app.domain.policy import DEFAULT, Policy
from app.domain.vocabulary.terms import Vocabulary
from app.errors import Unavailable
from app.store.completions import CompletionStore
from app.store.usage import UsageStore
from app.usecases.answer_keys import AnswerKeys, KeptAnswer, opened, sealed
from app.usecases.ask_ai import Asking, ask
from app.usecases.services import Services
from app.usecases.spending import account, settle

log = structlog.get_logger("ai_calls")

#: Pauses while the database is away and a paid answer waits to be kept: in all less
#: than a lease, after which another worker may ask again.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
#: Paid answers that wait for the database in this process, at most.
_IN_HAND = 1000


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

    It is on disk before anything is written to the site: neither a crash nor a repeated
    event pays for it again. A copied page has the answer of its original.

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
        OverBudget: There is no money for it.
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
    if (found := await _found(services, tenant_id, keys)) is not None:
        key, reused = found
        completion = reused.completion
    else:
        waiting = services.answers_in_hand.get((tenant_id, keys.first))
        if waiting is None:
            asking = Asking(page, text, policy, vocabulary, priority)
            waiting = await ask(services, tenant_id, asking)
        bill = _bill(tenant_id, page, waiting)
        key = await _keep(services, keys, waiting, bill, pauses)
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
        OverBudget: There is no money for it.
        Stopped: Somebody pulled the kill switch.
    """
    asking = Asking(page, text, policy, vocabulary, Priority.PERSON, prompt)
    routed = await ask(services, tenant_id, asking)
    await settle(services, _bill(tenant_id, page, routed))
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
    languages = policy.summary_language, policy.label_language
    lengths = policy.max_labels, policy.summary_sentences
    return json.dumps([vocabulary.version, *lengths, *languages])


def _bill(tenant_id: str, page: Page, routed: Routed) -> Bill:
    return Bill(
        tenant_id=tenant_id,
        space_id=page.space_id,
        attempts=routed.attempts,
        hold_id=routed.hold_id,
    )


async def _keep(
    services: Services,
    keys: AnswerKeys,
    routed: Routed,
    bill: Bill,
    pauses: Sequence[float],
) -> str:
    """Put a paid answer on disk, and what it cost; patient while the database is away.

    Until it is there, it stays in hand: should this fail, the next attempt of the same
    page in this process has it.
    """
    completion, tenant_id = routed.completion, bill.tenant_id
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
        account(services, session, bill)

    for pause in pauses:
        try:
            await services.database.write(work)
            break
        except Unavailable as error:
            log.warning("answer_not_kept_yet", tenant=tenant_id, error=str(error))
            await asyncio.sleep(pause)
    else:
        await services.database.write(work)
    hand.pop((tenant_id, keys.first), None)
    return key
