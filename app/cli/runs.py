"""`runs`: what was done to pages, dead letters, and what would be decided today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from typing_extensions import override

from app.cli import tables
from app.cli.ids import ID
from app.cli.program import Program
from app.usecases import operate
from app.usecases.replay_run import replay_run

#: Who acts at the command line, as the audit names them.
ACTOR = "cli"

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_CHANGED = {
    True: "it says something else by now",
    False: "it says the same as then",
    None: "what it said then is not known",
}


class _ListsByDefault(click.Group):
    """`runs TENANT` is short for `runs list TENANT`."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the word in that was left out."""
        known = {*self.commands, *ctx.help_option_names}
        if args and args[0] not in known:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_ListsByDefault,
    subcommand_metavar="[list] TENANT [OPTIONS] | replay TENANT RUN",
    epilog="All that explains one run, word by word: `confluence-ai receipts show`; of "
    "many: `confluence-ai receipts export`. To take a run back: `confluence-ai undo`.",
)
def runs() -> None:
    """Show what was done to pages; retry dead letters; ask a question again."""


@runs.command("list")
@click.argument("tenant")
@click.option("--page", default=None, help="Only this page.")
@click.option(
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="At most so many.",
)
@click.option("--failed", is_flag=True, help="Show dead letters instead.")
@click.option(
    "--retry",
    type=ID,
    default=None,
    help="Retry the dead letter of this id.",
)
@_json
@click.pass_obj
def list_runs(
    program: Program,
    tenant: str,
    page: str | None,
    limit: int,
    retry: int | None,
    *,
    failed: bool,
    as_json: bool,
) -> None:
    """Show what was done to pages, newest first; see and retry dead letters."""
    if retry is not None:
        program.ask(lambda s: operate.retry_job(s, tenant, retry))
        if as_json:
            tables.echo([{"job": retry, "state": "ready"}], as_json=True)
        else:
            click.echo(f"job {retry} is ready again")
        return
    if failed:
        found = program.ask(lambda s: operate.list_failed(s, tenant, limit))
    else:
        found = program.ask(lambda s: operate.list_runs(s, tenant, page, limit))
    tables.echo(found, as_json=as_json)


@runs.command()
@click.argument("tenant")
@click.argument("run", type=ID)
@click.option(
    "--provider",
    default=None,
    help="Ask this one; else whom the policy names. Models are set in the settings.",
)
@click.option(
    "--kept-text",
    is_flag=True,
    help="Ask about the text and the candidates that the receipt has; without it, "
    "about the page as it is now.",
)
@_json
@click.pass_obj
def replay(
    program: Program,
    tenant: str,
    run: int,
    provider: str | None,
    *,
    kept_text: bool,
    as_json: bool,
) -> None:
    """Ask RUN's question again; show then and now side by side.

    Costs a call. Nothing is written to the site, and no answer is kept.
    """
    told = program.ask(
        lambda s: replay_run(
            s, tenant, run, provider=provider, kept_text=kept_text, by=ACTOR
        )
    )
    if as_json:
        tables.echo([told], as_json=True)
        return
    _compare(told)


def _compare(told: Mapping[str, Any]) -> None:
    then, now = told["then"], told["now"]
    kept = " (asked about the text of then)" if told["text"] == "kept" else ""
    versions = f"version {told['version_then']} then, {told['version_now']} now"
    click.echo(tables.on_one_line(f"page {told['page']}: {told['title']}"))
    click.echo(f"{versions}: {_CHANGED[told['changed']]}{kept}")
    pairs = (
        ("asked", _who(then), _who(now)),
        ("question", _version(then), _version(now)),
        ("cost", f"${then['usd']:.4f}", f"${now['usd']:.4f}"),
    )
    before = {one["label"]: one for one in then["labels"]}
    after = {one["label"]: one for one in now["labels"]}
    rows = [{"what": what, "then": a, "now": b} for what, a, b in pairs]
    rows += [
        {
            "what": label,
            "then": _fate(before.get(label)),
            "now": _fate(after.get(label)),
        }
        for label in {**before, **after}
    ]
    tables.echo(rows, as_json=False)
    for word, summary in (("then", then["summary"]), ("now ", now["summary"])):
        click.echo(tables.on_one_line(f"summary {word}: {summary or '-'}"))
    for one in now["attempts"]:
        if one["outcome"] != "answered":
            why = f"{one['provider']}: {one['outcome']} {one['reason']}".rstrip()
            click.echo(tables.on_one_line(why), err=True)


def _who(side: Mapping[str, Any]) -> str:
    return f"{side['provider'] or '-'} {side['model'] or ''}".strip()


def _version(side: Mapping[str, Any]) -> str:
    known = side["prompt_version"]
    return "-" if known is None else f"version {known}"


def _fate(label: Mapping[str, Any] | None) -> str:
    if label is None:
        return "-"
    return f"{label['action']} {label['confidence']:.2f} (bar {label['apply_at']:.2f})"
