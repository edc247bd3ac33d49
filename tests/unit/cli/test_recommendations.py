"""Tests for app.cli.recommendations, but for `make`, which needs a site."""

from __future__ import annotations

import json

import pytest

from app.domain.advice.findings import Finding
from app.domain.advice.told import Advised
from app.store.encryption import Cipher, new_key
from app.store.findings import FindingStore, Look
from tests.unit.cli.command import CommandLine

#: Ends a line, clears the screen, turns the text round.
HOSTILE = "Стрічки\x1b[2J\r\n\u202eevil"


@pytest.fixture
def tenant(line: CommandLine) -> str:
    """A tenant with two findings on a page of hostile words."""
    cipher = Cipher([new_key()])
    line.services["cipher"] = cipher
    tenant_id = line.new_tenant()
    found = [
        Finding(
            kind="outdated",
            signal="unfinished",
            severity=2,
            heading=HOSTILE,
            passage=HOSTILE,
        ),
        Finding(kind="unclear_title", signal="copy", severity=1, place="title"),
    ]
    look = Look(
        page_id="7",
        space_id="100",
        title=HOSTILE,
        found=[Advised(finding=one, advice=f"Mend {HOSTILE}") for one in found],
    )
    line.write(lambda s: FindingStore(s, cipher).keep(tenant_id, look))
    return tenant_id


def key_of(line: CommandLine, tenant: str, kind: str) -> str:
    (row,) = line.json("recommendations", "list", tenant, "--kind", kind)
    return str(row["key"])


class TestList:
    """Tests for `recommendations list`."""

    def test_severest_first(self, line: CommandLine, tenant: str) -> None:
        """Scripts get everything."""
        rows = line.json("recommendations", "list", tenant)

        assert [row["kind"] for row in rows] == ["outdated", "unclear_title"]
        assert rows[0]["passage"] == rows[0]["section"] == HOSTILE

    def test_narrowed(self, line: CommandLine, tenant: str) -> None:
        """By space, severity and number."""

        def listed(*options: str) -> int:
            return len(line.json("recommendations", "list", tenant, *options))

        assert listed("--space", "DOCS") == 2
        assert listed("--severity", "2") == 1
        assert listed("--limit", "1") == 1

    def test_what_is_not_there_is_told(self, line: CommandLine, tenant: str) -> None:
        """A space, a tenant, a kind."""
        for arguments in ((tenant, "--space", "X"), ("none",), (tenant, "--kind", "x")):
            assert line.run("recommendations", "list", *arguments).exit_code != 0

    def test_no_word_of_a_page_steers_the_terminal(
        self, line: CommandLine, tenant: str
    ) -> None:
        """In the table and in the whole."""
        for command in (("list", tenant, "--all"), ("show", tenant, "7")):
            printed = line.run("recommendations", *command).stdout

            assert not any(one in printed for one in "\x1b\r\u202e")
            assert "Стрічки\\x1b[2J" in printed


class TestShow:
    """Tests for `recommendations show`."""

    def test_each_with_its_passage(self, line: CommandLine, tenant: str) -> None:
        """Line by line; a page without findings says so."""
        printed = line.run("recommendations", "show", tenant, "7").stdout
        lines = printed.splitlines()

        assert lines[0].startswith("outdated-")
        assert lines[0].endswith("severity 2, open")
        assert [one.split(":")[0].strip() for one in lines[2:4]] == [
            "section",
            "passage",
        ]
        assert len(lines) == 6
        assert len(line.json("recommendations", "show", tenant, "7")) == 2
        empty = line.run("recommendations", "show", tenant, "8")
        assert empty.stdout == "nothing yet\n"


class TestDismiss:
    """Tests for `recommendations dismiss`."""

    def test_waved_aside(self, line: CommandLine, tenant: str) -> None:
        """It is listed no more but with all, and the audit knows."""
        key = key_of(line, tenant, "unclear_title")

        printed = line.run("recommendations", "dismiss", tenant, "7", key).stdout
        again = line.run("recommendations", "dismiss", tenant, "7", key, "--json")

        assert f"{key}  severity 1, dismissed" in printed.splitlines()
        assert json.loads(again.stdout.splitlines()[-1])["state"] == "dismissed"
        assert len(line.json("recommendations", "list", tenant)) == 1
        everything = line.json("recommendations", "list", tenant, "--all")
        assert {row["state"] for row in everything} == {"open", "dismissed"}
        (audited, _) = line.json("audit", tenant)
        assert (audited["action"], audited["page"]) == ("finding_dismissed", "7")

    def test_unknown_one_is_told(self, line: CommandLine, tenant: str) -> None:
        """By name."""
        result = line.run("recommendations", "dismiss", tenant, "7", "x")

        assert result.exit_code == 1
        assert "there is no finding x on page 7" in result.stderr


class TestMake:
    """Tests for what `recommendations make` and `plan` refuse."""

    @pytest.mark.parametrize(
        "options",
        [
            (),
            ("--page", "7", "--space", "DOCS"),
            ("--page", "7", "--resume", "1"),
            ("--resume", "1", "--post"),
        ],
    )
    def test_pages_are_named_one_way(
        self, line: CommandLine, tenant: str, options: tuple[str, ...]
    ) -> None:
        """And a plan that goes on does what it was begun for."""
        result = line.run("recommendations", "make", tenant, *options)

        assert result.exit_code == 2
        assert "Usage" in result.stderr

    def test_plan_that_is_not_there_is_told(
        self, line: CommandLine, tenant: str
    ) -> None:
        """Before any site is asked."""
        result = line.run("recommendations", "make", tenant, "--resume", "9")

        assert (result.exit_code, "no plan 9" in result.stderr) == (1, True)
