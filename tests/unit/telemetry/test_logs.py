"""Tests for app.telemetry.logs."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.telemetry import logs

FILES = {
    "app": "app.log",
    "ai_calls": "ai_calls.log",
    "audit": "audit.log",
    "security": "security.log",
}
ROOT = Path(__file__).parents[3]


def lines(path: Path) -> list[str]:
    """Return the lines of a file; none where nothing was ever written."""
    if not path.exists():
        return []
    return path.read_text("utf-8").splitlines()


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(path)]


def configure(log_dir: Path, form: Any = "json", level: str = "INFO") -> None:
    logs.configure(log_dir, level=level, form=form, to_stdout=False)


class TestFiles:
    """Which line goes where."""

    def test_each_logger_has_its_file_and_app_log_has_all(self, tmp_path: Path) -> None:
        """Four files; whoever reads only `app.log` misses nothing."""
        configure(tmp_path)

        for name in FILES:
            structlog.get_logger(name).info(f"{name}_event")

        assert [line["event"] for line in records(tmp_path / "app.log")] == [
            f"{name}_event" for name in FILES
        ]
        for name in ("ai_calls", "audit", "security"):
            (line,) = records(tmp_path / FILES[name])
            assert (line["event"], line["logger"]) == (f"{name}_event", name)

    def test_folder_is_made(self, tmp_path: Path) -> None:
        """A first start needs no preparation."""
        configure(tmp_path / "deep" / "журнали")

        structlog.get_logger("app").info("x")

        assert (tmp_path / "deep" / "журнали" / "app.log").exists()

    def test_configuring_again_replaces_and_does_not_double(
        self, tmp_path: Path
    ) -> None:
        """One event stays one line, in the folder that was told last."""
        configure(tmp_path / "one")
        configure(tmp_path / "two")

        structlog.get_logger("audit").info("once")

        assert lines(tmp_path / "one" / "audit.log") == []
        assert len(lines(tmp_path / "two" / "audit.log")) == 1
        assert len(lines(tmp_path / "two" / "app.log")) == 1

    def test_stdout_shows_the_same_lines(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Containers read stdout, people the files."""
        logs.configure(tmp_path, level="INFO", form="json")

        structlog.get_logger("security").warning("refused", route="/x")

        assert capsys.readouterr().out.splitlines() == lines(tmp_path / "app.log")

    def test_level_holds_for_all(self, tmp_path: Path) -> None:
        """Below the level nothing is written."""
        configure(tmp_path, level="WARNING")

        structlog.get_logger("app").info("quiet")
        structlog.get_logger("audit").info("quiet")
        structlog.get_logger("app").error("loud")

        assert [line["event"] for line in records(tmp_path / "app.log")] == ["loud"]
        assert lines(tmp_path / "audit.log") == []

    def test_chatter_of_the_http_client_stays_out(self, tmp_path: Path) -> None:
        """Its lines at INFO hold whole URLs."""
        configure(tmp_path, level="DEBUG")

        logging.getLogger("httpx").info("GET https://site.test/?jwt=abc")
        logging.getLogger("httpx").warning("slow")

        assert [line["event"] for line in records(tmp_path / "app.log")] == ["slow"]


class TestJson:
    """JSON lines."""

    def test_line_is_one_event_name_and_fields(self, tmp_path: Path) -> None:
        """A machine finds time, level, logger, event and every field."""
        configure(tmp_path)

        structlog.get_logger("app").info("page_run", tenant="t", points=3, page=None)

        (line,) = records(tmp_path / "app.log")
        moment = datetime.fromisoformat(line.pop("timestamp"))
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 60  # noqa: TID251 - compares with real time
        assert line == {
            "event": "page_run",
            "level": "info",
            "logger": "app",
            "tenant": "t",
            "points": 3,
            "page": None,
        }

    @pytest.mark.parametrize(
        "value",
        [
            "дві\nстроки",
            'quote " and \\ back',
            "\x00\x1b[31m\u2028",
            "\x9b2J\ud800",
            {("a", 1): "key that JSON lacks"},
            {"nested": ["Ї", 1]},
            Path("/x"),
            datetime(2026, 1, 1, tzinfo=UTC),
            {1, 2},
            b"\xff",
            object,
        ],
        ids=repr,
    )
    def test_any_value_makes_exactly_one_valid_line(
        self, tmp_path: Path, value: object
    ) -> None:
        """No value breaks a line in two, or the JSON."""
        configure(tmp_path)

        structlog.get_logger("app").info("x", value=value)

        raw = (tmp_path / "app.log").read_text("utf-8")
        assert len(raw.splitlines()) == 1
        assert json.loads(raw)["event"] == "x"

    def test_exception_is_a_field(self, tmp_path: Path) -> None:
        """A traceback is one line like all else."""
        configure(tmp_path)

        try:
            _ = 1 // 0
        except ZeroDivisionError:
            structlog.get_logger("app").exception("job_crashed")

        (line,) = records(tmp_path / "app.log")
        assert "ZeroDivisionError" in line["exception"]

    def test_lines_of_libraries_look_the_same(self, tmp_path: Path) -> None:
        """Uvicorn's and SQLAlchemy's lines are JSON too."""
        configure(tmp_path)

        logging.getLogger("uvicorn.error").warning("slow %s", "client")

        (line,) = records(tmp_path / "app.log")
        assert (line["event"], line["logger"]) == ("slow client", "uvicorn.error")

    def test_bound_fields_come_along(self, tmp_path: Path) -> None:
        """What is bound once per job is on each of its lines."""
        configure(tmp_path)
        structlog.contextvars.bind_contextvars(job=7)

        structlog.get_logger("app").info("x")

        assert records(tmp_path / "app.log")[0]["job"] == 7


class TestText:
    """Text lines, for people."""

    def test_line_begins_with_time_level_logger_and_event(self, tmp_path: Path) -> None:
        """Key and value pairs in an order that reads."""
        configure(tmp_path, "text")

        structlog.get_logger("app").info("page_run", outcome="written", ok=True)

        (line,) = lines(tmp_path / "app.log")
        keys = [pair.partition("=")[0] for pair in line.split(" ")]
        assert keys == ["timestamp", "level", "logger", "event", "outcome", "ok"]
        assert "ok=true" in line

    @pytest.mark.parametrize(
        "value",
        ["a\nlevel=error event=forged", "a\r\nb", "a\rb", "a\u2028b", "\x1b[2Jb"],
        ids=["newline", "crlf", "carriage return", "separator", "escape"],
    )
    def test_value_cannot_forge_a_line(self, tmp_path: Path, value: str) -> None:
        """What a stranger sent stays inside its field, and steers no terminal."""
        configure(tmp_path, "text")

        structlog.get_logger("security").warning("refused", reason=value)

        raw = (tmp_path / "security.log").read_bytes().decode("utf-8")
        assert len(raw.splitlines()) == 1
        assert raw.rstrip("\n").isprintable()


class TestSecrets:
    """The last line of defence."""

    @pytest.mark.parametrize("form", ["json", "text"])
    @pytest.mark.parametrize(
        "name",
        [
            "shared_secret",
            "token",
            "Authorization",
            "password",
            "OPENAI_API_KEY",
            "set_cookie",
        ],
    )
    def test_field_that_speaks_of_a_secret_is_blank(
        self, tmp_path: Path, name: str, form: str
    ) -> None:
        """Whoever logs one by mistake logs three stars."""
        configure(tmp_path, form)

        structlog.get_logger("app").info("x", **{name: "hunter2"})

        (line,) = lines(tmp_path / "app.log")
        assert "hunter2" not in line
        assert "***" in line

    def test_secret_inside_a_field_is_blank_too(self, tmp_path: Path) -> None:
        """Headers logged as a whole do not give their authorization away."""
        configure(tmp_path)

        structlog.get_logger("app").info("x", headers={"Authorization": "hunter2"})

        assert "hunter2" not in lines(tmp_path / "app.log")[0]

    @pytest.mark.parametrize("form", ["json", "text"])
    @pytest.mark.parametrize(
        "value",
        [
            {"request": {"X-Api-Key": "hunter2"}},
            [{"sharedSecret": "hunter2"}],
            [("authorization", "hunter2")],
            [(b"x-forge-oauth-system", b"hunter2")],
            {b"cookie": "hunter2"},
        ],
        ids=["deep", "in a list", "pair", "pair of bytes", "name of bytes"],
    )
    def test_secret_is_found_wherever_it_lies(
        self, tmp_path: Path, value: object, form: str
    ) -> None:
        """Mappings, lists and pairs of headers are all looked into."""
        configure(tmp_path, form)

        structlog.get_logger("app").info("x", value=value)

        (line,) = lines(tmp_path / "app.log")
        assert "hunter2" not in line
        assert "***" in line

    def test_caller_s_own_value_stays_whole(self, tmp_path: Path) -> None:
        """Logging headers does not take them from who sends them."""
        configure(tmp_path)
        headers = {"Authorization": "hunter2", "Accept": "x"}

        structlog.get_logger("app").info("x", headers=headers)

        assert headers["Authorization"] == "hunter2"
        (line,) = records(tmp_path / "app.log")
        assert line["headers"] == {"Authorization": "***", "Accept": "x"}

    def test_value_that_holds_itself_is_cut(self, tmp_path: Path) -> None:
        """Looking for secrets comes to an end."""
        configure(tmp_path)
        value: list[object] = ["first"]
        value.append(value)

        structlog.get_logger("app").info("x", value=value)

        assert len(records(tmp_path / "app.log")) == 1

    def test_counts_of_tokens_are_no_secret(self, tmp_path: Path) -> None:
        """What a call cost can be read."""
        configure(tmp_path)

        counts = {"input_tokens": 12, "output_tokens": 3, "max_tokens": 99}
        structlog.get_logger("ai_calls").info("x", **counts, usage=counts)

        (line,) = records(tmp_path / "ai_calls.log")
        assert counts.items() <= line.items()
        assert line["usage"] == counts


#: Writes numbered lines into a folder, rotating often and keeping all.
_WRITER = """
import sys
from pathlib import Path
import structlog
from app.telemetry import logs

logs._BYTES, logs._BACKUPS = int(sys.argv[3]), 500
logs.configure(Path(sys.argv[1]), level="INFO", form="json", to_stdout=False)
log = structlog.get_logger("audit")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[4])):
    log.info("line", writer=sys.argv[2], number=number, text="слово " * 10)
"""


class TestProcesses:
    """Several processes share the files."""

    @pytest.mark.parametrize(
        "size", [10_000_000, 20_000], ids=["appending", "rotating"]
    )
    def test_two_processes_lose_no_line(self, tmp_path: Path, size: int) -> None:
        """Every line of both is there once, whole, in each writer's order."""
        count = 500
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, tmp_path, name, str(size), str(count)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("a", "b")
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        # Only now that both are up: they shall write at the same time.
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            writer.communicate(timeout=60)

        files = list(tmp_path.glob("audit.log*"))
        found = [(line["writer"], line["number"]) for f in files for line in records(f)]
        by_writer = groupby(sorted(found), key=lambda pair: pair[0])
        assert {name: [n for _, n in pairs] for name, pairs in by_writer} == {
            "a": list(range(count)),
            "b": list(range(count)),
        }
        assert (len(files) > 2) == (size < 1_000_000)

    def test_threads_share_a_file(self, tmp_path: Path) -> None:
        """The writer thread of the database logs beside the loop."""
        configure(tmp_path)

        def write(name: str) -> None:
            for number in range(50):
                structlog.get_logger("app").info("x", writer=name, number=number)

        threads = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(records(tmp_path / "app.log")) == 200
