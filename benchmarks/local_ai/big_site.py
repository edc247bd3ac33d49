"""What a site of 5,000 pages costs: time to rank a page, and memory of the process.

`python -m benchmarks.local_ai.big_site --data pages.jsonl [--pages 5000]`

The pages are made of real ones: each takes the paragraphs, headings and labels of three
pages of one site, drawn at random but alike in every run.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from app.domain.memory import PageMemory, SiteMemory
from app.domain.pages import PageText
from app.domain.ranking import consult
from app.domain.stems import weigh
from benchmarks.local_ai.samples import Sample, load

#: Real pages that lend a part to each made one, and paragraphs taken from each.
LENDERS = 3
TAKEN = 12
ASKED = 60
CHANGED = 50


def main() -> None:
    """Build, measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--pages", type=int, default=5_000)
    chosen = options.parse_args()
    sites = load(chosen.data)
    texts = dict(_asked(sites))
    # A first question warms up what is compiled and cached once a process.
    consult(SiteMemory.build(made_pages(sites, 50)), next(iter(texts.values())))
    gc.collect()
    before = _resident()
    began = time.process_time()
    memory = SiteMemory.build(made_pages(sites, chosen.pages))
    took = time.process_time() - began
    gc.collect()
    print(f"pages {len(memory.traces)}, labels {len(memory.labels)}")
    print(f"learned in {took:.1f} s (stemming included)")
    print(f"process grew by {(_resident() - before) / 1e6:.1f} MB")
    times = sorted(_milliseconds(memory, text) for text in texts.values())
    print(
        f"rank: median {times[len(times) // 2]:.1f} ms, "
        f"p95 {times[int(len(times) * 0.95)]:.1f} ms, worst {times[-1]:.1f} ms"
    )
    changed = list(made_pages(sites, CHANGED))
    for some in (changed[:1], changed):
        began = time.process_time()
        memory.changed(some)
        milliseconds = (time.process_time() - began) * 1000
        print(f"{len(some)} changed pages followed in {milliseconds:.0f} ms")
    del memory
    gc.collect()
    tracemalloc.start()
    memory = SiteMemory.build(made_pages(sites, chosen.pages))
    gc.collect()
    held, most = tracemalloc.get_traced_memory()
    print(
        f"tracemalloc: {len(memory.traces)} pages held in {held / 1e6:.1f} MB, "
        f"peak {most / 1e6:.1f} MB"
    )


def made_pages(
    sites: Mapping[str, Sequence[Sample]], count: int
) -> Iterator[PageMemory]:
    """Make `count` pages out of real ones; the first of the lenders gives the title."""
    chance = random.Random(count)
    names = sorted(sites)
    for number in range(count):
        site = chance.choice(names)
        lenders = chance.sample(list(sites[site]), LENDERS)
        text = _mixed(lenders, chance)
        yield PageMemory(
            page_id=str(100_000 + number),
            parent_id=str(number % 97),
            space_id=site,
            language=lenders[0].language,
            title=text.title,
            weights=weigh(text),
            labels=lenders[0].labels,
        )


def _mixed(lenders: Sequence[Sample], chance: random.Random) -> PageText:
    paragraphs = [
        paragraph
        for lender in lenders
        for paragraph in chance.sample(
            lender.text.paragraphs, min(TAKEN, len(lender.text.paragraphs))
        )
    ]
    headings = [text for lender in lenders for text in lender.text.headings[:3]]
    return PageText(
        title=lenders[0].text.title,
        paragraphs=tuple(paragraphs),
        headings=tuple(headings),
    )


def _asked(sites: Mapping[str, Sequence[Sample]]) -> Iterator[tuple[str, PageText]]:
    chance = random.Random(7)
    everything = [sample for samples in sites.values() for sample in samples]
    for sample in chance.sample(everything, min(ASKED, len(everything))):
        yield sample.id, sample.text


def _milliseconds(memory: SiteMemory, text: PageText) -> float:
    began = time.process_time()
    consult(memory, text)
    return (time.process_time() - began) * 1000


def _resident() -> int:
    """Return the process's memory in bytes, as Linux counts it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


if __name__ == "__main__":
    main()
