"""Tests for app.confluence.cql."""

from __future__ import annotations

import pytest

from app.confluence.cql import MAX_QUERY, pages_only
from app.errors import WriteRefused


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", "type = page"),
        ("  ", "type = page"),
        ("label = a", "(label = a) and type = page"),
        ("label = a or label = b", "(label = a or label = b) and type = page"),
        (
            " space = X ORDER  BY title desc ",
            "(space = X) and type = page ORDER  BY title desc",
        ),
        ("order by title", "type = page order by title"),
        ('title ~ "order by"', '(title ~ "order by") and type = page'),
        (
            'title = "a \\" order by" order by id',
            '(title = "a \\" order by") and type = page order by id',
        ),
        ("title ~ 'type = x'", "(title ~ 'type = x') and type = page"),
        ("prototype = x", "(prototype = x) and type = page"),
        ("reorder byte", "(reorder byte) and type = page"),
        ("type = page", "type = page"),
        (" TYPE=blogpost or id = 1", "TYPE=blogpost or id = 1"),
        ("type != page", "type != page"),
        ("type in (page, blogpost)", "type in (page, blogpost)"),
        ("type not in (page)", "type not in (page)"),
        ("text ~ тип and label = ї", "(text ~ тип and label = ї) and type = page"),
    ],
)
def test_pages_only(query: str, asked: str) -> None:
    """Pages are asked for unless the query says itself what it asks for."""
    assert pages_only(query) == asked


def test_length() -> None:
    """What counts is the length in an address; a lone surrogate is no crash."""
    assert pages_only("x" * MAX_QUERY).startswith("(xxx")
    with pytest.raises(WriteRefused, match="too long"):
        pages_only("x" * (MAX_QUERY + 1))
    with pytest.raises(WriteRefused, match="too long"):
        pages_only("ї" * (MAX_QUERY // 6 + 1))
    assert pages_only("\ud800") == "(\ud800) and type = page"
