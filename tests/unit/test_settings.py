"""Tests for app.settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.errors import ConfigurationError
from app.settings import Settings, from_environ

APP = "5b0c7a52-6f0e-4d3b-9a41-0c2f4e8d7a10"
ARI = f"ari:cloud:ecosystem::app/{APP}"
SECRET = "hunter2-hunter2"
POSTGRES = f"postgresql://app:{SECRET}@db.example.com/app"


def read(file: Path | None = None, /, **variables: str) -> Settings:
    """Read settings from these variables alone."""
    return from_environ(variables, env_file=file)


def problems(file: Path | None = None, /, **variables: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        read(file, **variables)
    return caught.value.problems


#: Variable, what is written there, what is read.
GOOD: list[tuple[str, str, Any]] = [
    ("APP_BASE_URL", "https://ai.example.com/base/", "https://ai.example.com/base"),
    ("APP_KEY", "com.example.ai-1", "com.example.ai-1"),
    ("DATABASE_URL", "sqlite:////data/a.db", "sqlite:////data/a.db"),
    ("ENCRYPTION_KEYS", "one, two,", (SecretStr("one"), SecretStr("two"))),
    ("CONNECT_ENABLED", "false", False),
    ("CONNECT_INSTALL_KEYS_URL", "http://127.0.0.1:1/k/", "http://127.0.0.1:1/k"),
    ("CONNECT_ALLOWED_HOSTS", "*.a.test , b.test", ("*.a.test", "b.test")),
    ("FORGE_APP_ID", ARI, ARI),
    ("FORGE_APP_ID", APP.upper(), ARI),
    ("FORGE_JWKS_URL", "https://k.test/jwks.json", "https://k.test/jwks.json"),
    ("FORGE_ENVIRONMENTS", "production,Staging", ("PRODUCTION", "STAGING")),
    ("FORGE_API_HOSTS", "api.test", ("api.test",)),
    ("AI_PROVIDERS", "local", ("local",)),
    ("OPENAI_API_KEY", SECRET, SecretStr(SECRET)),
    ("OPENAI_BASE_URL", "https://o.test/v1", "https://o.test/v1"),
    ("OPENAI_MODEL", "m", "m"),
    ("OPENAI_RPM", "3", 3),
    ("OPENAI_TPM", "1000", 1000),
    ("OPENAI_RPD", "200", 200),
    ("GEMINI_API_KEY", SECRET, SecretStr(SECRET)),
    ("GEMINI_BASE_URL", "https://g.test", "https://g.test"),
    ("GEMINI_MODEL", "m", "m"),
    ("GEMINI_RPM", "3", 3),
    ("GEMINI_TPM", "1000", 1000),
    ("GEMINI_RPD", "200", 200),
    ("AI_CONCURRENCY", "256", 256),
    ("AI_PATIENCE_SECONDS", "0.5", 0.5),
    ("AI_PAGE_TOKENS", "200", 200),
    ("AI_MODELS_FILE", __file__, Path(__file__)),
    ("WORKER_CONCURRENCY", "1", 1),
    ("AGENT_MODE", "prod", "PROD"),
    ("TAGGING_AGENT_MODE", "test", "TEST"),
    ("SUMMARY_AGENT_MODE", "PROD", "PROD"),
    ("RECOMMENDATION_AGENT_MODE", "Safe_Test", "SAFE_TEST"),
    ("STRUCTURE_AGENT_MODE", "TEST", "TEST"),
    ("LOG_DIR", "/var/log/ai", Path("/var/log/ai")),
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_FORMAT", "json", "json"),
    ("API_HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - read, not bound
    ("API_PORT", "0", 0),
    ("EMBEDDED_WORKER", "yes", True),
    ("EVENT_SETTLE_SECONDS", "0.5", 0.5),
]

BAD: list[tuple[str, str]] = [
    ("APP_BASE_URL", "ai.example.com"),
    ("APP_BASE_URL", "ftp://ai.example.com"),
    ("APP_BASE_URL", "https://"),
    ("APP_BASE_URL", "https://[bad"),
    ("APP_KEY", "with space"),
    ("APP_KEY", "ключ"),
    ("APP_KEY", "x" * 65),
    ("DATABASE_URL", "mysql://u@h/d"),
    ("DATABASE_URL", "sqlite://relative.db"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///?timeout=5"),
    ("DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true"),
    ("CONNECT_ENABLED", "maybe"),
    ("CONNECT_INSTALL_KEYS_URL", "/keys"),
    ("FORGE_JWKS_URL", "jwks.json"),
    ("FORGE_APP_ID", "my-app"),
    ("FORGE_APP_ID", ARI + "x"),
    ("FORGE_ENVIRONMENTS", "PRODUCTION,NIGHTLY"),
    ("AI_PROVIDERS", "local,skynet"),
    ("AI_PROVIDERS", "openai"),
    ("AI_PROVIDERS", "local,gemini"),
    ("AI_PROVIDERS", "local,local"),
    ("AI_PROVIDERS", "Local"),
    ("AI_PATIENCE_SECONDS", "-1"),
    ("AI_PATIENCE_SECONDS", "nan"),
    ("AI_PATIENCE_SECONDS", "3601"),
    ("AI_PAGE_TOKENS", "199"),
    ("AI_PAGE_TOKENS", "200001"),
    ("AI_PAGE_TOKENS", "4k"),
    ("AI_MODELS_FILE", "/nowhere/models.toml"),
    ("AI_MODELS_FILE", "/"),
    ("OPENAI_API_KEY", "sk with space"),
    ("OPENAI_API_KEY", "sk-line\nbreak"),
    ("OPENAI_API_KEY", " "),
    ("GEMINI_API_KEY", "ключ"),
    ("GEMINI_API_KEY", "key\u00a0"),
    ("OPENAI_BASE_URL", "api.openai.com/v1"),
    ("OPENAI_BASE_URL", "ftp://o.test/v1"),
    ("OPENAI_BASE_URL", "https://user@o.test/v1"),
    ("OPENAI_BASE_URL", "https://:secret@o.test/v1"),
    ("OPENAI_BASE_URL", "https://@o.test/v1"),
    ("OPENAI_BASE_URL", "https://o.test/v1?key=secret"),
    ("OPENAI_BASE_URL", "https://o.test:port/v1"),
    ("GEMINI_BASE_URL", "https://g.test#key"),
    ("GEMINI_BASE_URL", "https://user:secret@g.test"),
    ("GEMINI_BASE_URL", "https://"),
    ("OPENAI_RPM", "0"),
    ("OPENAI_RPM", "-1"),
    ("OPENAI_TPM", "many"),
    ("GEMINI_RPD", "1.5"),
    ("AI_CONCURRENCY", "0"),
    ("AI_CONCURRENCY", "257"),
    ("WORKER_CONCURRENCY", "0"),
    ("AGENT_MODE", "YOLO"),
    ("TAGGING_AGENT_MODE", "YOLO"),
    ("SUMMARY_AGENT_MODE", "off"),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_FORMAT", "xml"),
    ("API_PORT", "65536"),
    ("API_PORT", "-1"),
    ("EMBEDDED_WORKER", "2"),
    ("EVENT_SETTLE_SECONDS", "-1"),
    ("EVENT_SETTLE_SECONDS", "3601"),
    ("EVENT_SETTLE_SECONDS", "nan"),
]


class TestVariables:
    """Each variable of app.settings.from_environ(), one by one."""

    @pytest.mark.parametrize(("name", "written", "expected"), GOOD)
    def test_good_value_is_read(self, name: str, written: str, expected: Any) -> None:
        """What is written is what the program gets."""
        settings = read(**{name: written})

        assert getattr(settings, name.lower()) == expected

    def test_every_setting_has_a_good_example_here(self) -> None:
        """A new setting without a test fails here."""
        tested = {name.lower() for name, _, _ in GOOD}

        assert tested == set(Settings.model_fields)

    @pytest.mark.parametrize(("name", "written"), BAD)
    def test_bad_value_is_refused_by_its_name(self, name: str, written: str) -> None:
        """One problem, which starts with the variable that has it."""
        told = problems(**{name: written})

        assert len(told) == 1
        assert told[0].startswith(f"{name}: ")

    @pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
    def test_empty_variable_counts_as_not_set(self, name: str) -> None:
        """A line without a value changes nothing."""
        assert read(**{name: ""}) == read()

    def test_defaults_write_nothing_and_need_nothing(self) -> None:
        """A fresh start: the embedded database, the guard up, no provider's key."""
        settings = read()

        assert settings.agent_mode == "SAFE_TEST"
        assert settings.is_sqlite
        assert settings.runs_worker
        assert settings.api_host == "127.0.0.1"

    def test_name_in_lower_case_is_the_same_variable(self) -> None:
        """Case of a name does not matter."""
        assert read(api_port="81").api_port == 81


class TestTogether:
    """What settings say to one another."""

    def test_postgresql_needs_keys(self) -> None:
        """A shared database without keys would lose its secrets with the machine."""
        told = problems(DATABASE_URL=POSTGRES)

        assert len(told) == 1
        assert told[0].startswith("ENCRYPTION_KEYS: ")
        assert "check --new-key" in told[0]

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
    def test_postgresql_with_keys_runs_no_worker_inside(self, scheme: str) -> None:
        """Web and worker scale apart there."""
        url = f"{scheme}://db.example.com/app"

        settings = read(DATABASE_URL=url, ENCRYPTION_KEYS="k")

        assert not settings.is_sqlite
        assert not settings.runs_worker

    @pytest.mark.parametrize(("said", "runs"), [("true", True), ("false", False)])
    def test_embedded_worker_can_be_said(self, said: str, *, runs: bool) -> None:
        """The setting wins over what the database suggests."""
        assert read(EMBEDDED_WORKER=said).runs_worker is runs

    def test_agents_take_the_common_guard_unless_they_have_their_own(self) -> None:
        """An agent may be held shorter, or longer, than the rest."""
        settings = read(AGENT_MODE="PROD", SUMMARY_AGENT_MODE="TEST")

        assert (settings.tagging_mode, settings.summary_mode) == ("PROD", "TEST")

    def test_all_problems_are_told_at_once(self) -> None:
        """Nobody starts five times to learn five things."""
        told = problems(
            API_PORT="http", AGENT_MODE="YOLO", APP_KEY="a b", OPENAI_RPM="0"
        )

        names = {problem.partition(":")[0] for problem in told}
        assert names == {"API_PORT", "AGENT_MODE", "APP_KEY", "OPENAI_RPM"}

    def test_missing_keys_are_told_along_with_bad_values(self) -> None:
        """A rule over two settings does not wait for the others to be right."""
        told = problems(DATABASE_URL=POSTGRES, API_PORT="http")

        names = {problem.partition(":")[0] for problem in told}
        assert names == {"ENCRYPTION_KEYS", "API_PORT"}


class TestProviders:
    """Who is asked, and what they need."""

    def test_without_keys_the_machine_asks_itself(self) -> None:
        """Nothing leaves it until somebody says so."""
        settings = read()

        assert settings.provider_order == ("local",)
        assert settings.usable_providers == ()

    @pytest.mark.parametrize(
        ("variables", "order"),
        [
            ({"OPENAI_API_KEY": "k"}, ("openai",)),
            ({"GEMINI_API_KEY": "k"}, ("gemini",)),
            ({"OPENAI_API_KEY": "k", "GEMINI_API_KEY": "k"}, ("openai", "gemini")),
            (
                {
                    "OPENAI_API_KEY": "k",
                    "GEMINI_API_KEY": "k",
                    "AI_PROVIDERS": "gemini, local",
                },
                ("gemini", "local"),
            ),
            ({"OPENAI_API_KEY": "k", "AI_PROVIDERS": "local"}, ("local",)),
            # A server of one's own may want no key.
            ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, ("openai",)),
            (
                {"OPENAI_BASE_URL": "http://ai.lan/v1", "AI_PROVIDERS": "openai"},
                ("openai",),
            ),
        ],
    )
    def test_order_is_what_was_said_else_who_has_a_key(
        self, variables: dict[str, str], order: tuple[str, ...]
    ) -> None:
        """Local comes in only where nobody else could be asked, or it was named."""
        assert read(**variables).provider_order == order

    def test_every_missing_key_is_told(self) -> None:
        """By the order's name and the key's."""
        (told,) = problems(AI_PROVIDERS="gemini,openai,local")

        assert told.startswith("AI_PROVIDERS: ")
        assert "GEMINI_API_KEY is not set" in told
        assert "OPENAI_API_KEY is not set" in told

    def test_own_server_of_one_provider_is_no_key_of_another(self) -> None:
        """Gemini always wants one."""
        (told,) = problems(AI_PROVIDERS="gemini", GEMINI_BASE_URL="http://127.0.0.1:1")

        assert "GEMINI_API_KEY is not set" in told

    def test_missing_key_is_told_along_with_bad_values(self) -> None:
        """It does not wait for the others to be right."""
        told = problems(AI_PROVIDERS="openai", API_PORT="http", OPENAI_RPM="0")

        names = {problem.partition(":")[0] for problem in told}
        assert names == {"AI_PROVIDERS", "API_PORT", "OPENAI_RPM"}

    @pytest.mark.parametrize(
        "bad",
        [{"OPENAI_API_KEY": "with space"}, {"OPENAI_BASE_URL": "nowhere"}],
        ids=["key", "address"],
    )
    def test_bad_key_or_address_is_not_told_as_a_missing_key(
        self, bad: dict[str, str]
    ) -> None:
        """One fault, one line."""
        told = problems(AI_PROVIDERS="openai", **bad)

        assert [one.partition(":")[0] for one in told] == list(bad)

    def test_unknown_provider_is_told_with_those_that_are(self) -> None:
        """A typo is found at once."""
        (told,) = problems(AI_PROVIDERS="openai,opneai")

        assert told == "AI_PROVIDERS: name 2 is none of openai, gemini, local"


class TestFile:
    """The `.env` file under the environment."""

    def test_environment_goes_over_the_file(self, tmp_path: Path) -> None:
        """A file holds the habit, the environment the occasion."""
        file = tmp_path / ".env"
        file.write_text("API_PORT=81\nLOG_LEVEL=ERROR\n")

        settings = read(file, API_PORT="82")

        assert (settings.api_port, settings.log_level) == (82, "ERROR")

    def test_empty_variable_does_not_hide_the_file(self, tmp_path: Path) -> None:
        """Empty counts as not set, wherever it is empty."""
        file = tmp_path / ".env"
        file.write_text("AGENT_MODE=TEST\n")

        assert read(file, AGENT_MODE="").agent_mode == "TEST"

    def test_unknown_name_in_the_file_is_refused_with_a_suggestion(
        self, tmp_path: Path
    ) -> None:
        """A slip of the pen does not silently leave a default standing."""
        file = tmp_path / ".env"
        file.write_text("AGENTMODE=TEST\nZZZ=1\nAPI_PORT=x\n")

        told = problems(file)

        assert told[0] == "AGENTMODE: is not a setting (did you mean AGENT_MODE?)"
        assert told[1] == "ZZZ: is not a setting"
        assert told[2].startswith("API_PORT: ")

    def test_unknown_names_of_the_environment_are_nobodys_business(self) -> None:
        """The shell holds a hundred others."""
        assert read(PATH="/bin", AGENTMODE="TEST") == read()

    def test_missing_file_is_no_problem(self, tmp_path: Path) -> None:
        """Everything has a default."""
        assert read(tmp_path / "none") == read()

    @pytest.mark.parametrize(
        "content",
        [
            b"\xff\xfeA\x00",
            "APP_KEY=a\n".encode("utf-16-le"),
            "APP_KEY=ключ".encode("cp1251"),
        ],
        ids=["utf-16", "utf-16 without mark", "cp1251"],
    )
    def test_file_that_is_no_utf8_is_a_named_problem(
        self, tmp_path: Path, content: bytes
    ) -> None:
        """An editor's odd encoding is told as such."""
        file = tmp_path / ".env"
        file.write_bytes(content)

        told = problems(file)

        assert str(file) in told[0]

    def test_byte_order_mark_is_no_part_of_the_first_name(self, tmp_path: Path) -> None:
        """Windows editors put one there."""
        file = tmp_path / ".env"
        file.write_text("API_PORT=81\n", encoding="utf-8-sig")

        assert read(file).api_port == 81

    def test_folder_in_place_of_the_file_is_a_named_problem(
        self, tmp_path: Path
    ) -> None:
        """Containers make one where a file to mount was missing."""
        folder = tmp_path / ".env"
        folder.mkdir()

        told = problems(folder)

        assert told[0].startswith(f"{folder}: cannot be read")

    def test_quotes_comments_and_ukrainian_are_read(self, tmp_path: Path) -> None:
        """The file is written by people."""
        file = tmp_path / ".env"
        file.write_text('# коментар\nLOG_DIR="./журнали 2"  # тут\n', encoding="utf-8")

        assert read(file).log_dir == Path("./журнали 2")


class TestSecrets:
    """No secret leaves by a message or a print."""

    def test_problems_do_not_repeat_values(self) -> None:
        """A key pasted into the wrong line is not printed."""
        told = problems(
            DATABASE_URL=f"mysql://u:{SECRET}@h/d",
            API_PORT=SECRET,
            APP_KEY=f"{SECRET} ",
            OPENAI_RPM=SECRET,
            AGENT_MODE=SECRET,
            FORGE_APP_ID=SECRET,
            OPENAI_API_KEY=f"{SECRET} {SECRET}",
            OPENAI_BASE_URL=f"https://u:{SECRET}@o.test",
            GEMINI_BASE_URL=f"https://g.test?key={SECRET}",
            GEMINI_RPD=SECRET,
            AI_PROVIDERS=f"openai,{SECRET}",
        )

        assert SECRET not in "\n".join(told)

    def test_printed_settings_hide_keys_and_passwords(self) -> None:
        """A traceback or a debug line gives nothing away."""
        settings = read(
            DATABASE_URL=POSTGRES,
            ENCRYPTION_KEYS=SECRET,
            OPENAI_API_KEY=SECRET,
            GEMINI_API_KEY=SECRET,
        )

        assert SECRET not in repr(settings)
        assert SECRET not in str(settings)

    def test_settings_are_frozen(self) -> None:
        """Nobody changes them on the way."""
        settings = read()

        with pytest.raises(ValueError, match="frozen"):
            settings.api_port = 1
