"""Tests for app.ai.hints: nothing a provider writes may stop us for years."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.ai import hints
from app.ai.hints import LONGEST_WAIT
from app.domain.quota.values import DAY, MINUTE, Refusal, Shown, Violation

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012),
        ("1s", 1),
        ("6m0s", 360),
        ("23h18m29.144s", 83909.144),
        ("1h0m0.5s", 3600.5),
        ("500us", 0.0005),
        ("500µs", 0.0005),
        ("7ns", 7e-9),
        ("26s", 26),
        ("3.000000001s", 3.000000001),
        ("0s", 0),
        ("60", 60),
        ("1.5", 1.5),
        (" 2s ", 2),
        ("-5s", 0),
        ("7d", LONGEST_WAIT),
        ("8d", None),
        ("1763812800", None),
        ("", None),
        ("NaN", None),
        ("inf", None),
        ("1e9", None),
        ("soon", None),
        ("1s later", None),
        ("s", None),
        ("٣s", None),
        ("9" * 400, None),
        ("9" * 400 + "s", None),
        ("1s" * 5000, None),
    ],
)
def test_duration(text: str, seconds: float | None) -> None:
    """Go's and Protobuf's spelling; a moment or a mistake is not told."""
    found = hints.duration(text)

    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "nonsense", "retry-after": "9"}, 9),
        ({"retry-after": "9.5"}, 9.5),
        ({"retry-after": "86400"}, DAY),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "99999999999"}, LONGEST_WAIT),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00"}, 60),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Sun, 22 Nov 2099 11:00:00 GMT"}, LONGEST_WAIT),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "Infinity"}, None),
        ({"retry-after": "завтра"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds first, then seconds or a date; never below zero or a week off."""
    assert hints.retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Limit 60, Used 60. Please try again in 18.642s. Visit https://x", 18.642),
        ("Please try again in 1m3s.", 63),
        ("Please try again in 120ms. Visit", 0.12),
        ("Please try again in 7m12s", 432),
        ("Please try again in 23h18m29.1s.", 83909.1),
        ("Please retry in 10.689924287s.", 10.689924287),
        ("Please retry after 26 seconds.", 26),
        ("Try again in 2 minutes", 120),
        ("try again in 99 days", LONGEST_WAIT),
        ("Please try again in a while", None),
        ("Please try again in 5sausages", None),
        ("", None),
    ],
)
def test_told_wait(message: str, seconds: float | None) -> None:
    """A wait may stand in the sentence alone."""
    found = hints.told_wait(message)

    assert found == (None if seconds is None else pytest.approx(seconds))


def rate_headers(**others: str) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms",
        **{name.replace("_", "-"): value for name, value in others.items()},
    }


def test_shown_reads_both_units() -> None:
    """Requests and tokens, each with the time until it is full again."""
    headers = rate_headers(
        x_ratelimit_limit_tokens="200000",
        x_ratelimit_remaining_tokens="150000",
        x_ratelimit_reset_tokens="15s",
    )
    headers["x-ratelimit-limit-tokens_usage_based"] = "1"
    headers["x-ratelimit-remaining-tokens_usage_based"] = "0"

    assert hints.shown(headers) == (
        Shown(unit="requests", limit=5000, remaining=4999, reset=0.012),
        Shown(unit="tokens", limit=200000, remaining=150000, reset=15),
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("remaining", "-4", Shown(unit="requests", limit=5000, remaining=0, reset=1)),
        (
            "remaining",
            "9999",
            Shown(unit="requests", limit=5000, remaining=5000, reset=1),
        ),
        ("reset", "?", Shown(unit="requests", limit=5000, remaining=1, reset=None)),
        ("limit", "0", None),
        ("limit", "-1", None),
        ("limit", "60, 60", None),
        ("limit", "many", None),
        ("remaining", "", None),
        ("limit", "9" * 5000, None),
    ],
)
def test_shown_tolerates_garbage(name: str, value: str, expected: Shown | None) -> None:
    """A broken pair is left out, a broken reset is not told."""
    headers = {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "1s",
        f"x-ratelimit-{name}-requests": value,
    }

    assert hints.shown(headers) == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        (
            "requests",
            "Rate limit for m on requests per min (RPM): Limit 60, Used 60, Req",
            [Violation(unit="requests", window=MINUTE, limit=60)],
        ),
        (
            "tokens",
            "on tokens per min (TPM): Limit 200,000, Used 199,000, Requested 1500.",
            [Violation(unit="tokens", window=MINUTE, limit=200_000)],
        ),
        (
            "requests",
            "on requests per day (RPD): Limit: 10000 / day.",
            [Violation(unit="requests", window=DAY, limit=10_000)],
        ),
        (
            "tokens",
            "on tokens per day",
            [Violation(unit="tokens", window=DAY)],
        ),
        ("tokens", "Too many.", [Violation(unit="tokens")]),
        ("rate_limit_error", "Too many.", []),
        ("", "", []),
    ],
)
def test_told_violations(kind: str, message: str, expected: list[Violation]) -> None:
    """Unit, window and limit from the sentence; the type knows the unit at least."""
    assert list(hints.told_violations(kind, message)) == expected


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (
            {
                "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
                "quotaValue": "15",
            },
            Violation(unit="requests", window=MINUTE, limit=15),
        ),
        (
            {"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": 250},
            Violation(unit="requests", window=DAY, limit=250),
        ),
        (
            {"quotaId": "GenerateContentInputTokensPerModelPerMinute-FreeTier"},
            Violation(unit="tokens", window=MINUTE),
        ),
        (
            {"quotaMetric": "a.com/generate_content_free_tier_input_token_count"},
            Violation(unit="tokens"),
        ),
        ({"quotaValue": "15"}, None),
        ({}, None),
    ],
)
def test_named_violation(quota: dict[str, Any], expected: Violation | None) -> None:
    """Google names unit and window in the quota's id."""
    assert hints.named_violation(quota) == expected


def details(delay: str, *ids: str) -> list[Any]:
    return [
        {"violations": [{"quotaId": one, "quotaValue": "5"} for one in ids]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]


def test_day_wins_over_a_short_delay() -> None:
    """The delay beside a quota of the day is that of the minute: not believed."""
    both = details("26s", "RequestsPerMinute", "RequestsPerDay")

    refusal = hints.named_refusal(both, "Please retry in 26s.")

    assert refusal.retry_after is None
    assert refusal.violations == (
        Violation(unit="requests", window=MINUTE, limit=5),
        Violation(unit="requests", window=DAY, limit=5),
    )


@pytest.mark.parametrize(
    ("given_details", "message", "expected"),
    [
        (details("26s", "RequestsPerMinute"), "", 26),
        (details("41123s", "RequestsPerDay"), "", 41123),
        ([], "Please retry in 10.5s.", 10.5),
        ([], "Resource has been exhausted (e.g. check quota).", None),
        (["text", 5, None, {"violations": "none"}, {"retryDelay": 5}], "", None),
        ([{"violations": [None, 7, {}]}], "", None),
    ],
)
def test_named_refusal_waits(
    given_details: list[Any], message: str, expected: float | None
) -> None:
    """From the details, else from the sentence; from nonsense nothing."""
    assert hints.named_refusal(given_details, message).retry_after == expected


def test_doubled_violations_count_once() -> None:
    """Google lists a quota once for each of its dimensions."""
    twice = details("1s", "RequestsPerMinute", "RequestsPerMinute")

    assert len(hints.named_refusal(twice, "").violations) == 1
    assert hints.named_refusal([], "") == Refusal()


@given(st.text(max_size=200))
def test_no_text_breaks_a_reader(text: str) -> None:
    """Whatever stands in a header or a sentence: a sane number or nothing."""
    headers = dict.fromkeys(("retry-after", "retry-after-ms", *rate_headers()), text)
    waits = (
        hints.duration(text),
        hints.told_wait(f"try again in {text}"),
        hints.retry_after(headers, NOW),
    )

    assert all(one is None or 0 <= one <= LONGEST_WAIT for one in waits)
    assert all(one.limit > 0 for one in hints.shown(headers))
    assert isinstance(hints.told_violations(text, text), tuple)
