"""`python -m app` is `confluence-ai`: hands the command line what it may start."""

from __future__ import annotations

from app.bootstrap import open_services
from app.cli.main import cli
from app.cli.program import Program
from app.launch import configure_logs, serve, work


def main() -> None:
    """Run the command line."""
    program = Program(
        open_services=open_services,
        configure_logs=configure_logs,
        serve=serve,
        work=work,
    )
    cli(prog_name="confluence-ai", obj=program)


if __name__ == "__main__":
    main()
