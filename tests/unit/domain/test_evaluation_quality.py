"""Tests for benchmarks.quality: the page of figures says where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.outlooks import FEATURES
from app.domain.ranking_weights import SHIPPED
from app.domain.summary_weights import SENTENCE_WEIGHTS
from benchmarks import quality
from tests.unit.domain.evaluated import DATA, VOCABULARY


def written(folder: Path, *arguments: str) -> str:
    out = folder / "quality.md"
    quality.main(
        [
            *("--data", str(DATA), "--vocabulary", str(VOCABULARY)),
            *("--out", str(out), *arguments),
        ]
    )
    return out.read_text("utf-8")


@pytest.fixture
def held_out(tmp_path: Path) -> str:
    """A file of weights for each site; the shipped ones will do here."""
    weights = {
        "labels": {
            "always": {name: SHIPPED.always.get(name, 0.0) for name in FEATURES},
            "learned": dict(SHIPPED.learned),
        },
        "sentences": dict(SENTENCE_WEIGHTS),
    }
    path = tmp_path / "weights.json"
    sources = ("digitalgov-en", "github-docs-de", "istio-uk")
    path.write_text(json.dumps(dict.fromkeys(sources, weights)), encoding="utf-8")
    return str(path)


def test_flattering_figures_are_called_so(tmp_path: Path) -> None:
    """Without weights that never saw the site there is nothing honest to show."""
    text = written(tmp_path)

    assert "These are missing here" in text
    assert "local, shipped weights" not in text


def test_honest_figures_stand_first(tmp_path: Path, held_out: str) -> None:
    """With the shipped ones beside them: here both are the same."""
    text = written(tmp_path, "--held-out", held_out)

    rows = [line.split(" | ") for line in text.splitlines() if "local" in line]
    honest = [row[1:] for row in rows if row[0] == "| **local**"]
    shipped = [row[1:] for row in rows if row[0] == "| local, shipped weights"]
    assert len(honest) == 3
    assert honest == shipped
    assert "22 pages of\n3 sites" in text.replace("3 public sites", "3 sites")


def test_tables_are_whole(tmp_path: Path, held_out: str) -> None:
    """Every row has as many cells as its head, and every part is there."""
    text = written(tmp_path, "--held-out", held_out)

    for part in text.split("\n\n"):
        widths = {line.count("|") for line in part.splitlines() if line[:1] == "|"}
        assert len(widths) <= 1, part
    for title in ("Calibration", "Young sites", "Summaries", "How to read it"):
        assert f"\n## {title}\n" in text


def test_weights_of_another_model_are_refused(tmp_path: Path, held_out: str) -> None:
    """Figures made with half the features would be neither honest nor flattering."""
    path = Path(held_out)
    weights = json.loads(path.read_text("utf-8"))
    del weights["istio-uk"]["labels"]["always"]["vote"]
    path.write_text(json.dumps(weights), encoding="utf-8")

    with pytest.raises(SystemExit, match="without istio-uk are of another model"):
        written(tmp_path, "--held-out", held_out)
