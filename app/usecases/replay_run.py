"""Asks a run's question again, and says what would have been decided: nothing is done.

Neither site nor plan nor ledger nor kept answers are touched. What it costs is
accounted for, and all that stands between a page and an AI stands here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.domain.completions import Prompt, Routed, Usage
from app.domain.fingerprint import content_hash
from app.domain.pages import Page
from app.domain.plans import REFUSED_STATES, LedgerState, plan_labels
from app.domain.policy import Policy
from app.domain.receipts import answer_row, attempt_figures, label_rows, prompt_of
from app.domain.teaching import LearnedBar
from app.errors import Conflict, NotFound
from app.store.feedback import FeedbackStore
from app.store.ledger import LedgerStore
from app.store.policies import PolicyStore
from app.store.runs import RunStore
from app.usecases.complete_page import ask_again
from app.usecases.decide_page import Decision, reason_to_skip
from app.usecases.ports import Confluence
from app.usecases.services import Services
from app.usecases.show_receipts import show_receipt
from app.usecases.site import open_site
from app.usecases.vocabularies import vocabulary_of

Row = dict[str, Any]

#: Whoever else may see a page, this one does not let its text leave the machine.
_LOCAL = "local"
_OURS: frozenset[LedgerState | None] = frozenset({"planned", "written"})
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """What holds for the page today."""

    policy: Policy
    ledger: Mapping[str, LedgerState]
    bar: LearnedBar


async def replay_run(
    services: Services,
    tenant_id: str,
    run_id: int,
    *,
    provider: str | None = None,
    kept_text: bool = False,
    by: str,
) -> Row:
    """Ask again what a run asked; return what was decided then and would be now.

    The question is put in today's words, about the page as it is now and as if we had
    put no label on it; or, with `kept_text`, about the text, the candidates and the
    labels that the receipt has.

    `provider` is who is asked; None asks whom the policy names.

    Raises:
        NotFound: No such run or provider, or no receipt of it.
        Conflict: Policy lets no AI, or not this one, see the page; or the receipt has
            no text.
        ProviderError: Nobody can answer now.
        Stopped: Somebody pulled the kill switch.
        WorkObsolete: The page is gone or out of reach.
    """
    then = await show_receipt(services, tenant_id, run_id)
    if not then["page"]:
        raise NotFound(f"run {run_id} is about no page: none was made")
    prompt = _kept(then) if kept_text else None
    async with open_site(services, tenant_id) as (confluence, _, _):
        page = await confluence.get_page(then["page"])
        decision, now = await _look(services, confluence, tenant_id, page)
    policy = _asked_of(services, now.policy, provider)
    theirs = _without_ours(page, now.ledger)
    routed = await ask_again(
        services,
        tenant_id,
        theirs,
        decision.text,
        policy=policy,
        vocabulary=decision.vocabulary,
        prompt=prompt,
    )
    stood = prompt.existing if prompt else [one.name for one in theirs.labels or ()]
    told = {
        "run": run_id,
        "page": page.id,
        "title": page.title,
        "text": "kept" if prompt else "now",
        "version_then": then["version"],
        "version_now": page.version,
        "changed": _changed(then, page, content_hash(decision.text)),
        "then": _then(then),
        "now": _now(routed, now, stood, prompt_version=services.ai.prompt_version),
    }
    await services.database.write(_noting(tenant_id, told, by=by))
    return told


def _kept(then: Row) -> Prompt:
    if then["receipt"] is None:
        raise NotFound(f"run {then['run']} has no receipt (any more)")
    prompt = prompt_of(then["receipt"])
    if prompt is None:
        reason = "nobody was sent the page's text in it"
        raise Conflict(
            f"run {then['run']} cannot be replayed from its receipt: {reason}"
        )
    return prompt


async def _look(
    services: Services, confluence: Confluence, tenant_id: str, page: Page
) -> tuple[Decision, _Now]:
    """Return what is known of a page, unless policy lets nobody look at it."""
    vocabulary = await vocabulary_of(services, tenant_id, page.space_id)

    def work(session: Session) -> _Now:
        policy = PolicyStore(session).policy(tenant_id, page.space_id)
        feedback = FeedbackStore(session).of_space(tenant_id, page.space_id)
        return _Now(
            policy=policy,
            ledger=LedgerStore(session).labels(tenant_id, page.id),
            bar=LearnedBar(policy, vocabulary, feedback),
        )

    now = await services.database.read(work)
    decision = Decision(
        page=page,
        text=await asyncio.to_thread(services.read_page, page),
        policy=now.policy,
        vocabulary=vocabulary,
    )
    reason = await reason_to_skip(services, confluence, decision)
    if reason:
        raise Conflict(f"no AI is asked about this page: {reason}")
    return decision, now


def _asked_of(services: Services, policy: Policy, provider: str | None) -> Policy:
    """Return the policy with one provider alone, if it may see the page at all."""
    if provider is None:
        return policy
    if provider not in services.providers:
        there = ", ".join(services.providers)
        raise NotFound(f"no provider {provider}; there are: {there}")
    if policy.order and provider not in (*policy.order, _LOCAL):
        who = ", ".join(policy.order)
        raise Conflict(f"policy lets only {who} see this page, not {provider}")
    return replace(policy, providers=(provider,))


def _without_ours(page: Page, ledger: Mapping[str, LedgerState]) -> Page:
    """Return the page as if we had put no label on it."""
    labels = (one for one in page.labels or () if one.prefix == "global")
    return replace(
        page,
        labels=tuple(one for one in labels if ledger.get(one.name) not in _OURS),
    )


def _now(
    routed: Routed, now: _Now, on_page: Collection[str], *, prompt_version: int
) -> Row:
    completion, policy = routed.completion, now.policy
    plan = plan_labels(
        completion,
        on_page=on_page,
        ledger={
            label: state
            for label, state in now.ledger.items()
            if state in REFUSED_STATES
        },
        vocabulary=now.bar.vocabulary,
        bar=now.bar,
        max_labels=policy.max_labels,
    )
    spent = sum((one.usage for one in routed.attempts), Usage())
    return {
        "prompt_version": prompt_version,
        "vocabulary_version": now.bar.vocabulary.version,
        **_answer(answer_row(completion)),
        "labels": label_rows(completion, plan, now.bar),
        "attempts": [attempt_figures(one) for one in routed.attempts],
        "usd": spent.micro_usd / _MICRO,
    }


def _then(then: Row) -> Row:
    """Return what was decided then, as far as is known."""
    receipt = then["receipt"]
    if receipt is None:
        return {
            "prompt_version": None,
            "vocabulary_version": None,
            "provider": then["provider"],
            "model": then["model"],
            "summary": None,
            "language": then["figures"].get("language"),
            "labels": then["figures"].get("plan", []),
            "usd": then["usd"],
        }
    return {
        "prompt_version": receipt["prompt_version"],
        "vocabulary_version": receipt["vocabulary_version"],
        **_answer(receipt["answer"] or {}),
        "labels": receipt["decision"]["labels"] if receipt["decision"] else [],
        "usd": then["usd"],
    }


def _answer(row: Mapping[str, Any]) -> Row:
    return {
        name: row.get(name) for name in ("provider", "model", "summary", "language")
    }


def _changed(then: Row, page: Page, content: str) -> bool | None:
    """Whether the page says something else by now; None if nobody knows."""
    if then["version"] == page.version:
        return False
    known = then["receipt"]["page"]["content"] if then["receipt"] else None
    return None if known is None else known != content


def _noting(tenant_id: str, told: Row, *, by: str) -> Callable[[Session], None]:
    now = told["now"]
    return lambda session: RunStore(session).audit(
        tenant_id,
        actor=by,
        action="run_replayed",
        page_id=told["page"],
        run_id=told["run"],
        after={
            "text": told["text"],
            "provider": now["provider"],
            "model": now["model"],
            "usd": now["usd"],
        },
    )
