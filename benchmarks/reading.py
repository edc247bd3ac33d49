"""Measures how long a page takes to read, beside the parser alone as the floor.

Run: `python -m benchmarks.reading [--kilobytes 200] [--rounds 20]`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from lxml import etree

from app.confluence.reading import read_page
from app.domain.fingerprint import content_hash
from app.domain.pages import BodyFormat, Page

_SECTION = """
<h2>Розгортання &mdash; step {n}</h2>
<p>Перед тим як <strong>продовжити</strong>, read <a href="https://example.org/{n}">the
guide</a>&nbsp;and f&uuml;hre <code>make deploy-{n}</code> aus.</p>
<ul><li><p>First of {n}</p></li><li>Second<ul><li>nested</li></ul></li></ul>
<table><tbody><tr><th>Name</th><th>Value</th></tr>
<tr><td><p>replicas</p></td><td><p>{n}</p></td></tr></tbody></table>
<ac:structured-macro ac:name="info" ac:schema-version="1"><ac:rich-text-body>
<p>Due <time datetime="2026-03-14" /> at the latest.</p></ac:rich-text-body>
</ac:structured-macro>
<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">bash</ac:parameter>
<ac:plain-text-body><![CDATA[$ kubectl get pods -n step-{n} && echo "<done>"]]>
</ac:plain-text-body></ac:structured-macro>
"""


def generate_storage(size: int) -> str:
    """Return a well-formed body of about `size` characters."""
    count = max(1, size // len(_SECTION))
    return "".join(_SECTION.replace("{n}", str(n)) for n in range(count))


def generate_adf(size: int) -> str:
    """Return a document of about `size` characters."""
    text = {"type": "text", "text": "Перед тим як продовжити, read the guide."}
    item = {"type": "listItem", "content": [{"type": "paragraph", "content": [text]}]}
    count = max(1, size // len(json.dumps(item, ensure_ascii=False)))
    content = [{"type": "bulletList", "content": [item] * count}]
    return json.dumps({"type": "doc", "content": content}, ensure_ascii=False)


def milliseconds(run: Callable[[], object], rounds: int) -> float:
    """Return the median time of `run`."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _page(body: str, body_format: BodyFormat = "storage") -> Page:
    return Page(
        id="1",
        title="Page",
        status="current",
        space_id="1",
        version=1,
        body=body,
        body_format=body_format,
    )


def main() -> None:
    """Print a line for each way of reading the same page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kilobytes", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=20)
    options = arguments.parse_args()

    storage = generate_storage(options.kilobytes * 1000)
    plain = storage.replace("&mdash;", "").replace("&nbsp;", "").replace("&uuml;", "")
    wrapped = f'<x xmlns:ac="a:" xmlns:ri="r:">{plain}</x>'.encode()
    adf = generate_adf(options.kilobytes * 1000)
    text = read_page(_page(storage))
    floor = milliseconds(lambda: etree.fromstring(wrapped), options.rounds)
    ways: dict[str, Callable[[], object]] = {
        "storage": lambda: read_page(_page(storage)),
        "storage, damaged": lambda: read_page(_page(storage + "</p>")),
        "ADF": lambda: read_page(_page(adf, "atlas_doc_format")),
        "fingerprint": lambda: content_hash(text),
    }
    print(f"{options.kilobytes} KB, median of {options.rounds}")
    print(f"{'lxml.etree.fromstring':24} {floor:8.2f} ms      1.0x")
    for name, run in ways.items():
        taken = milliseconds(run, options.rounds)
        print(f"{name:24} {taken:8.2f} ms {taken / floor:8.1f}x")


if __name__ == "__main__":
    main()
