"""Tests for app.confluence.waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.confluence.waits import limit_scope, quota_wait, retry_after
from tests.unit.confluence.doubles import NOW


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1847", 1847),
        (" 0 ", 0),
        ("1.5", 1.5),
        ("Mon, 02 Mar 2026 10:00:30 GMT", 30),
        ("Mon, 02 Mar 2026 10:00:30 -0000", 30),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0),
        ("999999999", 86_400),
        ("Mon, 02 Mar 2099 10:00:30 GMT", 86_400),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    """Seconds and dates are understood, within a day."""
    assert retry_after({"retry-after": value}, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9", "٣", "9" * 400, "nan"])
def test_nonsense_asks_for_nothing(value: str) -> None:
    """A header that says nothing clear is no header."""
    assert retry_after({"retry-after": value}, NOW) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "2026-03-02T11:00:00Z"}, 3600),
        ({"x-ratelimit-reset": "2026-03-02T10:00:05"}, 5),
        ({"x-ratelimit-reset": "2026-03-02T11:30:00+02:00"}, 0),
        ({"retry-after": "7", "x-ratelimit-reset": "2026-03-02T11:00:00Z"}, 7),
        ({"retry-after": "0", "x-ratelimit-reset": "2026-03-02T11:00:00Z"}, 0),
        ({"x-ratelimit-reset": "later"}, None),
        ({}, None),
    ],
)
def test_quota_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Without Retry-After, the moment of the quota's reset counts."""
    expected = None if seconds is None else timedelta(seconds=seconds)

    assert quota_wait(headers, NOW) == expected


@pytest.mark.parametrize(
    ("reason", "scope"),
    [
        ("confluence-quota-global-based", "global"),
        ("conf-global-based", "global"),
        ("confluence-quota-tenant-based", "tenant"),
        ("confluence-burst-based", "burst"),
        ("CONFLUENCE-BURST-BASED", "burst"),
        ("something-new", "tenant"),
        ("", "tenant"),
    ],
)
def test_limit_scope(reason: str, scope: str) -> None:
    """A part of the reason tells whom the limit binds."""
    assert limit_scope({"ratelimit-reason": reason}) == scope
