"""Tests for the AI providers as a process, and for a door that is shut."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from sandbox.ai.__main__ import main
from sandbox.ai.app import Providers
from sandbox.ai.config import OPENAI, AiConfig, configured
from sandbox.ai.serving import serving

ROOT = Path(__file__).parents[2]
QUESTION = {"model": "gpt-6-luna", "input": "Hello there"}


class TestProcess:
    """`python -m sandbox.ai`."""

    def test_it_serves_what_it_was_told(self, tmp_path: Path) -> None:
        """One line says where; options and a file of settings are in force."""
        settings = tmp_path / "settings.json"
        fault = {"kind": "overloaded", "numbers": [2]}
        settings.write_text(json.dumps({"openai": {"faults": [fault]}}))
        options = "--port 0 --provider openai --rpm 2 --no-headers --latency 0"
        command = [sys.executable, "-m", "sandbox.ai", *options.split()]
        command += ["--config", str(settings), "--scale", "50"]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            origin = line.split()[3]
            answers = [
                httpx2.post(f"{origin}/v1/responses", json=QUESTION) for _ in range(4)
            ]
            gemini = httpx2.get(f"{origin}/v1beta/models")
            process.terminate()
            assert process.wait(timeout=20) is not None

        assert line == f"AI providers ready: {origin} (openai)\n"
        assert [one.status_code for one in answers] == [200, 503, 200, 429]
        assert not [name for name in answers[3].headers if "retry" in name]
        assert gemini.status_code == 404

    @pytest.mark.parametrize(
        "options",
        [["--rpm", "-1"], ["--config", "/nowhere.json"], ["--host", "192.0.2.1"]],
    )
    def test_it_says_why_it_cannot_start(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Settings that are none, a file that is not there, somebody else's address."""
        assert main(["--port", "0", *options]) == 1
        assert capsys.readouterr().err.startswith("cannot start: ")

    def test_settings_must_be_an_object(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Whatever else a file of JSON may hold."""
        path = tmp_path / "settings.json"
        path.write_text("[]")

        assert main(["--port", "0", "--config", str(path)]) == 1
        assert "must hold an object" in capsys.readouterr().err

    def test_port_in_use(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A second server says so."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()

            assert main(["--port", str(taken.getsockname()[1])]) == 1

        assert "cannot start" in capsys.readouterr().err


@pytest.mark.anyio
class TestDoor:
    """The servers inside a test's own loop."""

    async def test_connections_are_refused_for_a_while(self) -> None:
        """Nobody listens, then somebody does again at the same address."""
        outage = {"kind": "refused", "start": 30, "until": 60}
        config = configured(OPENAI, {"latency_median": 0, "faults": [outage]})
        providers = Providers(AiConfig(providers={"openai": config}, scale=100))
        endings: list[str] = []
        async with (
            serving(providers) as origin,
            httpx2.AsyncClient(base_url=origin, timeout=5) as http,
        ):
            while endings[-1:] != ["200"] or "ConnectError" not in endings:
                try:
                    answered = await http.post("/v1/responses", json=QUESTION)
                    ending = str(answered.status_code)
                except httpx2.TransportError as error:
                    ending = type(error).__name__
                if not endings or endings[-1] != ending:
                    endings.append(ending)
                assert providers.clock.now() < 2_000
                await asyncio.sleep(0.01)

        assert endings[0] == "200"
        assert endings[-2:] == ["ConnectError", "200"]

    async def test_shut_door_ends_what_is_under_way(self) -> None:
        """A call that came before loses its connection, and does not wait for it."""
        outage = {"kind": "refused", "start": 20, "until": 900}
        slow = {"latency_median": 60, "latency_sigma": 0, "faults": [outage]}
        config = configured(OPENAI, slow)
        providers = Providers(AiConfig(providers={"openai": config}, scale=100))
        async with (
            serving(providers) as origin,
            httpx2.AsyncClient(base_url=origin, timeout=30) as http,
        ):
            with pytest.raises(httpx2.TransportError):
                await http.post("/v1/responses", json=QUESTION)
            now = providers.clock.now()

        assert 20 <= now < 60

    async def test_door_that_is_shut_for_good_can_be_opened(self) -> None:
        """Without an end, connections end unanswered, and control still answers."""
        config = configured(OPENAI, {"faults": [{"kind": "refused"}]})
        providers = Providers(AiConfig(providers={"openai": config}))
        async with (
            serving(providers) as origin,
            httpx2.AsyncClient(base_url=origin) as http,
        ):
            with pytest.raises(httpx2.RemoteProtocolError):
                await http.post("/v1/responses", json=QUESTION)
            assert not providers.nobody_listens()
            opened = await http.post(
                "/_sandbox/ai/set", json={"openai": {"faults": []}}
            )
            listed = await http.get("/v1/models")

        assert (opened.status_code, listed.status_code) == (204, 200)

    async def test_answers_take_their_time(self) -> None:
        """In provider seconds; the wall clock sees a hundredth."""
        config = configured(OPENAI, {"latency_median": 5, "latency_sigma": 0})
        providers = Providers(AiConfig(providers={"openai": config}, scale=100))
        async with (
            serving(providers) as origin,
            httpx2.AsyncClient(base_url=origin) as http,
        ):
            answered = await http.post("/v1/responses", json=QUESTION)
            (call,) = (await http.get("/_sandbox/ai/stats")).json()["openai"]["log"]

        assert int(answered.headers["openai-processing-ms"]) >= 5_000
        assert call["delivered"] - call["arrived"] >= 5.0
