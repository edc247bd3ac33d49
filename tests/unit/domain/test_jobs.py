"""Tests for app.domain.jobs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.jobs import Defer, Done, Job, Priority

JOB = Job(
    id=1,
    tenant_id="t",
    kind="label_page",
    payload={"page_id": "7"},
    version=1,
    priority=Priority.EVENT,
    attempt=1,
    max_attempts=8,
    deferrals=0,
    lease_token="a-very-private-lease",
    leased_until=datetime(2026, 1, 1, tzinfo=UTC),
    waited=timedelta(),
)


class TestPriority:
    """Tests for app.domain.jobs.Priority."""

    def test_people_and_events_go_before_bulk(self) -> None:
        """Whoever looks at a page waits less than a run over a whole space."""
        order = sorted(Priority)

        assert order == [
            Priority.EVENT,
            Priority.PERSON,
            Priority.BULK,
            Priority.BACKGROUND,
        ]


class TestJob:
    """Tests for app.domain.jobs.Job."""

    def test_lease_token_is_not_printed(self) -> None:
        """A log line of a job does not hand out its lease."""
        assert "a-very-private-lease" not in repr(JOB)

    def test_claimed_job_is_a_value(self) -> None:
        """Nobody moves a job by changing it in memory."""
        with pytest.raises(FrozenInstanceError):
            JOB.attempt = 0  # type: ignore[misc]


class TestVerdicts:
    """Tests for the verdicts of app.domain.jobs."""

    def test_deferral_binds_the_job_alone_unless_told(self) -> None:
        """One page's wait does not stop a site."""
        assert Defer(delay=timedelta(seconds=1), reason="x").blocks == "job"

    def test_done_has_a_plain_word(self) -> None:
        """A use case need not invent an outcome."""
        assert Done().outcome == "done"
