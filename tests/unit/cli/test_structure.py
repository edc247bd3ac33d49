"""Outlines as they are drawn on a terminal."""

from __future__ import annotations

from app.cli.structure import drawn
from app.domain.outline.outline import Line


class TestDrawn:
    """Tests for drawn()."""

    def test_rails(self) -> None:
        """They go on where more of their level follows, and nowhere else."""
        lines = (
            Line(depth=0, page_id="1", title="Home", below=5),
            Line(depth=1, page_id="2", title="A", below=2),
            Line(depth=2, page_id="3", title="B", mark="moved"),
            Line(depth=2, page_id=None, title="C", mark="new"),
            Line(depth=1, page_id="4", title="D"),
            Line(depth=2, page_id="5", title="E"),
            Line(depth=0, page_id="6", title="Other"),
        )

        assert list(drawn(lines)) == [
            "Home (5)",
            "├── A (2)",
            "│   ├── → B",
            "│   └── + C",
            "└── D",
            "    └── E",
            "Other",
        ]

    def test_nothing(self) -> None:
        """An empty space has no lines."""
        assert list(drawn(())) == []
