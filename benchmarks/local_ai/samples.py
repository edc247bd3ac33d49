"""Labelled pages of public sites, as the measurements of this directory read them.

A line of the JSONL file is one page: `id`, `source` (the site), `lang`, `title`,
`body_storage`, `labels` (put there by people), `summary` (written by people), `path`,
`label_origin` (`front-matter` for real labels, `section` for folder names).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from app.confluence.reading import read_page
from app.domain.memory import PageMemory
from app.domain.pages import Page, PageText
from app.domain.stems import weigh

#: The only origin of labels that a page tree may be judged with: labels made from
#: folder names would be given away by the siblings.
REAL_LABELS = "front-matter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One page with what people wrote about it."""

    id: str
    source: str
    language: str
    text: PageText = field(repr=False)
    labels: frozenset[str]
    summary: str
    folder: str | None

    def remembered(self, *, tree: bool) -> PageMemory:
        """Return the page as a site memory keeps it, with its folder as the parent."""
        return PageMemory(
            page_id=self.id,
            parent_id=self.folder if tree else None,
            space_id=self.source,
            language=self.language,
            title=self.text.title,
            weights=weigh(self.text),
            labels=self.labels,
        )


def load(path: Path) -> dict[str, list[Sample]]:
    """Read a JSONL file; return its samples by source, in the file's order."""
    sites: defaultdict[str, list[Sample]] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                sample = _sample(json.loads(line))
                sites[sample.source].append(sample)
    return dict(sites)


def vocabularies(path: Path, sites: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read `vocab.json` beside the data: every label of each whole site, if known."""
    if not path.exists():
        return dict.fromkeys(sites, ())
    known: Mapping[str, Iterable[str]] = json.loads(path.read_text(encoding="utf-8"))
    return {site: tuple(known.get(site, ())) for site in sites}


def _sample(line: Mapping[str, Any]) -> Sample:
    page = Page(
        id=line["id"],
        title=line["title"],
        status="current",
        space_id=line["source"],
        version=1,
        body=line["body_storage"],
    )
    real = line["label_origin"] == REAL_LABELS
    return Sample(
        id=line["id"],
        source=line["source"],
        language=line["lang"],
        text=read_page(page),
        labels=frozenset(line["labels"]),
        summary=line["summary"],
        folder=_folder(line["path"]) if real else None,
    )


def _folder(path: str) -> str:
    place = PurePosixPath(path)
    # Hugo's `index.md` and `_index.md` stand for the folder they lie in.
    own = place.parent if place.stem.lstrip("_") == "index" else place
    return str(own.parent)
