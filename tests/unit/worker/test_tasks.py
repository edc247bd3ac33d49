"""Tests for app.worker.tasks."""

from __future__ import annotations

from typing import get_args

from app.domain.jobs import JobKind
from app.worker.tasks import TASKS


class TestTasks:
    """Tests for app.worker.tasks.TASKS."""

    def test_every_kind_of_job_has_a_task(self) -> None:
        """Nothing can be enqueued that nobody can do."""
        assert set(TASKS) == set(get_args(JobKind))
