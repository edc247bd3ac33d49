"""Tests for `tenants import-whitelist`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.cli.command import CommandLine

PAGES = [{"id": 7, "name": "a"}, {"id": "8", "name": "b", "root": True}]


def file_of(folder: Path, *spaces: Any) -> str:
    path = folder / "whitelist.json"
    path.write_text(json.dumps({"spaces": spaces}), encoding="utf-8")
    return str(path)


class TestImport:
    """From the JSON form of the tool before."""

    def test_what_the_file_names_is_added(
        self, line: CommandLine, tmp_path: Path
    ) -> None:
        """Once, however often it is imported; it is on record."""
        tenant = line.new_tenant()
        path = file_of(
            tmp_path, {"space_key": "DOCS", "pages": PAGES}, {"space_key": "X"}
        )
        line.run("tenants", "allow", tenant, "page", "7")

        trial = line.run("tenants", "import-whitelist", tenant, path, "--dry-run")
        before = line.json("tenants", "whitelist", tenant)
        first = line.run("tenants", "import-whitelist", tenant, path)
        again = line.run("tenants", "import-whitelist", tenant, path)

        assert "2 would be added, 1 were there already\n" in trial.stdout
        assert before == [{"kind": "page", "value": "7"}]
        assert "2 added, 1 were there already\n" in first.stdout
        assert "0 added, 3 were there already\n" in again.stdout
        assert line.json("tenants", "whitelist", tenant) == [
            {"kind": "page", "value": "7"},
            {"kind": "space", "value": "X"},
            {"kind": "tree", "value": "8"},
        ]
        actions = [row["action"] for row in line.json("audit", tenant)]
        assert actions == ["whitelist_imported", "whitelist_added"]

    def test_bad_file_adds_nothing(self, line: CommandLine, tmp_path: Path) -> None:
        """All that is wrong with it is told in one go."""
        tenant = line.new_tenant()
        bad = {"space_key": "A", "pages": [{"id": 1}, {"id": "x\x1b[31m"}]}
        path = file_of(tmp_path, bad, {"space_key": ""})

        result = line.run("tenants", "import-whitelist", tenant, path)

        assert result.exit_code == 1
        assert result.stderr == (
            "error: malformed whitelist: spaces[0].pages[1].id: a page is named by a "
            "page id, a positive number; spaces[1].space_key: a space is named by its "
            "key, without white space\n"
        )
        assert line.json("tenants", "whitelist", tenant) == []

    def test_unknown_site_is_told(self, line: CommandLine, tmp_path: Path) -> None:
        """And nothing is made of it."""
        path = file_of(tmp_path, {"space_key": "DOCS"})

        result = line.run("tenants", "import-whitelist", "nobody", path, "--json")

        assert (result.exit_code, result.stderr) == (1, "error: no tenant nobody\n")

    def test_rows_are_told_to_scripts(self, line: CommandLine, tmp_path: Path) -> None:
        """One line each, and nothing else."""
        tenant = line.new_tenant()
        path = file_of(tmp_path, {"space_key": "DOCS"})

        rows = line.json("tenants", "import-whitelist", tenant, path, "--dry-run")

        assert rows == [{"kind": "space", "value": "DOCS", "is_new": True}]
