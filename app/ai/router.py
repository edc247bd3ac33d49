"""Who is asked: the providers in a tenant's order, each fallback with its reason.

Never two at once for one page: whoever pays for two answers throws one away.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NoReturn

from typing_extensions import override

from app.domain.completions import (
    OVER_BUDGET,
    Attempt,
    Completion,
    Exchange,
    Prompt,
    Routed,
    Turn,
    Usage,
)
from app.errors import BudgetExceeded, OverBudget, ProviderError, Unavailable
from app.usecases.ai_ports import Ai, Provider, Respondent
from app.usecases.purse import Purse

#: The one whose answers never leave the machine, and who never fails.
LOCAL = "local"


class Router(Ai):
    """Asks the first provider, and the next one where the first does not answer."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        *,
        order: Sequence[str],
        patience: float,
        prompt_version: int,
    ) -> None:
        """Take all providers there are, `local` among them.

        Args:
            providers: By name.
            order: The operator's order; tenants may have another.
            patience: Seconds that a provider may make a page wait while another one
                could answer at once.
            prompt_version: Of what the providers ask.
        """
        self._providers = providers
        self._order = tuple(order)
        self._patience = patience
        self._prompt_version = prompt_version

    @property
    @override
    def prompt_version(self) -> int:
        """Changes whenever a question is put in other words."""
        return self._prompt_version

    @override
    def respondents(self, order: Sequence[str] = ()) -> tuple[Respondent, ...]:
        """Return who would be asked, in order."""
        return tuple(
            Respondent(provider=one.name, model=one.model)
            for one in self._chosen(order)
        )

    @override
    def held_for(self, order: Sequence[str] = ()) -> float:
        """Return the seconds until anybody could be asked, as far as is known here."""
        return min(one.held_for() for one in self._chosen(order))

    @override
    def estimate(self, prompt: Prompt, order: Sequence[str] = ()) -> Usage:
        """Return what an answer of the first in order costs at worst."""
        return self._chosen(order)[0].estimate(prompt)

    @override
    async def answer(
        self,
        prompt: Prompt,
        turn: Turn,
        *,
        order: Sequence[str] = (),
        purse: Purse | None = None,
    ) -> Routed:
        """Ask in turn until one answers; what none can answer, the draft does.

        A provider that the purse does not pay for is passed over like one that is busy.

        Raises:
            ProviderError: Nobody can answer now, and waiting may help. It carries the
                shortest wait. `attempts` says who was asked.
            OverBudget: The same, for want of money alone.
            Unavailable: The database cannot be asked for leave.
        """
        chosen = self._chosen(order)
        attempts: list[Attempt] = []
        errors: list[ProviderError | OverBudget] = []
        for place, provider in enumerate(chosen):
            is_last = place == len(chosen) - 1
            patient = turn if is_last else self._hurried(turn)
            began = time.monotonic()
            try:
                if purse is not None:
                    await purse.hold(partial(provider.estimate, prompt), attempts)
                completion = await provider.complete(prompt, patient)
            except Unavailable:
                if not any(one.is_final for one in attempts):
                    raise
                # Later, those who were paid in vain would be asked, and paid, again.
                break
            except (ProviderError, OverBudget) as error:
                attempts.append(_failed(provider, error, began))
                errors.append(error)
                continue
            attempts.append(_answered(completion, began))
            return _routed(completion, attempts)
        if not any(one.is_final for one in attempts):
            _raise_shortest(errors, attempts)
        # Waiting for the others would mean to ask, and to pay, the final ones again.
        draft = await self._providers[LOCAL].complete(prompt, turn)
        attempts.append(_answered(draft, time.monotonic()))
        return _routed(draft, attempts)

    def _hurried(self, turn: Turn) -> Turn:
        """Return a turn that waits no longer than a page may while others are free."""
        asked = self._patience if turn.patience is None else turn.patience
        return replace(turn, patience=min(asked, self._patience))

    def _chosen(self, order: Sequence[str]) -> list[Provider]:
        """Return providers by a tenant's order; a name that is gone is passed over.

        An order of which nothing is left means nobody else may see the pages: `local`.
        """
        names = order or self._order
        found = [self._providers[name] for name in names if name in self._providers]
        return found or [self._providers[LOCAL]]


def _routed(completion: Completion, attempts: Sequence[Attempt]) -> Routed:
    return Routed(
        completion=replace(completion, exchange=None), attempts=tuple(attempts)
    )


def _answered(completion: Completion, began: float) -> Attempt:
    return Attempt(
        provider=completion.provider,
        model=completion.model,
        outcome="answered",
        seconds=time.monotonic() - began,
        usage=completion.usage,
        exchange=completion.exchange,
    )


def _failed(
    provider: Provider, error: ProviderError | OverBudget, began: float
) -> Attempt:
    if isinstance(error, OverBudget):
        return Attempt(
            provider=provider.name,
            model=provider.model,
            outcome=OVER_BUDGET,
            seconds=time.monotonic() - began,
            reason=str(error),
        )
    return Attempt(
        provider=provider.name,
        model=provider.model,
        outcome=error.kind,
        seconds=time.monotonic() - began,
        usage=Usage(**error.usage),
        reason=error.reason,
        exchange=error.exchange if isinstance(error.exchange, Exchange) else None,
    )


def _raise_shortest(
    errors: Sequence[ProviderError | OverBudget], attempts: Sequence[Attempt]
) -> NoReturn:
    """Raise what is worth waiting for, the shortest wait first; money comes last."""
    providers = [error for error in errors if isinstance(error, ProviderError)]
    waiting = [error for error in providers if error.verdict == "wait"] or [
        error for error in providers if error.verdict == "ask_operator"
    ]
    if not waiting:
        poor = [error for error in errors if isinstance(error, OverBudget)]
        first = min(poor, key=lambda error: not isinstance(error, BudgetExceeded))
        first.attempts = tuple(attempts)
        raise first
    shortest = min(
        waiting,
        key=lambda error: (
            error.retry_after is None,
            error.retry_after.total_seconds() if error.retry_after else 0.0,
        ),
    )
    shortest.attempts = tuple(attempts)
    raise shortest
