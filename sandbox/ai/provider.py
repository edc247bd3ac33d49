"""One provider at work: it lets calls in or not, takes its time, and answers."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import fields, replace
from random import Random
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from sandbox.ai.call_log import Call, CallLog
from sandbox.ai.calls import (
    Answer,
    Answerer,
    Api,
    BadCall,
    Ending,
    Facts,
    Question,
    Trouble,
    TroubleKind,
    Usage,
)
from sandbox.ai.clock import ProviderClock
from sandbox.ai.config import ProviderConfig
from sandbox.ai.faults import Fault, FaultKind, Faults
from sandbox.ai.quotas import Dimension, Quotas, Rules
from sandbox.ai.spoiling import as_text, spoiled
from sandbox.ai.tokens import CACHE_BLOCK, PromptCache, charge_upfront, estimate
from sandbox.rest.broken_answers import Dropped, HalfBody

_LIMITS = frozenset({"rpm", "tpm", "rpd"})
_ENDINGS: dict[FaultKind, Ending] = {
    "truncated": "cut",
    "refusal": "refused",
    "blocked": "blocked",
    "failed": "failed",
}
#: What is answered where no JSON is asked for.
_PLAIN = "Yes."


class Stalled(Response):
    """Silence until the client has had enough."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the client to leave."""
        while (await receive())["type"] != "http.disconnect":
            pass


class Provider:
    """The state of one provider: settings, quotas, faults, prompt cache, log."""

    def __init__(
        self,
        config: ProviderConfig,
        clock: ProviderClock,
        answerer: Answerer,
        seed: int,
    ) -> None:
        self.config = config
        self._clock = clock
        self._answerer = answerer
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Begin anew with the settings as they are."""
        self.quotas = Quotas(self.config)
        self.faults = Faults(self.config.faults, self._seed)
        self.log = CallLog(limits_known=self.config.limits_known)
        self._cache = PromptCache(self.config.cache_from)

    def configure(self, config: ProviderConfig) -> None:
        """Put other settings in force.

        Quotas remember what was used unless the way of counting changes.
        """
        old, self.config = self.config, config
        if any(getattr(old, name) != getattr(config, name) for name in _WAYS):
            self.quotas = Quotas(config)
        else:
            limits: dict[Dimension, int | None] = {
                "rpm": config.rpm,
                "tpm": config.tpm,
                "rpd": config.rpd,
            }
            changed: dict[Dimension, int | None] = {
                name: limit
                for name, limit in limits.items()
                if limit != getattr(old, name)
            }
            if changed:
                self.quotas.change(changed, self._clock.now())
        if old.faults != config.faults:
            self.faults = Faults(config.faults, self._seed)
        self._cache.least = config.cache_from

    def report(self, *, calls: bool) -> dict[str, Any]:
        """Return the figures of the log and where the quotas stand."""
        standings = self.quotas.standings(self._clock.now())
        shown = {
            name: {"limit": one.limit, "used": one.used, "remaining": one.remaining}
            for name, one in standings.items()
        }
        return {"quotas": shown, **self.log.report(calls=calls)}

    async def ask(self, request: Request, api: Api) -> Response:
        """Answer a question that takes from the quotas."""
        call = self.log.open(self._clock.now())
        # Of calls that come together, all are noted before work on one holds up others.
        await asyncio.sleep(0)
        try:
            response = await self._respond(call, request, api)
        except BadCall as bad:
            call.ending = "turned_away"
            response = api.troubled(bad.trouble, self._facts(call))
        except ClientDisconnect:
            call.ending = "gone"
            response = Dropped()
        call.status = response.status_code
        if call.ending != "gone":
            told = call.ending == "answered" and "rate_headers" in self.config.hints
            tells = told or call.ending == "refused"
            self.log.close(call, self._clock.now(), tells=tells)
        return response

    def look_up(self, request: Request, api: Api, model: str | None) -> Response | None:
        """Return why nothing is told of a model, or of any; None if all is well."""
        facts = Facts(number=0, hints=frozenset())
        fault = self.faults.at_the_door(self._clock.now())
        if fault is not None and fault.kind == "refused":
            return Dropped()
        if fault is not None:
            trouble = _trouble(fault, model or "", api.key(request))
            return api.troubled(trouble, facts)
        try:
            self._admit_key(api.key(request))
            if model is not None:
                self._admit_model(model)
        except BadCall as bad:
            return api.troubled(bad.trouble, facts)
        return None

    async def _respond(self, call: Call, request: Request, api: Api) -> Response:
        body = await request.body()
        self._admit_key(api.key(request))
        question = api.read(request, _decoded(body))
        call.model = question.model
        self._admit_model(question.model)
        fault = self.faults.strike(call.number, call.arrived)
        if fault is not None:
            call.fault = fault.kind
            if fault.kind == "refused":
                call.ending = "gone"
                return Dropped()
            if fault.is_at_the_door:
                raise BadCall(_trouble(fault, question.model, api.key(request)))
        charge = self._charge(question)
        full = self.quotas.admit(charge, call.arrived)
        call.epoch = self.quotas.epoch
        facts = replace(
            self._facts(call), standings=self.quotas.standings(call.arrived)
        )
        if full:
            self.log.refuse(call, tuple(standing.dimension for standing in full))
            return api.refused(question, full, facts)
        call.admitted, call.charged = True, charge
        return await self._work(call, question, api, facts, fault)

    async def _work(
        self,
        call: Call,
        question: Question,
        api: Api,
        facts: Facts,
        fault: Fault | None,
    ) -> Response:
        kind = None if fault is None else fault.kind
        if kind in ("stall", "disconnect"):
            call.ending = "gone"
            return Stalled() if kind == "stall" else Dropped()
        answer = self._compose(call, question, fault)
        due = call.arrived + self.latency(call.number)
        await self._clock.sleep(max(0.0, due - self._clock.now()))
        if fault is not None and kind == "status":
            raise BadCall(_trouble(fault, question.model, ""))
        self._cache.remember(question.prompt)
        call.usage = answer.usage
        call.ending = "answered"
        took = self._clock.now() - call.arrived
        response = api.answered(question, answer, replace(facts, took=took))
        if response.status_code != 200:
            call.ending = "turned_away"
        if kind == "half_body":
            call.ending = "gone"
            return HalfBody(response)
        return response

    def _compose(self, call: Call, question: Question, fault: Fault | None) -> Answer:
        text, code = _PLAIN, ""
        ending: Ending = "complete"
        if question.schema or question.form != "text":
            chosen = self._answerer(
                question.instructions, question.text, question.schema
            )
            text = as_text(chosen) if fault is None else spoiled(chosen, fault.kind)
        if fault is not None:
            ending, code = _ENDINGS.get(fault.kind, ending), fault.code
        thinking = self.config.thinking_tokens
        if question.max_output is not None and ending == "complete":
            room = max(0, question.max_output - thinking)
            needed = estimate(text)
            if needed > room:
                text, ending = text[: len(text) * room // needed], "cut"
            thinking = min(thinking, question.max_output)
        usage = replace(self._input(question), output=estimate(text), thinking=thinking)
        return Answer(
            number=call.number, ending=ending, text=text, usage=usage, code=code
        )

    def _input(self, question: Question) -> Usage:
        tokens = estimate(question.prompt)
        cached = self._cache.shared(question.prompt)
        written = 0
        if self.config.cache_writes and tokens >= self.config.cache_from:
            written = tokens // CACHE_BLOCK * CACHE_BLOCK - cached
        return Usage(input=tokens, cached=cached, cache_write=written)

    def _charge(self, question: Question) -> int:
        if self.config.charge == "upfront":
            return charge_upfront(question.said, question.max_output)
        return estimate(question.prompt)

    def latency(self, number: int) -> float:
        """Return how many seconds the answer to a call takes."""
        median = self.config.latency_median
        if median <= 0:
            return 0.0
        draw = Random(f"{self._seed}/latency/{number}")  # noqa: S311 - a rehearsed delay
        return draw.lognormvariate(math.log(median), self.config.latency_sigma)

    def _facts(self, call: Call) -> Facts:
        return Facts(
            number=call.number,
            hints=self.config.hints,
            free_tier=self.config.free_tier,
        )

    def _admit_key(self, key: str) -> None:
        wanted = self.config.api_key
        if wanted is not None and key != wanted:
            raise BadCall(Trouble(kind="unauthorized" if key else "no_key", key=key))

    def _admit_model(self, model: str) -> None:
        if self.config.models and model not in self.config.models:
            raise BadCall(Trouble(kind="unknown_model", model=model))


_WAYS = {one.name for one in fields(Rules)} - _LIMITS
_TROUBLES: dict[FaultKind, TroubleKind] = {
    "overloaded": "overloaded",
    "slow_down": "slow_down",
    "insufficient_quota": "insufficient_quota",
    "unauthorized": "unauthorized",
    "forbidden": "forbidden",
}


def _trouble(fault: Fault, model: str, key: str) -> Trouble:
    return Trouble(
        kind=_TROUBLES.get(fault.kind, "status"),
        model=model,
        key=key,
        status=fault.status,
        retry_after=fault.retry_after,
    )


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        detail = "We could not parse the JSON body of your request."
        raise BadCall(Trouble(kind="bad_request", detail=detail)) from error
