"""Tests for app.usecases.record_run.Run: what it says of a run that was stopped."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.changes import Change
from app.domain.pages import Page
from app.domain.policy import Policy
from app.errors import Stopped
from app.usecases.decide_page import Decision
from app.usecases.record_run import Run
from app.usecases.writing.work import Write
from tests.integration.usecases.asking import ANY, a_page, text_of


def decision(page: Page) -> Decision:
    return Decision(page=page, text=text_of(page), policy=Policy(), vocabulary=ANY)


class TestFail:
    """Tests for Run.fail()."""

    def test_what_was_written_before_the_stop_stays_written(self) -> None:
        """Only what was still to come is skipped: the next look says it anew."""
        done, open_ = (
            Write(change=Change(kind="label_add", page_id="7", value=name))
            for name in ("a", "b")
        )
        done.apply()
        run = Run(
            page_id="7",
            started_at=datetime(2026, 11, 29, tzinfo=UTC),
            cause="event",
            decision=decision(a_page()),
            writes=[done, open_],
        )

        run.fail(Stopped("by olena"))

        assert (done.outcome, done.reason) == ("applied", "")
        assert (open_.outcome, open_.reason) == ("skipped", "stopped")
