"""Tests for the commands `tenants …` of app.cli.main."""

from __future__ import annotations

import pytest

from app.domain.modes import PolicyMode
from app.store.policies import PolicyStore
from tests.unit.cli.command import CommandLine


def policy(line: CommandLine, tenant: str, space_id: str = "") -> PolicyMode:
    return line.write(lambda s: PolicyStore(s).mode(tenant, space_id))


class TestTenants:
    """Tests for `tenants …`."""

    def test_empty_list_says_so_to_people_and_nothing_to_scripts(
        self, line: CommandLine
    ) -> None:
        """No rows are no lines."""
        assert line.run("tenants", "list").stdout == "nothing yet\n"
        assert line.json("tenants", "list") == []

    def test_every_site_is_listed(self, line: CommandLine) -> None:
        """With its id, which the other commands take."""
        tenant = line.new_tenant()

        (row,) = line.json("tenants", "list")

        assert row == {
            "tenant": tenant,
            "site": "https://a.atlassian.net",
            "cloud_id": "cloud-a",
            "status": "active",
            "stopped": None,
            "installations": [],
        }

    def test_policy_of_a_site_and_of_one_space(self, line: CommandLine) -> None:
        """The key of a space is found whatever its case; both acts are on record."""
        tenant = line.new_tenant()

        line.run("tenants", "policy", tenant, "suggest")
        line.run("tenants", "policy", tenant, "off", "--space", "docs")

        assert (policy(line, tenant), policy(line, tenant, "100")) == ("suggest", "off")
        assert [row["action"] for row in line.json("audit", tenant)] == [
            "policy_changed"
        ] * 2

    def test_policy_of_an_unknown_space_changes_nothing(
        self, line: CommandLine
    ) -> None:
        """A typo does not make a policy that nobody meets."""
        tenant = line.new_tenant()

        result = line.run("tenants", "policy", tenant, "off", "--space", "NOPE")

        assert result.exit_code == 1
        assert "no space NOPE" in result.stderr
        assert line.json("audit", tenant) == []

    def test_empty_space_is_not_the_whole_site(self, line: CommandLine) -> None:
        """A script's empty variable does not open every space for writing."""
        tenant = line.new_tenant()
        line.run("tenants", "policy", tenant, "off")

        result = line.run("tenants", "policy", tenant, "auto", "--space", "")

        assert result.exit_code != 0
        assert policy(line, tenant) == "off"

    def test_space_key_with_white_space_is_a_misuse(self, line: CommandLine) -> None:
        """It is told before anything is opened."""
        result = line.run("tenants", "policy", "t", "off", "--space", "DO CS")

        assert result.exit_code == 2
        assert "expected a space key" in result.stderr
        assert line.logs_to_stdout == []

    def test_zeros_before_a_page_id_are_dropped(self, line: CommandLine) -> None:
        """Else the entry would match no page."""
        tenant = line.new_tenant()

        line.run("tenants", "allow", tenant, "page", "007")

        assert line.json("tenants", "whitelist", tenant) == [
            {"kind": "page", "value": "7"}
        ]

    def test_whitelist_is_added_to_listed_and_taken_from(
        self, line: CommandLine
    ) -> None:
        """Twice is once; taking off what is not there is told."""
        tenant = line.new_tenant()

        for _ in range(2):
            assert line.run("tenants", "allow", tenant, "space", "DOCS").exit_code == 0
        line.run("tenants", "allow", tenant, "tree", "7")
        listed = line.json("tenants", "whitelist", tenant)
        removed = line.run("tenants", "allow", tenant, "tree", "7", "--remove")
        again = line.run("tenants", "allow", tenant, "tree", "7", "--remove")

        assert listed == [
            {"kind": "space", "value": "DOCS"},
            {"kind": "tree", "value": "7"},
        ]
        assert (removed.exit_code, again.exit_code) == (0, 1)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("space", ""),
            ("space", "DO CS"),
            ("page", ""),
            ("page", "DOCS"),
            ("page", "0"),
            ("page", "-1"),
            ("page", "٣"),
            ("tree", "x7"),
            ("tree", "9" * 5000),
        ],
        ids=lambda part: part[:8] or "empty",
    )
    def test_whitelist_entry_that_can_match_nothing_is_refused(
        self, line: CommandLine, kind: str, value: str
    ) -> None:
        """Whoever mixes up key and id hears of it at once."""
        tenant = line.new_tenant()

        result = line.run("tenants", "allow", tenant, kind, "--", value)

        assert result.exit_code == 1
        assert result.stderr.startswith("error: malformed whitelist entry: ")
        assert line.json("tenants", "whitelist", tenant) == []
