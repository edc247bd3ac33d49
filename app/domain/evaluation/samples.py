"""Pages that people labelled and summed up: what a provider is held against.

A line of the data is one page as a JSON object: `id`, `title`, `body_storage` and
`labels`, and where known `source` (its site), `lang` and `summary`. Other fields are
left alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.languages import detect
from app.domain.memory import PageMemory
from app.domain.pages import Page, PageText
from app.domain.stems import weigh
from app.errors import MalformedPayload

#: The site of pages that do not name theirs.
ONLY_SITE = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One page with what people wrote about it.

    Attributes:
        source: The site it stands on.
        labels: Those that people put there; empty on pages that are only remembered.
        summary: A person's, or empty.
    """

    id: str
    source: str
    language: str
    text: PageText = field(repr=False)
    labels: frozenset[str]
    summary: str = ""
    parent_id: str | None = None

    def remembered(self) -> PageMemory:
        """Return the page as a site memory keeps it."""
        return PageMemory(
            page_id=self.id,
            parent_id=self.parent_id,
            space_id=self.source,
            language=self.language,
            title=self.text.title,
            weights=weigh(self.text),
            labels=self.labels,
        )


def read_samples(
    name: str, lines: Iterable[str], read_page: Callable[[Page], PageText]
) -> list[Sample]:
    """Read the lines of a data file called `name`, in their order.

    Raises:
        MalformedPayload: A line that is no page (it is named by its number), an id
            that came before, no page at all, or none with a label.
    """
    found: dict[str, tuple[int, Sample]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            sample = _sample(_object(line), read_page)
        except ValueError as error:
            raise MalformedPayload(name, f"line {number}: {error}") from error
        if sample.id in found:
            reason = (
                f"line {number}: id {sample.id} is that of line {found[sample.id][0]}"
            )
            raise MalformedPayload(name, reason)
        found[sample.id] = number, sample
    samples = [sample for _, sample in found.values()]
    if not samples:
        raise MalformedPayload(name, "it holds no page")
    if not any(sample.labels for sample in samples):
        raise MalformedPayload(name, "no page has a label: there is nothing to measure")
    return samples


def read_vocabulary(
    name: str, text: str, sources: Collection[str]
) -> dict[str, frozenset[str]]:
    """Read a file of every site's labels: `{source: {label: definition}}`.

    Raises:
        MalformedPayload: It is something else, or names a source without a page.
    """
    try:
        vocabulary = _object(text)
        found = {source: _names(listed) for source, listed in vocabulary.items()}
    except ValueError as error:
        raise MalformedPayload(name, str(error)) from error
    if strangers := sorted(found.keys() - set(sources)):
        reason = f"no page is of the source {', '.join(strangers)}"
        raise MalformedPayload(name, reason)
    return found


def _object(text: str) -> Mapping[str, Any]:
    try:
        # Half a surrogate is JSON but no text: nobody could print it.
        decoded = json.loads(text)
        json.dumps(decoded, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("half a surrogate pair in a string") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg}, column {error.colno})") from error
    if not isinstance(decoded, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the data is at fault
    return decoded


def _sample(line: Mapping[str, Any], read_page: Callable[[Page], PageText]) -> Sample:
    source = _text(line, "source", ONLY_SITE)
    page = Page(
        id=_text(line, "id"),
        title=_text(line, "title"),
        status="current",
        space_id=source,
        version=1,
        body=_text(line, "body_storage"),
    )
    text = read_page(page)
    if text.is_empty:
        raise ValueError(f"page {page.id} has no text")
    if "labels" not in line:
        raise ValueError("labels: missing")
    return Sample(
        id=page.id,
        source=source,
        language=_text(line, "lang", "") or detect(f"{text.title}\n{text.text}"),
        text=text,
        labels=_names(line["labels"]),
        summary=_text(line, "summary", ""),
    )


def _text(line: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = line.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (default is None and not value.strip()):
        problem = "missing" if key not in line else "expected text"
        raise ValueError(f"{key}: {problem}")
    return value


def _names(listed: Any) -> frozenset[str]:
    """Return label names from a list, or from the keys of an object."""
    return frozenset(_checked(listed))


def _checked(listed: Any) -> Iterator[str]:
    if not isinstance(listed, list | dict):
        raise ValueError("labels: expected a list of names")  # noqa: TRY004 - as above
    for name in listed:
        if not isinstance(name, str) or not name.strip():
            raise ValueError("labels: expected names, each a text")
        yield name
