"""Tests for app.worker.retry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import errors
from app.clock import utc_now
from app.domain.jobs import Defer, Discarded, Failed, Job, Retry, Verdict
from app.worker.retry import backoff, verdict_of

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def job(**changes: Any) -> Job:
    fields: dict[str, Any] = {
        "id": 1,
        "tenant_id": "t",
        "kind": "label_page",
        "payload": {},
        "version": 1,
        "priority": 0,
        "attempt": 1,
        "max_attempts": 3,
        "deferrals": 0,
        "lease_token": "l",
        "leased_until": datetime(2026, 1, 1, tzinfo=UTC),
        "waited": timedelta(),
    }
    return Job(**(fields | changes))


#: Every leaf of the error tree -> the kind of verdict that follows at attempt 1 of 3.
VERDICTS: dict[errors.AppError, type[Verdict]] = {
    errors.PageGone(): Discarded,
    errors.PageOutOfReach(): Discarded,
    errors.TenantInactive(): Discarded,
    errors.CredentialsMissing("i"): Defer,
    errors.BudgetExceeded("the site's day", until=utc_now() + MINUTE): Defer,
    errors.PageTooExpensive("the site's day"): Failed,
    errors.Stopped("by ops"): Defer,
    errors.RateLimited("confluence", "429"): Defer,
    errors.Unavailable("confluence", "503"): Retry,
    errors.CredentialsRefused("confluence", "401"): Retry,
    errors.AccessChanged(): Retry,
    errors.VersionConflict("confluence", "409"): Retry,
    errors.ContractBroken("confluence", "no id"): Failed,
    errors.ConfigurationError(["A: bad"]): Failed,
    errors.NotAuthenticated("x"): Failed,
    errors.NotFound("x"): Failed,
    errors.TermsRefused(["x"]): Failed,
    errors.PayloadTooLarge(1): Failed,
    errors.Conflict("decided already"): Failed,
    errors.WriteRefused("such a title is taken"): Failed,
    errors.MarkupAmbiguous("two blocks of one name"): Failed,
    errors.ProviderBusy("openai", "429", kind="rate_limited"): Defer,
    errors.ProviderDown("openai", "503", kind="overloaded"): Defer,
    errors.ProviderMisconfigured("openai", "401", kind="authentication"): Defer,
    errors.AnswerUnusable("openai", "no JSON", kind="malformed"): Retry,
    errors.QuestionRefused("openai", "400", kind="bad_request"): Retry,
}


def leaves(kind: type[errors.AppError]) -> set[type[errors.AppError]]:
    """Return the classes below `kind` that have none below them."""
    # An adapter's own refinements are decided with the error that they refine.
    below = [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    return {leaf for sub in below for leaf in leaves(sub)} if below else {kind}


class TestVerdictOf:
    """Tests for app.worker.retry.verdict_of()."""

    @pytest.mark.parametrize(
        ("error", "expected"),
        VERDICTS.items(),
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_kind_of_failure_decides(
        self, error: errors.AppError, expected: type[Verdict]
    ) -> None:
        """Time cures, nobody's failure waits, the rest needs a human."""
        assert type(verdict_of(error, job())) is expected

    def test_table_is_complete(self) -> None:
        """A new error without a decision fails here."""
        decided = {type(error) for error in VERDICTS}

        assert decided == leaves(errors.AppError)

    @pytest.mark.parametrize(
        "error",
        [
            errors.Unavailable("confluence", "503"),
            errors.VersionConflict("confluence", "409"),
            errors.CredentialsRefused("confluence", "401"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_last_attempt_becomes_a_dead_letter_that_tells_why(
        self, error: errors.AppError
    ) -> None:
        """The operator reads the name and the reason."""
        verdict = verdict_of(error, job(attempt=3))

        assert verdict == Failed(error=f"{type(error).__name__}: {error}")

    @pytest.mark.parametrize(
        "error",
        [errors.RateLimited("confluence", "429"), errors.CredentialsMissing("i")],
        ids=lambda error: type(error).__name__,
    )
    def test_waiting_never_becomes_a_dead_letter(self, error: errors.AppError) -> None:
        """A quota or a missing token spends no attempt, however often it happens."""
        verdict = verdict_of(error, job(attempt=3, deferrals=500))

        assert isinstance(verdict, Defer)
        assert verdict.delay <= 75 * MINUTE

    @pytest.mark.parametrize(
        ("scope", "blocks"),
        [("global", "everyone"), ("tenant", "tenant"), ("burst", "job")],
    )
    def test_rate_limit_binds_whom_it_names(self, scope: Any, blocks: str) -> None:
        """One endpoint's burst does not stop a site, and a site not the app."""
        error = errors.RateLimited("confluence", "429", scope=scope)

        verdict = verdict_of(error, job())

        assert isinstance(verdict, Defer)
        assert (verdict.blocks, verdict.reason) == (blocks, "rate_limited")

    def test_rate_limit_waits_as_long_as_told_and_little_longer(self) -> None:
        """Never sooner than told; not all at the same moment."""
        error = errors.RateLimited("confluence", "429", retry_after=30 * SECOND)

        waits = [verdict_of(error, job()) for _ in range(50)]

        delays = {wait.delay for wait in waits if isinstance(wait, Defer)}
        assert len(delays) > 1
        assert all(30 * SECOND <= delay <= 36 * SECOND for delay in delays)

    def test_rate_limit_without_a_time_backs_off_by_deferrals(self) -> None:
        """Told nothing, the wait grows each time."""
        error = errors.RateLimited("confluence", "429")

        late = verdict_of(error, job(deferrals=9))

        assert isinstance(late, Defer)
        assert late.delay >= 10 * MINUTE

    def test_missing_token_makes_the_tenant_wait_for_the_next(self) -> None:
        """A token wakes it; the wait ends by itself should its arrival be missed."""
        verdict = verdict_of(errors.CredentialsMissing("i"), job())

        assert isinstance(verdict, Defer)
        assert (verdict.blocks, verdict.reason) == ("token", "credentials")
        assert verdict.delay >= 10 * MINUTE

    def test_conflict_is_tried_again_within_seconds(self) -> None:
        """Somebody edits: read again soon."""
        verdict = verdict_of(errors.VersionConflict("confluence", "409"), job())

        assert isinstance(verdict, Retry)
        assert verdict.delay <= 5 * SECOND

    def test_retry_waits_at_least_as_long_as_the_service_asked(self) -> None:
        """A 503 with Retry-After is taken at its word."""
        error = errors.Unavailable("confluence", "503", retry_after=40 * MINUTE)

        verdict = verdict_of(error, job())

        assert isinstance(verdict, Retry)
        assert verdict.delay >= 40 * MINUTE


#: What keeps an AI from answering though nobody's page is at fault.
WAITS = [
    errors.ProviderBusy("openai", "429", kind="quota_wait"),
    errors.ProviderDown("gemini", "503", kind="server_error"),
    errors.ProviderMisconfigured("openai", "401", kind="authentication"),
]


class TestProviders:
    """What follows from an AI that does not answer."""

    @pytest.mark.parametrize("error", WAITS, ids=lambda error: error.kind)
    def test_page_alone_waits_and_is_told_why(
        self, error: errors.ProviderError
    ) -> None:
        """Other work of the tenant goes on: it may need no AI."""
        verdict = verdict_of(error, job())

        assert isinstance(verdict, Defer)
        assert (verdict.blocks, verdict.reason) == ("job", f"provider_{error.kind}")

    @pytest.mark.parametrize("error", WAITS, ids=lambda error: error.kind)
    def test_outage_never_becomes_a_dead_letter(
        self, error: errors.ProviderError
    ) -> None:
        """However long it lasts, no attempt is used up, and the wait stays bounded."""
        verdict = verdict_of(error, job(attempt=3, deferrals=10_000))

        assert isinstance(verdict, Defer)
        assert verdict.delay <= 25 * MINUTE

    def test_wait_is_as_long_as_told_and_a_little_longer(self) -> None:
        """A day's quota is waited for, and not all pages come back at once."""
        day = timedelta(hours=20)
        error = errors.ProviderBusy(
            "gemini", "429", kind="quota_of_the_day", retry_after=day
        )

        waits = [verdict_of(error, job()) for _ in range(50)]

        delays = {wait.delay for wait in waits if isinstance(wait, Defer)}
        assert len(delays) > 1
        assert all(day <= delay <= day + timedelta(minutes=1) for delay in delays)

    def test_short_hint_does_not_end_the_backing_off(self) -> None:
        """Who was put back nine times does not come again in a second."""
        error = errors.ProviderBusy(
            "openai", "429", kind="rate_limited", retry_after=SECOND
        )

        late = verdict_of(error, job(deferrals=9))

        assert isinstance(late, Defer)
        assert late.delay >= 10 * MINUTE

    @pytest.mark.parametrize(
        "error",
        [
            errors.AnswerUnusable("openai", "refused", kind="refused"),
            errors.QuestionRefused("gemini", "too long", kind="too_long"),
        ],
        ids=lambda error: error.kind,
    )
    def test_page_that_nobody_can_answer_ends_as_a_dead_letter(
        self, error: errors.ProviderError
    ) -> None:
        """Waiting helps nobody here: should it come this far, tries are counted."""
        assert isinstance(verdict_of(error, job(attempt=1)), Retry)
        assert isinstance(verdict_of(error, job(attempt=3)), Failed)


class TestBackoff:
    """Tests for app.worker.retry.backoff()."""

    @pytest.mark.parametrize(
        ("step", "middle"),
        [
            (0, 5 * SECOND),
            (1, 10 * SECOND),
            (4, 80 * SECOND),
            (7, 640 * SECOND),
            (8, 15 * MINUTE),
            (10_000, 15 * MINUTE),
        ],
    )
    def test_wait_doubles_up_to_a_quarter_of_an_hour(
        self, step: int, middle: timedelta
    ) -> None:
        """Jitter of three tenths each way spreads the load."""
        waits = [backoff(step) for _ in range(50)]

        assert all(0.7 * middle <= wait <= 1.3 * middle for wait in waits)
        assert len(set(waits)) > 1
