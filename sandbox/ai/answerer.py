"""A stand-in for a model: what the prompt proposes, else what the page speaks of.

It knows little of prompts: labels to choose from are the enum of the JSON schema, a
page is what stands between two equal lines with a checksum in them, and estimates and
a draft are taken where they are given (`sandbox.ai.local_choice`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.ai.local_choice import chosen

MAX_LABELS = 3
_LEAST_WORDS = 5
_READ_CHARACTERS = 60_000
_SUMMARISED_CHARACTERS = 5_000
_SUMMARY_CHARACTERS = 300
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
#: What a line must have to be a fence: something that hardly stands twice by chance.
_FENCE = re.compile(r"[0-9a-f]{8}")
_FENCE_CHARACTERS = 100

Schema = Mapping[str, Any]


def answer(instructions: str, text: str, schema: Schema) -> dict[str, Any]:
    """Return an answer that is valid against `schema`, as far as one can be made."""
    del instructions
    proposed = chosen(text)
    page = page_text(text)[:_READ_CHARACTERS]
    filled = _fill(schema, schema)
    if not isinstance(filled, dict):
        return {}
    fields = _properties(schema)
    labels = fields.get("labels")
    if labels is not None:
        named = proposed["labels"] if proposed else None
        filled["labels"] = list(_labels(page, _resolve(labels, schema), schema, named))
    if _type(_resolve(fields.get("summary", {}), schema)) == "string":
        draft = proposed["summary"] if proposed else ""
        filled["summary"] = draft or _summary(page)
    language = _resolve(fields.get("language", {}), schema)
    if _type(language) == "string" and "enum" not in language:
        filled["language"] = _language(page)
    return filled


def page_text(text: str) -> str:
    """Return what stands inside the outermost fence, or all where there is none."""
    begins: dict[str, int] = {}
    begin = end = position = 0
    for line in text.splitlines(keepends=True):
        if len(line) <= _FENCE_CHARACTERS and _FENCE.search(line):
            opened = begins.setdefault(line.strip(), position + len(line))
            if position - opened > end - begin:
                begin, end = opened, position
        position += len(line)
    return text[begin:end] if end else text


def _labels(
    page: str,
    labels: Schema,
    root: Schema,
    proposed: Sequence[tuple[str, float]] | None,
) -> Iterator[Any]:
    """Walk labels in the schema's form: those proposed, else those the page speaks of."""
    items = _resolve(labels.get("items", {}), root)
    name = _resolve(_properties(items).get("name", items), root)
    known = [str(one) for one in name.get("enum", ())]
    if proposed is None:
        likely = _spoken_of(page, known)
        most = min(MAX_LABELS, labels.get("maxItems", MAX_LABELS))
    else:
        likely = [one for one in proposed if one[0] in known]
        most = labels.get("maxItems", len(likely))
    for label, confidence in likely[: max(0, most)]:
        if _type(items) != "object":
            yield label
            continue
        item = _fill(items, root) | {"name": label}
        if "confidence" in item:
            item["confidence"] = confidence
        if "evidence" in item:
            item["evidence"] = label.replace("-", " ")
        yield item


def _spoken_of(page: str, labels: Sequence[str]) -> list[tuple[str, float]]:
    """Return labels whose words all stand on the page, the most frequent first."""
    words = Counter(_WORD.findall(page.casefold()))
    scored = [(_score(label, words), label) for label in labels]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [
        (label, round(min(0.95, 0.5 + score / 10), 2))
        for score, label in scored
        if score > 0
    ]


def _score(label: str, words: Counter[str]) -> float:
    """Return how often a page has the words of a label; all must be there."""
    counts = [words[word] for word in _WORD.findall(label.casefold())]
    return sum(counts) / len(counts) if counts and all(counts) else 0


def _summary(page: str) -> str:
    for sentence in _SENTENCE_END.split(page[:_SUMMARISED_CHARACTERS]):
        tidy = " ".join(sentence.split())
        if len(tidy.split()) >= _LEAST_WORDS:
            return tidy[:_SUMMARY_CHARACTERS]
    return " ".join(page.split())[:_SUMMARY_CHARACTERS]


def _language(page: str) -> str:
    folded = page.casefold()
    if re.search("[іїєґ]", folded):
        return "uk"
    if re.search("[а-я]", folded):
        return "ru"
    return "de" if re.search("[äöüß]", folded) else "en"


def _properties(schema: Schema) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _resolve(schema: Any, root: Schema) -> Schema:
    """Follow references and take the first of several choices."""
    for _ in range(20):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found: Any = root
            for part in reference.removeprefix("#").strip("/").split("/"):
                found = found.get(part, {}) if isinstance(found, Mapping) else {}
            schema = found
        elif schema.get("anyOf"):
            schema = schema["anyOf"][0]
        else:
            return schema
    return {}


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if not isinstance(kind, str):
        kind = "object" if _properties(schema) else "string" if "enum" in schema else ""
    return kind.lower()


def _fill(schema: Any, root: Schema) -> Any:
    """Return the plainest value that a schema allows."""
    schema = _resolve(schema, root)
    if schema.get("enum"):
        return schema["enum"][0]
    plainest = {
        "string": "x" * schema.get("minLength", 0),
        "integer": schema.get("minimum", 0),
        "number": schema.get("minimum", 0),
        "boolean": False,
    }
    match _type(schema):
        case "object":
            return {name: _fill(of, root) for name, of in _properties(schema).items()}
        case "array":
            return [_fill(schema.get("items", {}), root)] * schema.get("minItems", 0)
        case kind:
            return schema.get("const", plainest.get(kind))
