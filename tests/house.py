"""The rules of the house as functions of source text: each returns what breaks it.

Nothing here reads a file or imports the program; `tests/test_house.py` hands over
the files, and first proves on a bad little source that each rule can fail.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

from starlette.routing import BaseRoute, Match, Route

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_HANDLER_LINES = 15

#: Words that say nothing about what a thing is for.
_EMPTY_WORDS = frozenset({"manager", "helper", "helpers", "util", "utils"})
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FUTURE = "from __future__ import annotations"
_STATEMENTS = frozenset({"select", "update", "delete"})
_LIBRARY = frozenset({"sa", "sqlalchemy", "sql"})
_WHERES = frozenset({"where", "filter", "having"})
_SESSION_CALLS = frozenset({"execute", "scalar", "scalars", "exec_driver_sql"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted name, its path for people, its text."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.text)

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Walk every function with its qualified name."""
        yield from _functions(self.tree, self.name)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}.{child.name}"
            if isinstance(child, Function):
                yield name, child
            yield from _functions(child, name)
        else:
            yield from _functions(child, prefix)


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def long_modules(module: Module) -> list[str]:
    """A module one can read in a sitting."""
    lines = len(module.text.splitlines())
    over = lines > MAX_MODULE_LINES
    return [f"{module.name}: {lines} lines"] if over else []


def long_functions(module: Module) -> list[str]:
    """A function one can see at once."""
    return [
        f"{name}: {_length(function)} lines"
        for name, function in module.functions()
        if _length(function) > MAX_FUNCTION_LINES
    ]


def long_handlers(module: Module) -> list[str]:
    """A handler reads, calls one use case, answers."""
    return [
        f"{name}: {_length(function)} lines"
        for name, function in module.functions()
        if isinstance(function, ast.AsyncFunctionDef)
        and [one.arg for one in function.args.args] == ["request"]
        and _length(function) > MAX_HANDLER_LINES
    ]


def silent_tests(module: Module) -> list[str]:
    """A test says what it shows."""
    return [
        name
        for name, function in module.functions()
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]


def empty_names(module: Module) -> list[str]:
    """A name says what a thing is for."""
    named = [module.name, *(name for name, _ in module.functions())]
    named += [
        f"{module.name}.{node.name}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    return [
        name
        for name in named
        if _EMPTY_WORDS & {word.lower() for word in _WORDS.findall(name)}
    ]


def missing_future(module: Module) -> list[str]:
    """Annotations are text in every module."""
    return [] if not module.text or _FUTURE in module.text else [module.name]


def prints(module: Module) -> list[str]:
    """Only the command line prints."""
    return [
        f"{module.name}:{node.lineno}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def stray_sql(module: Module) -> list[str]:
    """SQL is spoken in the store alone; others may name a session."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [f"import {a.name}" for a in node.names if _is_sql(a.name)]
        elif isinstance(node, ast.ImportFrom) and _is_sql(node.module or ""):
            names = {alias.name for alias in node.names}
            if node.module != "sqlalchemy.orm" or names != {"Session"}:
                found.append(f"from {node.module} import {', '.join(sorted(names))}")
        elif isinstance(node, ast.Call) and _is_session_call(node.func):
            found.append(f"a statement in line {node.lineno}")
    return [f"{module.name}: {what}" for what in found]


def _is_session_call(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and called.attr in _SESSION_CALLS


def _is_sql(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in {
        "sqlalchemy",
        "sqlite3",
        "asyncpg",
        "psycopg",
    }


def unscoped_queries(
    module: Module, tenant_rows: Collection[str], allowed: Collection[str]
) -> list[str]:
    """A query on a tenant's table names the tenant in its conditions.

    A statement on a table that is only a variable counts too: what cannot be seen
    to be harmless is not. Reading one row by its key must hold the tenant as well.
    """
    found = []
    for name, call in _queries(module, tenant_rows):
        if name not in allowed:
            found.append(f"{name}: {ast.unparse(call)[:60]}")
    return found


def exempt_queries(module: Module, tenant_rows: Collection[str]) -> set[str]:
    """Return the functions that would break the rule: an exemption must be needed."""
    return {name for name, _ in _queries(module, tenant_rows)}


def _queries(
    module: Module, tenant_rows: Collection[str]
) -> Iterator[tuple[str, ast.Call]]:
    tree = module.tree
    parents = {
        child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
    }
    names = {function: name for name, function in _functions(tree, module.name)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if _is_unscoped(node, parents, tenant_rows):
            yield _owner(node, parents, names) or module.name, node


def _is_unscoped(
    call: ast.Call, parents: Mapping[ast.AST, ast.AST], tenant_rows: Collection[str]
) -> bool:
    verb = _called(call)
    arguments = {n for argument in call.args for n in _mentioned(argument)}
    if verb in {"get", "get_one"} and arguments & set(tenant_rows):
        return "tenant_id" not in arguments
    if verb not in _STATEMENTS or not call.args or not _is_bare(call):
        return False
    links = list(_chain(call, parents))
    if any(_mentions_tenant(link) for link in links if _called(link) in _WHERES):
        return False
    linked = {
        n for link in links for argument in link.args for n in _mentioned(argument)
    }
    if linked & set(tenant_rows):
        return True
    return not any(name.endswith("Row") for name in linked)


def _is_bare(call: ast.Call) -> bool:
    """Whether it is `select(…)` or `sa.select(…)`, and not a set's `update(…)`."""
    func = call.func
    if isinstance(func, ast.Attribute):
        return isinstance(func.value, ast.Name) and func.value.id in _LIBRARY
    return isinstance(func, ast.Name)


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _chain(call: ast.Call, parents: Mapping[ast.AST, ast.AST]) -> Iterator[ast.Call]:
    """Walk from `select(…)` outwards over `.where(…)`, `.order_by(…)` and the rest."""
    yield call
    attribute = parents.get(call)
    outer = parents.get(attribute) if isinstance(attribute, ast.Attribute) else None
    if isinstance(outer, ast.Call) and outer.func is attribute:
        yield from _chain(outer, parents)


def _mentions_tenant(call: ast.Call) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "tenant_id"
        for argument in call.args
        for node in ast.walk(argument)
    )


def _mentioned(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _owner(
    node: ast.AST, parents: Mapping[ast.AST, ast.AST], names: Mapping[Function, str]
) -> str | None:
    at: ast.AST | None = node
    while at is not None and not (isinstance(at, Function) and at in names):
        at = parents.get(at)
    return names[at] if isinstance(at, Function) else None


def missing_routes(
    calls: Iterable[tuple[str, str]], routes: Iterable[BaseRoute]
) -> list[str]:
    """What a descriptor tells a host to call is there; calls are (method, URL)."""
    known = list(routes)
    return [
        f"{method} {url}"
        for method, url in calls
        if not any(_answers(route, method, urlsplit(url).path) for route in known)
    ]


def unnamed_routes(
    calls: Iterable[tuple[str, str]], routes: Iterable[BaseRoute]
) -> list[str]:
    """What hosts may call is told to them."""
    told = list(calls)
    return [
        getattr(route, "path", repr(route))
        for route in routes
        if not any(_answers(route, method, urlsplit(url).path) for method, url in told)
    ]


def _answers(route: BaseRoute, method: str, path: str) -> bool:
    if not isinstance(route, Route):
        return False
    match, _ = route.matches(
        {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    )
    return match is Match.FULL


def unequal_settings(example: str, fields: Collection[str]) -> list[str]:
    """The example names every setting once, and nothing else."""
    lines = [line.partition("=")[0] for line in example.splitlines()]
    named = [name for name in lines if re.fullmatch(r"[A-Z][A-Z0-9_]*", name)]
    known = {name.upper() for name in fields}
    problems = [f"{name}: is no setting" for name in named if name not in known]
    problems += [f"{name}: is not shown" for name in sorted(known - set(named))]
    twice = {name for name in named if named.count(name) > 1}
    return problems + [f"{name}: is shown twice" for name in sorted(twice)]


def unexplained_dependencies(project: str) -> list[str]:
    """Each requirement stands on a line of its own, with its reason behind it."""
    table = tomllib.loads(project)["project"]
    lists = [table.get("dependencies", []), *table["optional-dependencies"].values()]
    return [
        requirement
        for requirement in chain.from_iterable(lists)
        if not re.search(
            rf'^ *"{re.escape(requirement)}", +# \S', project, re.MULTILINE
        )
    ]


def foreign_places(text: str) -> list[str]:
    """A lock says what, never where from: no index, no mirror, no folder of anybody's."""
    return [line.strip() for line in text.splitlines() if _PLACE.search(line)]


_PLACE = re.compile(
    r"https?://|file:/|--(?:extra-)?index-url|--find-links|--trusted-host"
    r"|/(?:home|root|tmp|work|Users)/"
)
