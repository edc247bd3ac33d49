"""Tests for app.domain.selection: which pages somebody means."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.selection import MOST_PAGES, Selection, SelectionKind
from app.errors import MalformedPayload


class TestOf:
    """Tests for Selection.of()."""

    @pytest.mark.parametrize(
        ("kind", "values", "expected"),
        [
            ("pages", ("7", "8", "7"), ("7", "8")),
            ("pages", (" 7 ",), ("7",)),
            ("pages", ("9" * 19,), ("9" * 19,)),
            ("tree", ("7",), ("7",)),
            ("space", ("ЕН",), ("ЕН",)),
            ("cql", ("x" * 2000,), ("x" * 2000,)),
        ],
    )
    def test_what_can_be_looked_up(
        self, kind: SelectionKind, values: tuple[str, ...], expected: tuple[str, ...]
    ) -> None:
        """Doubled ids count once, blanks around them not at all."""
        assert Selection.of(kind, *values).values == expected

    @pytest.mark.parametrize(
        ("kind", "values", "told"),
        [
            ("pages", (), "pages: nothing is named"),
            ("pages", ("7", " "), "pages: nothing is named"),
            ("cql", ("",), "cql: nothing is named"),
            ("tree", ("7", "8"), "tree: expected one, not several"),
            ("pages", ("7", "x"), "'x' is no page id"),
            ("pages", ("0",), "'0' is no page id"),
            ("pages", ("٣",), "'٣' is no page id"),
            ("tree", ("-7",), "'-7' is no page id"),
            ("pages", ("9" * 20,), f"'{'9' * 20}' is no page id"),
            ("space", ("A B",), "a space key has no white space"),
            ("cql", ("x" * 2001,), "a query has at most 2000 characters"),
        ],
    )
    def test_what_can_mean_nothing_is_refused(
        self, kind: SelectionKind, values: tuple[str, ...], told: str
    ) -> None:
        """With the reason."""
        with pytest.raises(MalformedPayload) as caught:
            Selection.of(kind, *values)

        assert caught.value.reason == told

    def test_list_of_pages_has_an_end(self) -> None:
        """A script that names more means a space."""
        ids = [str(n) for n in range(1, MOST_PAGES + 1)]

        assert len(Selection.of("pages", *ids).values) == MOST_PAGES
        with pytest.raises(MalformedPayload, match="more than 10000 pages"):
            Selection.of("pages", *ids, str(MOST_PAGES + 1))


class TestJson:
    """A selection as it is stored."""

    @pytest.mark.parametrize(
        "selection",
        [Selection.of("pages", "7", "8"), Selection.of("cql", "label = 'ключ'")],
    )
    def test_comes_back_as_it_was(self, selection: Selection) -> None:
        """Whatever kind it is."""
        assert Selection.from_json(selection.as_json()) == selection

    @pytest.mark.parametrize("value", [{}, {"run_id": 7}])
    def test_other_plans_name_no_pages(self, value: dict[str, Any]) -> None:
        """An undo's selection is none of ours."""
        with pytest.raises(MalformedPayload, match="names no pages"):
            Selection.from_json(value)
