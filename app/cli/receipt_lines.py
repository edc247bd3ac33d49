"""Tells a receipt in lines for a person; what they quote is made harmless by the printer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]

#: Candidates shown without `--words`.
_CANDIDATES = 10
_PARTS = 3


def lines(told: Row, *, words: bool) -> Iterator[str]:
    """Return the sections of a receipt, one after the other."""
    receipt = told["receipt"]
    yield from _head(told)
    if receipt is None:
        yield from _without(told)
    else:
        yield from _question(receipt, words=words)
        yield from _answer(receipt)
        yield from _decision(receipt)
        yield from _writes(receipt)
    yield from _cost(told)


def _head(told: Row) -> Iterator[str]:
    receipt = told["receipt"]
    yield f"run {told['run']}: {told['outcome']}"
    if told["figures"].get("error"):
        yield f"  {told['figures']['error']}"
    yield f"  for {told['cause']}, {told['started_at']} to {told['finished_at']}"
    yield "page"
    title = f": {receipt['page']['title']}" if receipt else ""
    yield f"  {told['page']}, version {told['version'] or '-'}{title}"
    if receipt:
        yield f"  labels that stood there: {_listed(receipt['page']['labels'])}"


def _without(told: Row) -> Iterator[str]:
    """Tell what is known of a run without a receipt: figures, and labels."""
    figures = told["figures"]
    yield "no receipt: nobody was asked, its time is over, policy wants none, or its key"
    yield "  is gone; what follows are the figures of the run"
    yield "decision"
    for one in figures.get("plan", []):
        yield f"  {one['action']} {one['label']} {one['confidence']:.2f}"
    yield f"  added: {_listed(figures.get('added', []))}"
    yield f"  removed: {_listed(figures.get('removed', []))}"
    for what, reason in figures.get("skipped", {}).items():
        yield f"  not done: {what}: {reason}"


def _question(receipt: Row, *, words: bool) -> Iterator[str]:
    yield "question"
    if receipt["reused"]:
        yield f"  {_reused(receipt['reused'])}"
    question = receipt["question"]
    if question:
        yield (
            f"  version {receipt['prompt_version']}, vocabulary "
            f"{receipt['vocabulary_version']}, at most {question['max_labels']} labels, "
            f"summary in {question['summary_language']}"
        )
        candidates = question["candidates"]
        shown = candidates if words else candidates[:_CANDIDATES]
        yield f"  candidates: {len(candidates)}"
        yield from (f"    {_candidate(one)}" for one in shown)
        if len(shown) < len(candidates):
            yield f"    ... and {len(candidates) - len(shown)} more: --words"
    for one in receipt["attempts"]:
        yield f"  {_attempt(one)}"
        if words:
            yield from _words(one)


def _reused(reused: Row) -> str:
    told = "nobody was asked: an answer from before was used"
    if reused["given_at"]:
        told += f", given at {reused['given_at']} about page {reused['page']}"
    return told + (f" in run {reused['run']}" if reused["run"] else "")


def _candidate(one: Row) -> str:
    parts = ", ".join(
        f"{name} {value:+.2f}" for name, value in list(one["parts"].items())[:_PARTS]
    )
    return f"{one['score']:.2f} {one['label']}: {one['evidence'] or '-'} ({parts})"


def _attempt(one: Row) -> str:
    usage = one["usage"]
    told = (
        f"{one['provider']} {one['model']}: {one['outcome']} after {one['seconds']:.2f} s, "
        f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
    )
    if one["reason"]:
        told += f"; {one['reason']}"
    if one["mended"]:
        told += f"; mended: {_listed(one['mended'])}"
    if one["dropped"]:
        told += f"; dropped: {_listed(one['dropped'])}"
    return told


def _words(one: Row) -> Iterator[str]:
    for name in ("instructions", "message", "reply"):
        if one[name]:
            yield f"    {name}"
            yield from (f"    | {line}" for line in one[name].split("\n"))


def _answer(receipt: Row) -> Iterator[str]:
    answer = receipt["answer"]
    if answer is None:
        return
    yield "answer"
    instead = " (somebody else was to answer)" if answer["fallback"] else ""
    yield f"  of {answer['provider']} {answer['model']}{instead}"
    yield f"  summary ({answer['language']}): {answer['summary']}"
    for one in answer["proposals"]:
        yield f"  new name: {one['name']} {one['confidence']:.2f}"


def _decision(receipt: Row) -> Iterator[str]:
    decision, policy = receipt["decision"], receipt["policy"]
    if decision is None:
        return
    yield "decision"
    yield (
        f"  policy {policy['mode']}: from {policy['apply_at']:.2f} on without asking, "
        f"from {policy['suggest_at']:.2f} on as a suggestion"
    )
    for one in decision["labels"]:
        yield (
            f"  {one['action']} {one['label']} {one['confidence']:.2f}: {one['why']}"
        )
        if one["evidence"]:
            yield f"    {one['evidence']}"
    for one in decision["waiting"]:
        yield f"  waits for a person: {_change(one)}"


def _writes(receipt: Row) -> Iterator[str]:
    yield "writes"
    if not receipt["writes"]:
        yield "  none"
    for one in receipt["writes"]:
        why = f" ({one['reason']})" if one["reason"] else ""
        yield f"  {one['outcome'] or 'not sent'}{why}: {_change(one)}"


def _change(one: Row) -> str:
    said = one["after"] if isinstance(one["after"], dict) else {}
    words = said.get("summary") or said.get("text") or said.get("title") or ""
    return " ".join(filter(None, (one["kind"], one["value"], words)))


def _cost(told: Row) -> Iterator[str]:
    yield "cost"
    yield (
        f"  {told['ai_calls']} AI calls, {told['input_tokens']} tokens in, "
        f"{told['output_tokens']} out, ${told['usd']:.4f}"
    )
    yield f"  {told['requests']} requests to the site, {told['points']} points"


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) or "-"
