"""Tests for `policy …`: who set what, and what cannot be set."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.memory import PageMemory
from app.store.memory import MemoryStore
from tests.unit.cli.command import CommandLine


def shown(line: CommandLine, *arguments: str) -> dict[str, tuple[Any, str]]:
    """Return each field's value, and whose word it is."""
    return {
        row["field"]: (row["value"], row["set_by"])
        for row in line.json("policy", "show", *arguments)
    }


class TestShow:
    """Tests for `policy show`."""

    def test_whose_word_each_field_is(self, line: CommandLine) -> None:
        """Nobody's, the site's, the space's; single thresholds have rows of their own."""
        tenant = line.new_tenant()
        line.run("policy", "set", tenant, "max_labels=3", "mode=suggest")
        line.run(
            *("policy", "set", tenant, "--space", "DOCS"),
            *(
                "mode=auto",
                "thresholds.безпека=0.9",
                "scope.exclude_titles=^WIP,draft$",
            ),
        )

        of_space = shown(line, tenant, "--space", "docs")
        of_site = shown(line, tenant)

        assert of_space["max_labels"] == (3, "site")
        assert of_space["mode"] == ("auto", "space")
        assert of_space["thresholds.безпека"] == (0.9, "space")
        assert of_space["scope.exclude_titles"] == (["^WIP", "draft$"], "space")
        assert of_space["local_only"] == (False, "default")
        assert of_site["mode"] == ("suggest", "site")
        assert "thresholds.безпека" not in of_site

    def test_word_that_keeps_text_in_stays_the_site_s(self, line: CommandLine) -> None:
        """A space that says no to it is not heard, and is told so."""
        tenant = line.new_tenant()
        line.run("policy", "set", tenant, "local_only=true", "never_send=true")
        line.run("policy", "set", tenant, "--space", "DOCS", "local_only=no")

        found = shown(line, tenant, "--space", "DOCS")

        assert found["local_only"] == (True, "site")
        assert found["never_send"] == (True, "site")

    def test_unknown_site_and_space_are_told(self, line: CommandLine) -> None:
        """A typo shows nobody's policy."""
        tenant = line.new_tenant()

        site = line.run("policy", "show", "nobody")
        space = line.run("policy", "show", tenant, "--space", "NOPE")

        assert "no tenant nobody" in site.stderr
        assert "no space NOPE" in space.stderr


class TestSet:
    """Tests for `policy set`."""

    def test_empty_value_takes_a_field_back(self, line: CommandLine) -> None:
        """What is below holds again; both acts are on record, with before and after."""
        tenant = line.new_tenant()
        line.run("policy", "set", tenant, "max_labels=3")
        result = line.run("policy", "set", tenant, "max_labels=")

        assert "policy of the whole site: 1 set" in result.stdout
        assert shown(line, tenant)["max_labels"] == (5, "default")
        (back, _) = line.json("audit", tenant)
        assert (back["before"]["max_labels"], back["after"]["max_labels"]) == (3, 5)

    @pytest.mark.parametrize(
        ("pairs", "why"),
        [
            (("max_labels=-1", "apply_at=2", "no_such=1"), "max_labels: "),
            (("max_labels=-1", "apply_at=2", "no_such=1"), "apply_at: "),
            (("max_labels=-1", "apply_at=2", "no_such=1"), "no_such: "),
            (("scope.exclude_titles=(",), "is no pattern"),
            (("scope.exclude_titles=" + "(a{1,1000}){1,1000}",), "is no pattern"),
            (
                (
                    "scope.include_trees="
                    + ",".join("7" * 3 + str(n) for n in range(201)),
                ),
                "up to 200",
            ),
            (("providers=nobody",), "nobody"),
            (("suggest_at=0.9", "apply_at=0.5"), "nothing would ever be suggested"),
        ],
    )
    def test_bad_values_change_nothing(
        self, line: CommandLine, pairs: tuple[str, ...], why: str
    ) -> None:
        """All that is wrong is told at once."""
        tenant = line.new_tenant()

        result = line.run("policy", "set", tenant, "mode=off", *pairs)

        assert result.exit_code == 1
        assert why in result.stderr
        assert shown(line, tenant)["mode"] == ("auto", "default")

    def test_field_without_a_value_is_a_misuse(self, line: CommandLine) -> None:
        """It could mean anything."""
        result = line.run("policy", "set", "t", "mode\x1b")

        assert result.exit_code == 2
        assert "expected FIELD=VALUE, not mode\\x1b" in result.stderr

    def test_what_no_ai_may_see_is_forgotten_at_once(self, line: CommandLine) -> None:
        """By a label in any spelling, and by its space; the rest stays."""
        tenant = line.new_tenant()

        def remember(session: Any) -> None:
            for page, space, label in (
                ("1", "100", "Секрет"),
                ("2", "100", "план"),
                ("3", "200", "план"),
            ):
                memory = PageMemory(
                    page_id=page,
                    parent_id=None,
                    space_id=space,
                    language="uk",
                    weights={"план": 1.0},
                    labels=frozenset({label}),
                )
                MemoryStore(session).keep(tenant, memory, page_version=1)

        line.write(remember)

        def known() -> list[set[str]]:
            return line.write(
                lambda s: [
                    MemoryStore(s).page_ids(tenant, one) for one in ("100", "200")
                ]
            )

        line.run("policy", "set", tenant, "never_send_labels=секрет")
        by_label = known()
        line.run("policy", "set", tenant, "--space", "DOCS", "never_send=yes")

        assert by_label == [{"2"}, {"3"}]
        assert known() == [set(), {"3"}]
