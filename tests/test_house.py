"""The house keeps its own rules; each rule is first shown a source that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.settings import Settings
from app.store.tables import TenantRow
from app.web.routes import routes
from tests import house
from tests.house import Module

ROOT = Path(__file__).parents[1]
Rule = Callable[[Module], list[str]]

#: Classes whose tables belong to a tenant, as the tables themselves say.
TENANT_ROWS = frozenset(
    mapper.class_.__name__
    for mapper in TenantRow.registry.mappers
    if "tenant_id" in mapper.local_table.c
)

#: Functions that look across tenants, and why they may.
ACROSS_TENANTS = {
    "app.store.job_statements.due_heads": "fairness chooses between tenants",
    "app.store.jobs.JobStore._claim_heads": "leases what fairness chose",
    "app.store.jobs.JobStore.hasten": "an AI provider is back for everybody",
    "app.store.jobs.JobStore.rescue": "lapsed leases are found whoever they serve",
    "app.store.jobs._fenced": "id, lease token and state are narrower than a tenant",
    "app.store.budgets.BudgetStore.prune": "housekeeping by age",
    "app.store.queue_health.QueueHealthStore.read": "counts only, for the operator",
    "app.store.queue_health.QueueHealthStore.prune": "housekeeping by age",
    "app.store.queue_health._batch": "housekeeping by age",
    "app.store.installations.InstallationStore.by_forge_installation": (
        "finds the tenant by what the host sent"
    ),
    "app.store.installations.InstallationStore.tenant_of": (
        "asks which tenant an installation belongs to by now"
    ),
    "app.store.installations.InstallationStore._row": (
        "finds the tenant by what the host sent"
    ),
    "app.store.installations.InstallationStore.keep_token": (
        "the key begins with an installation that was found for its tenant"
    ),
    "app.store.receipts.ReceiptStore.expired": "housekeeping by age",
    "app.store.gates.GateStore._now": "asks for the time alone",
}

#: Routes for people and monitors, and for frames that name the path themselves.
OWN_PATHS = ("/health", "/metrics", "/ui/api")


def modules(*folders: str) -> list[Module]:
    """Read every module below some folders."""
    return [
        Module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts),
            path.read_text("utf-8"),
        )
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def broken(rule: Rule, *folders: str) -> list[str]:
    return [finding for module in modules(*folders) for finding in rule(module)]


def bad(text: str) -> Module:
    return Module("app.store.bad", text)


class TestSources:
    """Rules about source text."""

    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            (house.long_modules, "x = 1\n" * 401),
            (house.long_functions, "def f():\n" + "    x = 1\n" * 60),
            (house.long_functions, "class A:\n  async def f(s):\n" + "    x\n" * 60),
            (house.long_handlers, "async def f(request):\n" + "    x = 1\n" * 15),
            (house.silent_tests, "def test_x():\n    pass"),
            (
                house.silent_tests,
                "class T:\n    async def test_x(self):\n        x = 1",
            ),
            (house.empty_names, "class PageManager: ..."),
            (house.empty_names, "def page_utils(): ..."),
            (house.empty_names, "class A:\n    def helper(self): ..."),
            (house.missing_future, "x = 1"),
            (house.prints, "def f():\n    print(1)"),
            (house.stray_sql, "import sqlalchemy as sa"),
            (house.stray_sql, "from sqlalchemy import select"),
            (house.stray_sql, "from sqlalchemy.orm import Session, joinedload"),
            (house.stray_sql, "import sqlite3"),
            (house.stray_sql, "def f(s):\n    return s.scalar(query)"),
        ],
    )
    def test_rule_can_fail(self, rule: Rule, text: str) -> None:
        """A rule that finds nothing in a bad source would prove nothing."""
        assert len(rule(bad(text))) == 1

    def test_name_of_a_module_is_a_name_too(self) -> None:
        """A file called `utils` is found, one called `outlines` is not."""
        found = [
            house.empty_names(Module(name, ""))
            for name in ("app.utils", "app.page_helper", "app.outlines")
        ]

        assert [len(one) for one in found] == [1, 1, 0]

    @pytest.mark.parametrize(
        ("rule", "folders"),
        [
            (house.long_modules, ("app", "sandbox", "benchmarks")),
            (house.long_functions, ("app", "sandbox", "benchmarks")),
            (house.long_handlers, ("app/web",)),
            (house.silent_tests, ("tests",)),
            (house.empty_names, ("app", "sandbox", "benchmarks", "tests")),
            (
                house.missing_future,
                ("app", "sandbox", "benchmarks", "tests", "migrations"),
            ),
        ],
        ids=lambda value: getattr(value, "__name__", None) or " ".join(value),
    )
    def test_rule_holds(self, rule: Rule, folders: list[str]) -> None:
        """Nothing in the house breaks it."""
        assert broken(rule, *folders) == []

    def test_only_the_store_speaks_sql(self) -> None:
        """Use cases hand a session on; nobody else even knows of one."""
        found = [
            finding
            for module in modules("app")
            if not module.name.startswith("app.store.")
            for finding in house.stray_sql(module)
        ]

        assert found == []

    def test_only_the_command_line_prints(self) -> None:
        """Everything else logs."""
        found = [
            finding
            for module in modules("app")
            if not module.name.startswith("app.cli.")
            for finding in house.prints(module)
        ]

        assert found == []

    def test_rules_look_at_something(self) -> None:
        """A moved folder does not make every rule hold."""
        for folder in ("app", "app/web", "sandbox", "benchmarks", "tests"):
            assert len(modules(folder)) > 5


class TestTenantScope:
    """Every query on a tenant's table names the tenant."""

    @pytest.mark.parametrize(
        "text",
        [
            "sa.select(RunRow)",
            "sa.select(RunRow.id).where(RunRow.page_id == p).limit(1)",
            "select(RunRow)",
            "sa.update(JobRow).values(tenant_id=t)",
            "sa.delete(EventRow).where(EventRow.id.in_(ids)).returning(EventRow.id)",
            "sa.select(sa.func.count()).select_from(JobRow)",
            "sa.select(TenantRow).join(RunRow, RunRow.id == 1)",
            "sa.delete(table).where(key.in_(some))",
            "session.get(PageMemoryRow, page_id)",
            "session.get_one(JobRow, job_id)",
            "sa.select(RunRow.tenant_id).order_by(RunRow.tenant_id)",
        ],
    )
    def test_query_without_its_tenant_is_found(self, text: str) -> None:
        """Whichever way it is written."""
        module = bad(f"def f():\n    return {text}")

        found = house.unscoped_queries(module, TENANT_ROWS, ())

        assert len(found) == 1
        assert found[0].startswith("app.store.bad.f: ")

    @pytest.mark.parametrize(
        "text",
        [
            "sa.select(RunRow).where(RunRow.page_id == p, RunRow.tenant_id == t)",
            "sa.select(RunRow).where(RunRow.page_id == p).where(RunRow.tenant_id == t)",
            "sa.select(TenantRow).where(TenantRow.id == t)",
            "sa.delete(table).where(table.c.tenant_id == t)",
            "session.get(PageMemoryRow, (tenant_id, page_id))",
            "session.get(TenantRow, tenant_id)",
            "seen.update(RunRow)",
            "payload.get('page')",
        ],
    )
    def test_query_with_its_tenant_is_left_alone(self, text: str) -> None:
        """No false alarm, which would teach people to add exemptions."""
        module = bad(f"def f():\n    return {text}")

        assert house.unscoped_queries(module, TENANT_ROWS, ()) == []

    def test_tenant_tables_are_known_from_the_tables(self) -> None:
        """The list is not kept by hand."""
        assert {"JobRow", "RunRow", "TokenRow", "LedgerRow"} <= TENANT_ROWS
        assert "TenantRow" not in TENANT_ROWS

    def test_every_query_names_its_tenant(self) -> None:
        """But for those that look across tenants, each with its reason."""
        found = [
            finding
            for module in modules("app")
            for finding in house.unscoped_queries(module, TENANT_ROWS, ACROSS_TENANTS)
        ]

        assert found == []

    def test_no_exemption_outlives_its_need(self) -> None:
        """A function that names its tenant by now is taken off the list."""
        needed = {
            name
            for module in modules("app")
            for name in house.exempt_queries(module, TENANT_ROWS)
        }

        assert set(ACROSS_TENANTS) - needed == set()


def _forge_calls() -> Iterator[tuple[str, str]]:
    text = (ROOT / "descriptor/forge/manifest.yml").read_text("utf-8")
    for endpoint in yaml.safe_load(text)["modules"]["endpoint"]:
        if "route" in endpoint:
            yield "POST", endpoint["route"]["path"]


def _connect_calls() -> Iterator[tuple[str, str]]:
    text = (ROOT / "atlassian-connect.json").read_text("utf-8")
    descriptor = json.loads(text)
    yield "GET", descriptor["links"]["self"].removeprefix("{{base_url}}")
    for url in descriptor["lifecycle"].values():
        yield "POST", url
    for kind, listed in descriptor["modules"].items():
        for module in listed if isinstance(listed, list) else [listed]:
            yield "POST" if kind == "webhooks" else "GET", module["url"]


async def _nothing(request: Request) -> Response:
    del request
    return Response()


class TestRoutes:
    """What hosts are told to call and what answers are the same."""

    def test_call_without_a_route_is_found(self) -> None:
        """A wrong path and a wrong method alike."""
        there = [Route("/a", _nothing, methods=["POST"])]
        calls = [("POST", "/a"), ("GET", "/a"), ("POST", "/b?x={y}")]

        assert house.missing_routes(calls, there) == ["GET /a", "POST /b?x={y}"]

    def test_route_without_a_call_is_found(self) -> None:
        """A door that nobody was told of."""
        there = [Route("/a/{x}", _nothing), Route("/b", _nothing)]

        assert house.unnamed_routes([("GET", "/a/1?q=2")], there) == ["/b"]

    @pytest.mark.parametrize("calls", [_forge_calls, _connect_calls])
    def test_every_call_of_a_host_has_a_route(
        self, calls: Callable[[], Iterator[tuple[str, str]]]
    ) -> None:
        """An app that installs is an app that answers."""
        listed = list(calls())

        assert len(listed) > 3
        assert house.missing_routes(listed, routes()) == []

    def test_every_route_for_hosts_is_told_to_them(self) -> None:
        """Nothing answers hosts that no descriptor names."""
        for_hosts: list[BaseRoute] = [
            route
            for route in routes()
            if not getattr(route, "path", "").startswith(OWN_PATHS)
        ]

        told = [*_forge_calls(), *_connect_calls()]
        assert house.unnamed_routes(told, for_hosts) == []


class TestPapers:
    """Files beside the source."""

    def test_unequal_example_is_found(self) -> None:
        """Missing, unknown and doubled variables."""
        found = house.unequal_settings("# B=1\nA=1\nA=2\nC=\n", {"a", "b"})

        assert found == ["C: is no setting", "B: is not shown", "A: is shown twice"]

    def test_example_shows_every_setting(self) -> None:
        """Whoever copies it has them all, and none that is refused."""
        example = (ROOT / ".env.example").read_text("utf-8")

        assert house.unequal_settings(example, Settings.model_fields) == []

    def test_requirement_without_a_reason_is_found(self) -> None:
        """A comment on the next line, or none at all, is no reason."""
        project = (
            '[project]\ndependencies = [\n  "a>=1", # adds\n  "b",\n  # why\n]\n'
            '[project.optional-dependencies]\ndev = ["c"]\n'
        )

        assert house.unexplained_dependencies(project) == ["b", "c"]

    def test_every_requirement_has_its_reason(self) -> None:
        """Nothing is installed because it always was."""
        project = (ROOT / "pyproject.toml").read_text("utf-8")

        assert house.unexplained_dependencies(project) == []

    @pytest.mark.parametrize(
        "line",
        [
            "--index-url https://mirror.example/simple",
            "--extra-index-url x",
            "a @ https://example.com/a.whl",
            "a @ file:///a.whl",
            "    # via -r /home/somebody/requirements.in",
            "--find-links wheels",
        ],
    )
    def test_place_in_a_lock_is_found(self, line: str) -> None:
        """Where a package came from today is nobody else's business."""
        assert house.foreign_places(f"a==1 \\\n{line}\n") == [line.strip()]

    @pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
    def test_python_locks_name_no_place(self, name: str) -> None:
        """Any index that has the hashes will do."""
        assert house.foreign_places((ROOT / name).read_text("utf-8")) == []

    def test_node_lock_names_no_place(self) -> None:
        """Packages by version and hash, without the registry of the day."""
        lock: dict[str, Any] = json.loads(
            (ROOT / "descriptor/package-lock.json").read_text("utf-8")
        )

        packages = {name: one for name, one in lock["packages"].items() if name}
        assert packages
        assert [name for name, one in packages.items() if "resolved" in one] == []
        assert [name for name, one in packages.items() if "integrity" not in one] == []
