"""Tests for the commands `vocabulary duplicates`, `different` and `merge`."""

from __future__ import annotations

import json

import pytest

from app.domain.vocabulary.terms import Term
from app.store.terms import TermStore
from tests.unit.cli.command import CommandLine


@pytest.fixture
def tenant(line: CommandLine) -> str:
    """A site whose vocabulary has two names of one thing, and two things alike."""
    found = line.new_tenant()
    for name in ("backup", "backups", "onboarding", "onbording"):
        line.write(
            lambda s, name=name: TermStore(s).put(  # type: ignore[misc]
                found, Term(name=name), origin="import"
            )
        )
    return found


class TestDuplicates:
    """Tests for `vocabulary duplicates` and `different`."""

    def test_groups_are_listed_with_their_reasons(
        self, line: CommandLine, tenant: str
    ) -> None:
        """For people and for scripts; weak ones if asked for."""
        told = line.run("vocabulary", "duplicates", tenant).stdout
        strong = line.json("vocabulary", "duplicates", tenant)
        weak = line.json("vocabulary", "duplicates", tenant, "--min", "0.5")

        assert told.splitlines()[0].split() == [
            "stays",
            "would",
            "go",
            "reason",
            "score",
        ]
        assert strong == [
            {
                "into": "backup",
                "merged": ["backups"],
                "reason": "form",
                "score": 0.95,
                "pairs": [
                    {"terms": ["backup", "backups"], "reason": "form", "score": 0.95}
                ],
            }
        ]
        assert [one["reason"] for one in weak] == ["form", "spelling"]

    def test_pair_that_is_different_stays_away(
        self, line: CommandLine, tenant: str
    ) -> None:
        """Until somebody changes their mind; both are audited."""
        line.run("vocabulary", "different", tenant, "backup", "backups")
        apart = line.json("vocabulary", "duplicates", tenant)
        said = line.run(
            "vocabulary", "different", tenant, "backups", "backup", "--forget"
        )
        again = line.run(
            "vocabulary", "different", tenant, "backup", "backups", "--json"
        )
        actions = [row["action"] for row in line.json("audit", tenant)]

        assert apart == []
        assert said.stdout.splitlines()[-1] == "backups and backup may be one"
        assert json.loads(again.stdout.splitlines()[-1]) == {
            "terms": ["backup", "backups"],
            "different": True,
        }
        assert actions[:3] == [
            "terms_called_different",
            "terms_called_alike",
            "terms_called_different",
        ]

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (("backup", "nope"), "no such term: 'nope'"),
            (("backup", "backup"), "'backup' is no pair"),
            (("backup", "backups", "--forget"), "nobody has called these"),
        ],
    )
    def test_what_is_no_pair_is_said(
        self, line: CommandLine, tenant: str, arguments: tuple[str, ...], problem: str
    ) -> None:
        """In a line, and nothing is stored."""
        result = line.run("vocabulary", "different", tenant, *arguments)

        assert result.exit_code == 1
        assert problem in result.stderr

    def test_unknown_tenant_is_said(self, line: CommandLine) -> None:
        """By all of them."""
        for arguments in (
            ("duplicates", "nope"),
            ("different", "nope", "a", "b"),
            ("merge", "nope", "a", "--into", "b"),
        ):
            assert line.run("vocabulary", *arguments).exit_code == 1
