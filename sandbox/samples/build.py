"""Chooses the sample pages out of a larger set: `python build.py INPUT.jsonl`.

The input has one page a line with id, source, licence, lang, title, body_storage,
labels, summary and area. Chosen are pages whose labels come up on several pages, so
that labels can be learned from the site; one in four is marked to stay without.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

#: Pages to take of each source.
_WANTED = {"github-docs-en": 24, "github-docs-de": 14, "istio-uk": 14, "k8s-uk": 8}
_KEPT = (
    "id",
    "source",
    "licence",
    "lang",
    "title",
    "body_storage",
    "labels",
    "summary",
    "area",
)
_LARGEST_BODY_BYTES = 24_000
#: So many pages are wanted of each label that pages are chosen by.
_PAGES_A_LABEL = 4
_PAGES_TO_LEARN_FROM = 2
_ONE_UNLABELLED_IN = 4


def _size(row: Row) -> int:
    return len(row["body_storage"].encode())


def choose(rows: list[Row], wanted: int) -> list[Row]:
    """Return `wanted` short pages of one source, taken in turn from its labels."""
    fitting = sorted(
        (row for row in rows if _size(row) <= _LARGEST_BODY_BYTES),
        key=lambda row: (_size(row), row["id"]),
    )
    counts = Counter(label for row in fitting for label in row["labels"])
    by_use = sorted(counts, key=lambda label: (-counts[label], label))
    common = by_use[: wanted // _PAGES_A_LABEL]
    queues = [[row for row in fitting if label in row["labels"]] for label in common]
    chosen: dict[str, Row] = {}
    while len(chosen) < wanted and any(queues):
        for queue in queues:
            while queue and queue[0]["id"] in chosen:
                del queue[0]
            if queue and len(chosen) < wanted:
                row = queue.pop(0)
                chosen[row["id"]] = row
    return sorted(chosen.values(), key=lambda row: row["id"])


def mark_unlabelled(rows: list[Row]) -> list[Row]:
    """Return the rows with `labelled`, false where labels can be learned elsewhere."""
    left = Counter(label for row in rows for label in row["labels"])
    quota = len(rows) // _ONE_UNLABELLED_IN
    marked = []
    for row in rows:
        # Half of its labels must stay on two other pages, or nothing can be learned.
        known = sum(left[label] > _PAGES_TO_LEARN_FROM for label in row["labels"])
        drop = quota > 0 and 2 * known >= len(row["labels"])
        if drop:
            quota -= 1
            left.subtract(row["labels"])
        marked.append({**{key: row[key] for key in _KEPT}, "labelled": not drop})
    return marked


def build(rows: list[Row]) -> list[Row]:
    """Return the sample rows, source by source; titles are unique."""
    sample: list[Row] = []
    titles: set[str] = set()
    for source, wanted in _WANTED.items():
        fresh = [
            row
            for row in rows
            if row["source"] == source and row["title"].casefold() not in titles
        ]
        chosen = mark_unlabelled(choose(fresh, wanted))
        titles.update(row["title"].casefold() for row in chosen)
        sample.extend(chosen)
    return sample


def main() -> int:
    """Write `docs.jsonl` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", type=Path)
    options = parser.parse_args()
    # Not splitlines: page text may hold other line separators.
    lines = options.input.read_text(encoding="utf-8").split("\n")
    sample = build([json.loads(line) for line in lines if line.strip()])
    target = Path(__file__).with_name("docs.jsonl")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in sample)
    target.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(sample)} pages, {len(text.encode())} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
