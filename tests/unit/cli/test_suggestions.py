"""Tests for `suggestions` and `plans show` of app.cli."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.domain.changes import Change, ItemState
from app.store.encryption import Cipher, new_key
from app.store.plan_items import NewItem, PlanItemStore
from app.store.plans import PlanStore
from tests.unit.cli.command import CommandLine

#: One item of each state that a plan which is over can have.
STATES: tuple[ItemState, ...] = ("applied", "rejected", "superseded", "waiting")


class Desk:
    """A command line with a plan: an item that waits, and what others came to."""

    def __init__(self, line: CommandLine) -> None:
        self.line = line
        self.tenant = line.new_tenant()
        cipher = line.services["cipher"] = Cipher([new_key()])

        def work(session: Session) -> tuple[int, int]:
            plan = PlanStore(session).create(self.tenant, "bulk", author="cli")
            items = [
                NewItem(
                    change=Change(
                        kind="label_add", page_id="7", value=f"label-{state}"
                    ),
                    state=state,
                    page_title="Page",
                    page_version=1,
                    space_id="100",
                )
                for state in STATES
            ]
            ids = PlanItemStore(session, cipher).add(self.tenant, plan, items)
            return plan, ids[-1]

        self.plan, self.item = line.write(work)


@pytest.fixture
def desk(line: CommandLine) -> Desk:
    """A desk."""
    return Desk(line)


class TestSuggestions:
    """Tests for `suggestions`."""

    def test_item_is_decided_once(self, desk: Desk) -> None:
        """A second word on it changes nothing, and is a failure for scripts as well."""
        words = ("suggestions", "reject", desk.tenant, str(desk.item))
        with capture_logs():
            first = desk.line.run(*words)
            second = desk.line.run(*words)
            third = desk.line.run(*words, "--json")

        assert (first.exit_code, first.stdout.splitlines()[0]) == (0, "rejected: 1")
        assert second.exit_code == third.exit_code == 1
        assert second.stderr == f"not rejected: item {desk.item} is rejected by cli\n"
        assert json.loads(third.stdout)["item"] == desk.item


class TestPlan:
    """Tests for `plans show`."""

    def test_every_change_is_counted(self, desk: Desk) -> None:
        """Those too that are neither done nor to do; what is none is not told."""
        shown = desk.line.run("plans", "show", desk.tenant, str(desk.plan))
        head, *_ = desk.line.json("plans", "show", desk.tenant, str(desk.plan))

        assert (
            f"plan {desk.plan} (bulk) is ready: 1 waiting for review, 1 done, "
            "1 rejected, 1 superseded\n" in shown.stdout
        )
        assert head["changes"] == sum(head[state] for state in STATES) == 4
        assert (head["planned"], head["approved"]) == (0, 0)

    def test_plan_without_changes_says_so(self, desk: Desk) -> None:
        """Nothing was to be done on its pages."""
        plan = desk.line.write(
            lambda s: PlanStore(s).create(desk.tenant, "bulk", author="cli")
        )

        shown = desk.line.run("plans", "show", desk.tenant, str(plan))

        assert f"plan {plan} (bulk) is ready: no changes\n" in shown.stdout
