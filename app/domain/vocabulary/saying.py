"""What somebody says of a term: read from text, written as text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.labels import MAX_LENGTH
from app.domain.vocabulary.terms import Term, TermPatch, fold

LONGEST_DESCRIPTION = 1_000
MOST_SYNONYMS = 200
#: Said in a space of a description, of synonyms or of a parent: there is none here,
#: whatever the site says. An empty value says nothing.
NOTHING = "-"
#: Stands between synonyms; commas do where there is none of it. Within one it has a
#: backslash before it.
BETWEEN = "|"
_WITHIN = rf"\{BETWEEN}"
_PARTING = re.compile(rf"(?<!\\)\{BETWEEN}")

#: As people and spreadsheets in several languages write them.
_YES = frozenset({"true", "yes", "1", "on", "так", "істина", "wahr", "ja"})
_NO = frozenset({"false", "no", "0", "off", "ні", "хибність", "falsch", "nein"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of one term.

    Attributes:
        fields: Fields of `TermPatch` that are spoken of; None takes one back.
        place: Where it is said, such as `line 3`; empty at the command line.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


def read_text(name: str, text: str) -> Any:
    """Return a field's value as a person typed it; None for an empty text.

    Raises:
        ValueError: It cannot be, for the reason told.
    """
    reader = _reader(name)
    text = text.strip()
    return reader(text) if text else None


def read_value(name: str, value: Any) -> Any:
    """Return a field's value as JSON has it.

    Raises:
        ValueError: It cannot be, for the reason told.
    """
    reader = _reader(name)
    if value is None:
        return None
    if name in ("excluded", "manual_only"):
        if not isinstance(value, bool):
            raise ValueError("expected true or false")
        return value
    if name == "min_confidence":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(_SHARE)
        return _share(value)
    if name == "synonyms":
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            raise ValueError("expected a list of texts")
        return _synonyms(value)
    if not isinstance(value, str):
        raise ValueError("expected a text")  # noqa: TRY004 - told to whoever wrote it
    return reader(value.strip())


def write_text(value: Any) -> str:
    """Return a field's value as text that `read_text` reads back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        joined = f" {BETWEEN} ".join(one.replace(BETWEEN, _WITHIN) for one in value)
        # A comma in a single synonym is no comma between two.
        alone = len(value) == 1 and "," in joined
        return f"{joined} {BETWEEN}" if alone else joined or NOTHING
    if isinstance(value, float):
        return repr(value)
    return value or NOTHING


def patch_of(term: Term) -> TermPatch:
    """Return what is said of a site's term, without what holds of any."""
    plain = Term(name=term.name)
    said = {
        name: value
        for name in FIELDS
        if (value := getattr(term, name)) != getattr(plain, name)
    }
    return TermPatch(name=term.name, **said)


def told(patch: TermPatch) -> dict[str, Any]:
    """Return the fields that a patch speaks of."""
    found = {name: getattr(patch, name) for name in FIELDS}
    return {name: value for name, value in found.items() if value is not None}


# ------------------------------------------------------------------------ kinds of value

_SHARE = "expected a number from 0 to 1"


def _flag(text: str) -> bool:
    folded = text.casefold()
    if folded not in _YES | _NO:
        raise ValueError("expected true or false")
    return folded in _YES


def _number(text: str) -> float:
    # Spreadsheets write decimal commas where people do.
    try:
        return _share(float(text.replace(",", ".")))
    except ValueError:
        raise ValueError(_SHARE) from None


def _share(value: float) -> float:
    # Compared first: an integer may be too long for a float.
    if not 0 <= value <= 1:
        raise ValueError(_SHARE)
    return float(value)


def _description(text: str) -> str:
    if len(text) > LONGEST_DESCRIPTION:
        raise ValueError(
            f"has {len(text)} characters; a description has at most {LONGEST_DESCRIPTION}"
        )
    _refuse_unprintable(text)
    return text


def _label(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a label has at most {MAX_LENGTH} characters")
    _refuse_unprintable(text)
    return text


def _synonyms(parts: Iterable[str]) -> tuple[str, ...]:
    """Return synonyms, each once, in the order they were given."""
    found: dict[str, str] = {}
    for part in parts:
        synonym = " ".join(part.split())
        if not synonym:
            continue
        _label(synonym)
        if not fold(synonym):
            raise ValueError(f"{synonym[:40]!r} is no name")
        found.setdefault(fold(synonym), synonym)
    if len(found) > MOST_SYNONYMS:
        raise ValueError(f"a term has at most {MOST_SYNONYMS} synonyms")
    return tuple(found.values())


def _refuse_unprintable(text: str) -> None:
    for one in text:
        # Databases refuse NUL and halves of characters; nobody means the others.
        if unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\n\r":
            raise ValueError(f"holds a control character (U+{ord(one):04X})")


def _read_description(text: str) -> str:
    return "" if text == NOTHING else _description(text)


def _read_parent(text: str) -> str:
    return "" if text == NOTHING else _label(text)


def _read_synonyms(text: str) -> tuple[str, ...]:
    if text == NOTHING:
        return ()
    return _synonyms(_parts(text))


def _parts(text: str) -> list[str]:
    lines = text.splitlines()
    if len(lines) > 1:
        return [part for line in lines for part in _parts(line)]
    parts = _PARTING.split(text)
    if len(parts) == 1:
        parts = text.split(",")
    return [part.replace(_WITHIN, BETWEEN) for part in parts]


def _reader(name: str) -> Callable[[str], Any]:
    reader = _READERS.get(name)
    if reader is None:
        raise ValueError(f"there is no such field; there are: {', '.join(FIELDS)}")
    return reader


_READERS: Mapping[str, Callable[[str], Any]] = {
    "description": _read_description,
    "synonyms": _read_synonyms,
    "parent": _read_parent,
    "excluded": _flag,
    "manual_only": _flag,
    "min_confidence": _number,
}
#: All that can be said of a term, in the order of columns.
FIELDS = tuple(_READERS)
