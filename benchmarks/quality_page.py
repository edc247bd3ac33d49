"""The words and tables of `docs/quality.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from app.domain.evaluation.comparison import ROUNDS

Report = Mapping[str, Any]
#: Labelled pages that a site remembers (None: all) -> report.
Ages = Mapping[int | None, Report]

_LANGUAGES = {"de": "German", "en": "English", "uk": "Ukrainian"}

#: Heading -> figure.
_LABELS = {
    "MAP": "map",
    "P@1": "p_at_1",
    "P@5": "p_at_5",
    "R@5": "r_at_5",
    "F1@5": "f1_at_5",
    "F1@5 at most": "f1_at_5_ceiling",
}
_APPLIED = {
    "a page": "applied_per_page",
    "precision": "applied_precision",
    "recall": "applied_recall",
    "**F1**": "applied_f1",
    "micro precision": "applied_precision_micro",
    "micro recall": "applied_recall_micro",
    "micro F1": "applied_f1_micro",
    "F1 with suggestions": "suggested_f1",
}
_SUMMARIES = {
    "ROUGE-1": "rouge1",
    "ROUGE-2": "rouge2",
    "ROUGE-L": "rougeL",
    "words": "summary_words",
    "title said again": "title_overlap",
    "right language": "language_match",
    "invented words": "invented_words",
}
_COLD = {
    "MAP": "map",
    "P@1": "p_at_1",
    "F1@5": "f1_at_5",
    "applied F1": "applied_f1",
    "applied precision": "applied_precision",
}

_OPENING = """\
# How good the local provider is

`make quality` writes this page; do not edit it. Measured {today} on {pages} pages of
{sites} public sites (documentation of GitHub in English and German, digital.gov and 18F,
and the Ukrainian documentation of Istio, Kubernetes and Dynamics 365) with the labels and
summaries that their authors gave them: {labels} labels a page, {once} of them on no other
page of the site, so that nobody could have learned them. Each page is taken out of its
site's memory, not only out of the answer, before it is asked about. With so few pages MAP
is good to about ±0.04 and ROUGE-1 to ±0.02.
"""

_HONEST = """
**The shipped weights were fitted on these very pages, so the honest figures are
leave-one-source-out**: each site judged by weights made from the other sites alone. Those
come first in every table. The shipped weights' figures stand beside them and flatter a
little.
"""

_FLATTERED = """
**The shipped weights were fitted on these very pages, so the honest figures are
leave-one-source-out. These are missing here** (`--held-out` was not given): what follows
are the shipped weights' figures, which flatter a little.
"""

_READING = """
## How to read it

- **MAP**: of the whole order of labels, those chosen first, then the candidates passed
  over. 1 is every right label before every wrong one.
- **P@5, R@5, F1@5**: of the five likeliest. Authors give a page two labels or so, hence
  five guesses cannot all be right; `at most` is what perfect guesses would get.
- **Applied**: labels with a confidence of {apply_at} or more, five at most: what a run
  puts on the page without asking. Averages over pages (precision: over pages that get a
  label at all); `micro` counts labels over all pages.
- **F1 with suggestions**: as if a person waved every suggestion through.
- **Calibration**: of labels chosen with a confidence, as a run is told it, how many were
  right.
- **ROUGE**: F1 on lower-case words of any script, unstemmed, against the author's summary.
  It rewards saying the title again, so that is told beside it.
- **Invented words**: words of the summary that the page lacks in any form.

## Your own pages

    confluence-ai evaluate --space DOCS                 # labels of people on a live space
    confluence-ai evaluate --data pages.jsonl --json    # or pages of a file

A line of the file is a page: `id`, `title`, `body_storage`, `labels`, and where known
`source` (its site), `lang` and `summary`. Several providers are compared page by page
(`--provider local,openai`), all with the same memory. An answer that fails scores nothing:
no label and no summary. Nothing is written to the site.
"""


def write(shipped: Ages, held_out: Ages, *, today: date) -> str:
    """Return the whole page."""
    data = shipped[None]["data"]
    opening = _OPENING.format(
        today=today.isoformat(),
        pages=data["pages"],
        sites=data["sites"],
        labels=f"{data['labels_per_page']:.2f}",
        once=f"{data['labels_unseen']:.0%}",
    )
    parts = [
        opening,
        _HONEST if held_out else _FLATTERED,
        *_sections(shipped[None], held_out.get(None)),
        *_cold_start(shipped, held_out),
        _cost(shipped[None]),
        _READING.format(apply_at=shipped[None]["apply_at"]),
    ]
    return "".join(parts)


def _sections(shipped: Report, held_out: Report | None) -> Iterator[str]:
    for title, columns, marker in (
        ("Labels, likeliest first", _LABELS, "map"),
        ("Labels applied without asking", _APPLIED, "map"),
        ("Summaries", _SUMMARIES, "title_overlap"),
    ):
        yield _table(title, columns, _figures(shipped, held_out, columns, marker))
    judged = held_out or shipped
    yield _calibration(judged)
    yield _differences(judged)


def _figures(
    shipped: Report, held_out: Report | None, columns: Mapping[str, str], marker: str
) -> Iterator[list[str]]:
    """Walk the honest figures in full, the shipped ones as a whole, the baselines."""
    (judged,) = (held_out or shipped)["providers"].values()
    yield _row("**local**", judged["overall"], columns)
    for code, found in judged["lang"].items():
        yield _row(f"… {_LANGUAGES.get(code, code)}", found, columns)
    for source, found in judged["source"].items():
        yield _row(f"… {source}", found, columns)
    if held_out is not None:
        (provider,) = shipped["providers"].values()
        yield _row("local, shipped weights", provider["overall"], columns)
    for name, baseline in shipped["baselines"].items():
        if baseline["overall"][marker] is not None:
            told = f"baseline: {name.replace('_', ' ')}"
            yield _row(told, baseline["overall"], columns)


def _calibration(judged: Report) -> str:
    (provider,) = judged["providers"].values()
    overall = provider["overall"]
    rows = [
        [
            f"{one['low']:.2f} to {one['high']:.2f}",
            str(one["n"]),
            f"{one['predicted']:.2f}",
            f"{one['observed']:.2f}",
        ]
        for one in overall["calibration"]
    ]
    table = _lines(["confidence", "labels", "promised", "right"], rows)
    error = overall["calibration_error"]
    return f"\n## Calibration\n\n{table}\nExpected calibration error: {error:.3f}.\n"


def _differences(judged: Report) -> str:
    rows = [
        [
            f"{one['of']} over {one['over'].replace('_', ' ')}",
            one["measure"],
            f"{one['difference']:+.3f}",
            f"{one['low']:+.3f} to {one['high']:+.3f}",
        ]
        for one in judged["differences"]
    ]
    table = _lines(["compared", "measure", "difference", "95 % interval"], rows)
    told = f"Paired bootstrap over pages, {ROUNDS:,} rounds."
    return f"\n## What it gains over the baselines\n\n{table}\n{told}\n"


def _cold_start(shipped: Ages, held_out: Ages) -> Iterator[str]:
    def rows() -> Iterator[list[str]]:
        for age, found in (held_out or shipped).items():
            (provider,) = found["providers"].values()
            told = "all others" if age is None else str(age)
            yield _row(told, provider["overall"], _COLD)

    yield _table("Young sites", _COLD, rows(), first="labelled pages remembered")
    yield (
        "\nOf each site only so many other labelled pages are remembered, drawn anew "
        "for each\npage; the names of all of its labels are known.\n"
    )


def _cost(shipped: Report) -> str:
    (provider,) = shipped["providers"].values()
    overall = provider["overall"]
    return (
        f"\n## Time and cost\n\nA page takes {overall['p50_ms']:.0f} ms in the middle and "
        f"{overall['p95_ms']:.0f} ms at the 95th percentile\n"
        "(reading the markup and the database aside) on the machine that wrote this, "
        "costs\nnothing, and is seen by nobody else.\n"
    )


def _table(
    title: str,
    columns: Mapping[str, str],
    rows: Iterator[list[str]],
    *,
    first: str = "",
) -> str:
    return f"\n## {title}\n\n{_lines([first, *columns], list(rows))}"


def _row(name: str, found: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    return [name, *(_number(found[figure]) for figure in columns.values())]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = [list(heads), ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in ruled)
