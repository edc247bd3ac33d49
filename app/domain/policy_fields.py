"""Reads and lays over one another what people set of a policy, field by field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from app.domain.labels import MAX_LENGTH
from app.domain.modes import PolicyMode
from app.domain.pages import PageStatus
from app.domain.policy import SAME_AS_PAGE, Policy, Scope, SummaryPlace
from app.domain.scope import compiled
from app.domain.vocabulary.terms import Openness
from app.errors import MalformedPayload

Read = Callable[[str], Any]

#: A list has no more entries.
_MOST = 200
_LANGUAGE = re.compile(r"[a-z]{2}")
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_YES = {"true": True, "yes": True, "on": True, "1": True}
_NO = {"false": False, "no": False, "off": False, "0": False}
#: A site's word on these cannot be taken back by a space: they keep text in.
_ONE_WAY = ("local_only", "never_send")
SCOPE = "scope."
THRESHOLDS = "thresholds."


def policy_of(layers: Iterable[Mapping[str, Any]]) -> Policy:
    """Return the policy that comes of layers, the later over the earlier.

    A layer maps names of fields (`max_labels`, `scope.exclude_labels`,
    `thresholds.LABEL`) to values as they are stored. What a layer does not say, the
    one below says. Names that this version does not know are left alone: another one
    may have written them.
    """
    policy, scope, thresholds = Policy(), Scope(), {}
    for layer in layers:
        own = {name: layer[name] for name in _FIELDS if name in layer}
        for name in _ONE_WAY:
            own[name] = bool(own.get(name)) or getattr(policy, name)
        policy = replace(policy, **_frozen(own))
        inner = {name: layer[SCOPE + name] for name in _SCOPE if SCOPE + name in layer}
        scope = replace(scope, **_frozen(inner))
        thresholds.update(
            {
                name.removeprefix(THRESHOLDS): value
                for name, value in layer.items()
                if name.startswith(THRESHOLDS)
            }
        )
    return replace(policy, scope=scope, thresholds=thresholds)


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }


def read_fields(
    pairs: Sequence[tuple[str, str]], *, providers: Sequence[str]
) -> dict[str, Any]:
    """Return what a person typed, as it is stored; None takes a field back.

    Args:
        pairs: Names and values; an empty value takes the field back.
        providers: The names that `providers` may hold.

    Raises:
        MalformedPayload: Some of it cannot be; all problems are told.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in pairs:
        try:
            found[name] = _read(name, text.strip(), providers)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise MalformedPayload("policy", "; ".join(problems))
    return found


def check(policy: Policy) -> None:
    """Refuse a policy whose fields do not go together.

    Raises:
        MalformedPayload: They do not.
    """
    if policy.suggest_at > policy.apply_at:
        reason = (
            f"suggest_at ({policy.suggest_at:g}) is above apply_at "
            f"({policy.apply_at:g}): nothing would ever be suggested"
        )
        raise MalformedPayload("policy", reason)


def known_fields() -> tuple[str, ...]:
    """Return the names of all fields that can be set."""
    return (
        *sorted(_FIELDS),
        *(f"{SCOPE}{name}" for name in sorted(_SCOPE)),
        f"{THRESHOLDS}LABEL",
    )


def value_of(policy: Policy, name: str) -> Any:
    """Return a field's value by its name."""
    if name.startswith(SCOPE):
        return getattr(policy.scope, name.removeprefix(SCOPE))
    if name.startswith(THRESHOLDS):
        return policy.thresholds.get(name.removeprefix(THRESHOLDS))
    return getattr(policy, name)


def _read(name: str, text: str, providers: Sequence[str]) -> Any:
    label = name.removeprefix(THRESHOLDS)
    if name.startswith(THRESHOLDS):
        if not 0 < len(label) <= MAX_LENGTH:
            raise ValueError("expected thresholds.LABEL=NUMBER")
        return None if not text else _share(text)
    if name.startswith(SCOPE):
        reader = _SCOPE.get(name.removeprefix(SCOPE))
    else:
        reader = _FIELDS.get(name)
    if reader is None:
        raise ValueError(f"there is no such field{_nearest(name)}")
    if not text:
        return None
    value = reader(text)
    if name == "providers" and (unknown := set(value) - set(providers)):
        there = ", ".join(providers)
        raise ValueError(f"no provider {min(unknown)!r}; there are: {there}")
    return value


def _nearest(name: str) -> str:
    found = difflib.get_close_matches(name, known_fields(), n=1)
    return f"; did you mean {found[0]}?" if found else ""


# ------------------------------------------------------------------------ kinds of value


def _flag(text: str) -> bool:
    known = {**_YES, **_NO}
    if text.casefold() not in known:
        raise ValueError("expected true or false")
    return known[text.casefold()]


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError("expected a number from 0 to 1")
    return value


def _number(least: int, most: int) -> Read:
    def read(text: str) -> int:
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not digits or not least <= int(text) <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return int(text)

    return read


def _word(*words: str) -> Read:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}")
        return text

    return read


def _language(text: str) -> str:
    if text != SAME_AS_PAGE and not _LANGUAGE.fullmatch(text):
        raise ValueError(
            f"expected {SAME_AS_PAGE} or a code of two letters (ISO 639-1)"
        )
    return text


def _list(read: Read, what: str) -> Read:
    def read_all(text: str) -> list[Any]:
        parts = [part.strip() for part in text.split(",")]
        found = list(dict.fromkeys(read(part) for part in parts if part))
        if not found or len(found) > _MOST:
            raise ValueError(f"expected up to {_MOST} {what}, with commas between them")
        return found

    return read_all


def _label(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a label has at most {MAX_LENGTH} characters")
    return text


def _page_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no page id")
    return text


def _pattern(text: str) -> str:
    try:
        compiled(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no pattern: {error}") from error
    return text


def _provider(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no provider")
    return text


_LABELS = _list(_label, "labels")
_PAGES = _list(_page_id, "page ids")
_PATTERNS = _list(_pattern, "patterns")
_DAYS = _number(1, 36_500)

#: Fields that have a column of their own are set elsewhere, but are fields all the same.
_FIELDS: Mapping[str, Read] = {
    "mode": _word(*get_args(PolicyMode)),
    "openness": _word(*get_args(Openness)),
    "providers": _list(_provider, "providers"),
    "local_only": _flag,
    "never_send": _flag,
    "never_send_labels": _LABELS,
    "max_labels": _number(0, 50),
    "apply_at": _share,
    "suggest_at": _share,
    "label_language": _language,
    "summary_language": _language,
    "summary_place": _word(*get_args(SummaryPlace)),
    "summary_sentences": _number(1, 3),
    "learn_from_reviews": _flag,
    "unlock_auto": _flag,
    "unlock_after": _number(1, 100_000),
    "keep_receipts_days": _number(0, 3_650),
    "post_recommendations": _flag,
}
_SCOPE: Mapping[str, Read] = {
    "include_trees": _PAGES,
    "exclude_trees": _PAGES,
    "include_labels": _LABELS,
    "exclude_labels": _LABELS,
    "include_titles": _PATTERNS,
    "exclude_titles": _PATTERNS,
    "statuses": _list(_word(*get_args(PageStatus)), "statuses"),
    "min_age_days": _DAYS,
    "max_age_days": _DAYS,
    "templates": _flag,
}
