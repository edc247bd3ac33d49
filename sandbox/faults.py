"""Failures that a test orders: which requests they strike, and what they answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from sandbox.refusals import Malformed

FaultKind = Literal["status", "timeout", "half_body", "drop"]

#: Nobody waits longer than this; a test that wants to is mistaken.
MAX_TIMEOUT_SECONDS = 600.0
_MATCH_KEYS = frozenset({"method", "path_regex", "principal", "page_id"})
_ORDER_KEYS = frozenset({"match", "times", "after", "answer"})
_ANSWER_KEYS = frozenset(
    {"status", "headers", "body", "timeout_seconds", "half_body", "drop"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A request as faults see it: its path is the one received, gateway or not."""

    method: str
    path: str
    principal: str
    page_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultAnswer:
    """What a struck request gets.

    Attributes:
        after_effect: The work is done first, and only then the fault answers.
        body: JSON, or text as it is; None for a plain message.
    """

    kind: FaultKind
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    timeout_seconds: float = 0.0
    after_effect: bool = False

    @property
    def does_the_work(self) -> bool:
        """Whether the request takes effect all the same."""
        return self.after_effect or self.kind == "half_body"


@dataclass(slots=True, kw_only=True)
class Fault:
    """An ordered failure and how often it has struck.

    Attributes:
        times: How often it strikes; 0 means until cleared.
        after: How many matching requests go through first.
    """

    id: str
    method: str | None
    path: re.Pattern[str]
    principal: str | None
    page_id: str | None
    times: int
    after: int
    answer: FaultAnswer
    seen: int = 0
    hits: int = 0

    def matches(self, target: Target) -> bool:
        """Whether `target` is what this fault is about, its count aside."""
        return (
            self.method in (None, target.method)
            and self.principal in (None, target.principal)
            and self.page_id in (None, target.page_id)
            and self.path.search(target.path) is not None
        )

    def strikes(self) -> bool:
        """Count one matching request; return whether it is struck."""
        if self.times and self.hits >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.after:
            return False
        self.hits += 1
        return True

    def report(self) -> dict[str, Any]:
        """Return the fault as plain data."""
        return {
            "id": self.id,
            "method": self.method,
            "path_regex": self.path.pattern,
            "principal": self.principal,
            "page_id": self.page_id,
            "times": self.times,
            "after": self.after,
            "kind": self.answer.kind,
            "seen": self.seen,
            "hits": self.hits,
        }


class Faults:
    """The faults in force, oldest first; the first that strikes wins."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._faults: list[Fault] = []

    def order(self, payload: Any) -> Fault:
        """Put a fault in force, described as `POST /_sandbox/faults` takes it.

        Raises:
            Malformed: The description cannot be read; the message says where.
        """
        order = _mapping(payload, "fault", _ORDER_KEYS)
        match = _mapping(order.get("match", {}), "match", _MATCH_KEYS)
        principal = _text(match, "principal")
        if principal not in (None, "app", "user", "anonymous"):
            raise Malformed("match.principal must be app, user or anonymous")
        method = _text(match, "method")
        fault = Fault(
            id=f"fault-{next(self._numbers)}",
            method=None if method is None else method.upper(),
            path=_pattern(_text(match, "path_regex") or ""),
            principal=principal,
            page_id=_text(match, "page_id"),
            times=_whole(order, "times", default=1),
            after=_whole(order, "after", default=0),
            answer=read_answer(order.get("answer")),
        )
        self._faults.append(fault)
        return fault

    def strike(self, target: Target) -> Fault | None:
        """Return the fault that strikes `target`, counted, or None."""
        for fault in self._faults:
            if fault.matches(target) and fault.strikes():
                return fault
        return None

    def report(self) -> list[dict[str, Any]]:
        """Return all faults with their counts."""
        return [fault.report() for fault in self._faults]

    def clear(self) -> None:
        """Let everything work again."""
        self._faults.clear()


def read_answer(value: Any) -> FaultAnswer:
    """Return what `value`, the "answer" of an order, describes.

    Raises:
        Malformed: It names no failure, or two at once.
    """
    if isinstance(value, dict) and "after_effect" in value:
        if len(value) > 1:
            raise Malformed("answer.after_effect must stand alone")
        return _read_plain_answer(value["after_effect"], after_effect=True)
    return _read_plain_answer(value, after_effect=False)


def _read_plain_answer(value: Any, *, after_effect: bool) -> FaultAnswer:
    answer = _mapping(value, "answer", _ANSWER_KEYS)
    kinds: dict[str, FaultKind] = {
        "status": "status",
        "timeout_seconds": "timeout",
        "half_body": "half_body",
        "drop": "drop",
    }
    named = [key for key in kinds if answer.get(key)]
    if len(named) != 1:
        raise Malformed(f"answer must have exactly one of {', '.join(kinds)}")
    headers = _mapping(answer.get("headers", {}), "answer.headers", None)
    seconds = answer.get("timeout_seconds", 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_TIMEOUT_SECONDS:
        raise Malformed(f"answer.timeout_seconds must be 0 to {MAX_TIMEOUT_SECONDS:g}")
    status = _whole(answer, "status", default=503)
    if not 200 <= status <= 599:
        raise Malformed("answer.status must be 200 to 599")
    return FaultAnswer(
        kind=kinds[named[0]],
        status=status,
        headers={str(name): str(text) for name, text in headers.items()},
        body=answer.get("body"),
        timeout_seconds=float(seconds),
        after_effect=after_effect,
    )


def _mapping(value: Any, where: str, keys: frozenset[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{where} must be an object")
    unknown = sorted(set(value) - keys) if keys is not None else []
    if unknown:
        raise Malformed(f"{where} has unknown keys: {', '.join(unknown)}")
    return value


def _text(source: dict[str, Any], key: str) -> str | None:
    value = source.get(key)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{key} must be text")
    return value


def _whole(source: dict[str, Any], key: str, *, default: int) -> int:
    value = source.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"{key} must be a whole number, zero or more")
    return value


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Malformed(f"path_regex is no regular expression: {error}") from error
