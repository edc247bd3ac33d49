"""Tests for app.domain.changes: whose mode decides, what two costs come to."""

from __future__ import annotations

from typing import get_args

import pytest

from app.domain.changes import AGENTS, Change, ChangeKind, Estimate


class TestBy:
    """Tests for Change.by."""

    @pytest.mark.parametrize(
        ("kind", "agent"),
        [
            ("label_remove", "tagging"),
            ("excerpt", "summary"),
            ("comment", "recommendation"),
            ("page_trash", "structure"),
        ],
    )
    def test_kind_decides_whose_mode_is_obeyed(
        self, kind: ChangeKind, agent: str
    ) -> None:
        """Unless another agent is named."""
        assert Change(kind=kind, page_id="7").by == agent
        assert Change(kind=kind, page_id="7", agent="summary").by == "summary"

    def test_no_kind_is_without_an_agent(self) -> None:
        """None would be written past its guard."""
        assert set(AGENTS) == set(get_args(ChangeKind))


class TestEstimate:
    """Tests for Estimate.__add__()."""

    def test_all_parts_add_up(self) -> None:
        """One after the other."""
        one = Estimate(pages=1, tokens=20, micro_usd=300, points=4, seconds=0.5)
        other = Estimate(pages=2, tokens=30, micro_usd=400, points=5, seconds=1.5)

        assert one + other == Estimate(
            pages=3, tokens=50, micro_usd=700, points=9, seconds=2.0
        )
