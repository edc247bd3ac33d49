"""Terms in JSON: a list of objects, each key as the column of its name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from app.domain.vocabulary.saying import Said, read_value, told
from app.domain.vocabulary.terms import TermPatch

_SPACE = " \t\r\n"


class _Twice:
    """Stands for a value whose key an object has twice."""


def read(text: str) -> tuple[list[Said], list[str]]:
    """Return what the entries say, and what is wrong with them, both by line."""
    said: list[Said] = []
    problems: list[str] = []
    try:
        for line, entry in _entries(text):
            one = _said(f"line {line}", entry, problems)
            if one is not None:
                said.append(one)
    except json.JSONDecodeError as error:
        problems.append(f"line {error.lineno}: it is no JSON: {error.msg}")
    except RecursionError:
        problems.append("it is nested too deep")
    except ValueError as error:
        problems.append(str(error))
    return said, problems


def write(patches: Iterable[TermPatch]) -> str:
    """Return terms as a list, one a line; what is not said is left out."""
    entries = (
        json.dumps({"name": one.name, **told(one)}, ensure_ascii=False)
        for one in patches
    )
    return "[\n" + ",\n".join(entries) + "\n]\n"


def _entries(text: str) -> Iterator[tuple[int, Any]]:
    """Walk a list's entries, with the lines that they begin in."""
    decoder = json.JSONDecoder(
        # Python refuses to read integers of thousands of digits, with words of its own.
        object_pairs_hook=_object,
        parse_int=float,
    )
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("expected a list of terms")
    line, counted = 1, 0
    at = _skip(text, at + 1)
    has_more = text[at : at + 1] != "]"
    while has_more:
        line, counted = line + text.count("\n", counted, at), at
        entry, at = decoder.raw_decode(text, at)
        yield line, entry
        at = _skip(text, at)
        has_more = text[at : at + 1] == ","
        if has_more:
            at = _skip(text, at + 1)
    if text[at : at + 1] != "]":
        raise json.JSONDecodeError("expected a comma or the list's end", text, at)
    if _skip(text, at + 1) != len(text):
        raise json.JSONDecodeError("something follows the list", text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        # JSON forbids no such thing, but nobody means it.
        found[key] = _Twice() if key in found else value
    return found


def _said(place: str, entry: Any, problems: list[str]) -> Said | None:
    if not isinstance(entry, dict):
        problems.append(f"{place}: expected an object with a name")
        return None
    name = entry.pop("name", None)
    if not isinstance(name, str) or not name.strip():
        problems.append(f"{place}: there is no name")
        return None
    name = name.strip()
    fields: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, _Twice):
            problems.append(f"{place}: {name[:80]}: {key[:40]!r} is there twice")
            continue
        try:
            fields[key] = read_value(key, value)
        except ValueError as error:
            problems.append(f"{place}: {name[:80]}: {key[:40]}: {error}")
    return Said(name=name, fields=fields, place=place)
