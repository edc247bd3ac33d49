"""Tests for app.cli.tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.cli import tables

ROWS: list[dict[str, Any]] = [
    {"page": "7", "title": "Договір", "added": ["a", "b"], "run": None},
    {"page": "1234", "title": "x" * 100, "added": [], "run": 3},
]


class TestEcho:
    """Tests for app.cli.tables.echo()."""

    def test_people_get_aligned_columns(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Lists are joined, nothing is a hyphen, long text is cut."""
        tables.echo(ROWS, as_json=False)

        head, first, second = capsys.readouterr().out.splitlines()
        assert head.split() == ["page", "title", "added", "run"]
        assert first.split() == ["7", "Договір", "a,", "b", "-"]
        assert head.index("title") == first.index("Договір") == second.index("x")
        assert "…" in second

    def test_scripts_get_every_value_whole(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One JSON object a line; a moment is text."""
        rows = [*ROWS, {"at": datetime(2026, 1, 1, tzinfo=UTC)}]

        tables.echo(rows, as_json=True)

        out = capsys.readouterr().out
        decoded = [json.loads(line) for line in out.splitlines()]
        assert decoded[:2] == ROWS
        assert decoded[2]["at"].startswith("2026-01-01")
        assert "Договір" in out

    def test_text_from_a_site_cannot_break_the_table(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A title with a newline or an escape code stays in its cell."""
        tables.echo([{"title": "a\nb\x1b[2Jc"}], as_json=False)

        out = capsys.readouterr().out
        assert len(out.splitlines()) == 2
        assert "\x1b" not in out

    def test_odd_spaces_are_spaces(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Titles are full of no-break spaces, and no one need see them."""
        tables.echo([{"title": "№\xa07"}], as_json=False)

        assert capsys.readouterr().out.splitlines()[1] == "№ 7"

    def test_yes_and_no_are_shown_as_they_are_typed(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """`FIELD=true` sets what is shown as `true`."""
        tables.echo([{"value": True}, {"value": False}], as_json=False)

        assert capsys.readouterr().out.split() == ["value", "true", "false"]
