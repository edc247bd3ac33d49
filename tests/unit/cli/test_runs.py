"""Tests for the commands `runs` and `audit` of app.cli.main."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.clock import utc_now
from app.store.encryption import Cipher, new_key
from app.store.jobs import JobStore
from app.store.receipts import ReceiptStore
from app.store.runs import NewRun, RunStore
from tests.unit.cli.command import CommandLine


class TestRuns:
    """Tests for `runs` and `audit`."""

    @pytest.fixture
    def tenant(self, line: CommandLine) -> str:
        """A tenant with three runs of two pages, and audit rows of one."""
        tenant_id = line.new_tenant()
        cipher = line.services["cipher"] = Cipher([new_key()])

        def work(session: Session) -> None:
            runs = RunStore(session)
            run_id = None
            for page in ("7", "8", "7"):
                run = NewRun(
                    page_id=page,
                    outcome="written",
                    started_at=utc_now(),
                    receipt={"added": ["дизайн"], "removed": ["старе"]},
                )
                run_id = runs.add(tenant_id, run)
                receipts = ReceiptStore(session, cipher)
                sealed = receipts.seal({"answer": {"summary": "Речення. " * 20}})
                receipts.keep(tenant_id, run_id, sealed, space_id="100", days=1)
            runs.audit(
                tenant_id,
                actor="app",
                action="page_written",
                page_id="7",
                run_id=run_id,
                before={"labels": []},
                after={"added": ["дизайн"]},
            )

        line.write(work)
        return tenant_id

    def test_runs_are_listed_newest_first(self, line: CommandLine, tenant: str) -> None:
        """Scripts get everything, in plain letters."""
        rows = line.json("runs", tenant)

        assert [row["page"] for row in rows] == ["7", "8", "7"]
        assert rows[0]["run"] > rows[1]["run"]
        assert rows[0]["added"] == ["дизайн"]
        assert rows[0]["removed"] == ["старе"]
        assert "дизайн" in line.run("runs", tenant, "--json").stdout

    def test_list_may_be_said_or_left_out(self, line: CommandLine, tenant: str) -> None:
        """Options may come first; the help leads to all that can be done with runs."""
        plain = line.json("runs", tenant)

        assert line.json("runs", "list", tenant) == plain
        assert line.json("runs", "--page", "7", tenant) == [plain[0], plain[2]]
        for told in (line.run("runs", "--help"), line.run("runs", "-h")):
            for word in ("list", "replay", "receipts show", "receipts export", "undo"):
                assert word in told.stdout

    def test_summary_is_told_while_its_receipt_is_kept(
        self, line: CommandLine, tenant: str
    ) -> None:
        """Afterwards the run is listed without it."""
        before = line.json("runs", tenant)
        line.services["cipher"] = Cipher([new_key()])

        after = line.json("runs", tenant)

        assert before[0]["summary"] == "Речення. " * 20
        assert [row["summary"] for row in after] == [None] * 3

    def test_runs_of_one_page_and_a_limit(self, line: CommandLine, tenant: str) -> None:
        """Both narrow the list."""
        assert len(line.json("runs", tenant, "--page", "7")) == 2
        assert len(line.json("runs", tenant, "--limit", "1")) == 1
        assert line.json("runs", tenant, "--page", "nope") == []

    def test_table_keeps_to_its_columns(self, line: CommandLine, tenant: str) -> None:
        """A long summary is cut, an absent value is a hyphen."""
        table = line.run("runs", tenant).stdout.splitlines()

        assert table[0].split()[:4] == ["run", "at", "page", "version"]
        assert len(table) == 4
        assert all(len(row) < 200 for row in table)
        assert "…" in table[1]

    def test_other_tenants_runs_are_not_shown(
        self, line: CommandLine, tenant: str
    ) -> None:
        """Not even by the same page id."""
        other = line.new_tenant("b")

        assert line.json("runs", other, "--page", "7") == []
        assert line.json("audit", other) == []
        assert len(line.json("audit", tenant)) == 1

    def test_dead_letter_is_seen_and_retried(
        self, line: CommandLine, tenant: str
    ) -> None:
        """Once: then it is no dead letter any more; the act is on record."""

        def bury(session: Session) -> int:
            jobs = JobStore(session)
            jobs.enqueue(tenant, "label_page", "7", payload={"page_id": "7"})
            (job,) = jobs.claim(limit=1, lease=timedelta(minutes=1))
            jobs.finish(job, state="failed", outcome="failed", error="зламалось")
            return job.id

        job_id = line.write(bury)

        (dead,) = line.json("runs", tenant, "--failed")
        retried = line.run("runs", tenant, "--retry", str(job_id), "--json")
        again = line.run("runs", tenant, "--retry", str(job_id))

        assert (dead["job"], dead["error"]) == (job_id, "зламалось")
        assert (retried.exit_code, again.exit_code) == (0, 1)
        assert f'{{"job": {job_id}, "state": "ready"}}' in retried.stdout
        assert line.json("runs", tenant, "--failed") == []
        assert line.json("audit", tenant)[0]["action"] == "job_retried"

    @pytest.mark.parametrize("number", ["0", "-1", "99", "9" * 30])
    def test_job_that_is_not_there_is_told(
        self, line: CommandLine, tenant: str, number: str
    ) -> None:
        """However the number looks."""
        result = line.run("runs", tenant, f"--retry={number}")

        assert result.exit_code in {1, 2}
        assert not isinstance(result.exception, OverflowError)
        assert result.stderr != ""
