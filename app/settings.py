"""The environment, read once and judged as a whole; nobody else reads it."""

from __future__ import annotations

import difflib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from app.errors import ConfigurationError

DEFAULT_DATABASE_URL = "sqlite:///./var/confluence-ai.db"
OPENAI_BASE_URL = "https://api.openai.com/v1"
_SQLITE = "sqlite:///"
_PROVIDERS = ("openai", "gemini", "local")


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _is_sqlite(database_url: str) -> bool:
    return database_url.startswith(_SQLITE)


def _http_address(value: str) -> str:
    parts = urlsplit(value)
    _ = parts.port  # raises where it is none
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an http(s) address")
    return value


def _can_ask(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a provider has a key; a server of one's own may want none.

    A value that is bad itself is absent, and told on its own account.
    """
    if name == "local":
        return True
    own = name == "openai" and values.get("openai_base_url") != OPENAI_BASE_URL
    return own or values.get(f"{name}_api_key", "bad") is not None


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
#: As in `app.domain.modes`, which stands above this floor.
AgentMode = Literal["TEST", "SAFE_TEST", "PROD"]
Limit = Annotated[int | None, Field(gt=0)]


class Settings(BaseModel):
    """All settings; field names are the variables in lower case (see .env.example)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    app_base_url: str = "http://127.0.0.1:8080"
    app_key: str = Field(default="confluence-ai", pattern=r"^[a-zA-Z0-9._-]{1,64}$")
    #: It may hold a password, so it is never printed.
    database_url: str = Field(default=DEFAULT_DATABASE_URL, repr=False)
    #: After the database: whether keys are required depends on it.
    encryption_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(_split)] = Field(
        default=(), validate_default=True
    )

    connect_enabled: bool = True
    connect_install_keys_url: str = "https://connect-install-keys.atlassian.com"
    connect_allowed_hosts: CommaList = ("*.atlassian.net", "*.jira.com")
    forge_app_id: str = ""
    forge_jwks_url: str = (
        "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"
    )
    forge_environments: CommaList = ("PRODUCTION",)
    forge_api_hosts: CommaList = ("api.atlassian.com",)

    openai_api_key: SecretStr | None = None
    openai_base_url: str = OPENAI_BASE_URL
    openai_model: str = ""
    openai_rpm: Limit = None
    openai_tpm: Limit = None
    openai_rpd: Limit = None
    gemini_api_key: SecretStr | None = None
    gemini_base_url: str = "https://generativelanguage.googleapis.com"
    gemini_model: str = ""
    gemini_rpm: Limit = None
    gemini_tpm: Limit = None
    gemini_rpd: Limit = None
    #: After the keys: whoever is named needs one.
    ai_providers: CommaList = ()
    #: Calls in flight to one provider at most, all processes together.
    ai_concurrency: int = Field(default=32, ge=1, le=256)
    #: Seconds that a provider may make a page wait while the next one could answer.
    ai_patience_seconds: float = Field(default=20.0, ge=0, le=3600)
    #: Tokens of a page's text in one question; longer pages are condensed.
    ai_page_tokens: int = Field(default=4000, ge=200, le=200_000)
    #: A file over the models and prices that come with the app.
    ai_models_file: FilePath | None = None
    worker_concurrency: int = Field(default=16, ge=1, le=256)

    agent_mode: AgentMode = "SAFE_TEST"
    tagging_agent_mode: AgentMode | None = None
    summary_agent_mode: AgentMode | None = None
    recommendation_agent_mode: AgentMode | None = None
    structure_agent_mode: AgentMode | None = None

    log_dir: Path = Path("./var/logs")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=0, le=65535)
    embedded_worker: bool | None = None
    #: Seconds that a page must be left alone after an edit before it is read.
    event_settle_seconds: float = Field(default=2.0, ge=0, le=3600)

    @field_validator(
        "agent_mode",
        "tagging_agent_mode",
        "summary_agent_mode",
        "recommendation_agent_mode",
        "structure_agent_mode",
        "log_level",
        mode="before",
    )
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("forge_environments", mode="after")
    @classmethod
    def _environments(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("DEVELOPMENT", "STAGING", "PRODUCTION")
        if unknown := sorted(set(map(str.upper, value)) - set(known)):
            raise ValueError(f"expected some of {', '.join(known)}, not {unknown[0]}")
        return tuple(map(str.upper, value))

    @field_validator("app_base_url", "connect_install_keys_url", "forge_jwks_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        return _http_address(value).rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("expected sqlite:///path or postgresql://...")
        if _is_sqlite(value):
            path = value.removeprefix(_SQLITE).partition("?")[0].strip()
            # Several connections share the data, and it must outlive the process.
            if not path or path.startswith((":memory:", "file:")):
                raise ValueError("expected sqlite:///path with the path of a file")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _keys_with_postgres(
        cls, value: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        database_url = info.data.get("database_url")  # absent where it is bad itself
        if database_url and not value and not _is_sqlite(database_url):
            raise ValueError(
                "is required with PostgreSQL (make one with "
                "`confluence-ai check --new-key`)"
            )
        return value

    @field_validator("openai_base_url", "gemini_base_url")
    @classmethod
    def _provider_address(cls, value: str) -> str:
        parts = urlsplit(_http_address(value))
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected an address without user, query or fragment")
        return value.rstrip("/")

    @field_validator("openai_api_key", "gemini_api_key")
    @classmethod
    def _sendable_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.fullmatch("[!-~]+", value.get_secret_value()):
            raise ValueError("expected a key without spaces, in ASCII")
        return value

    @field_validator("ai_providers")
    @classmethod
    def _askable_providers(
        cls, value: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        for place, name in enumerate(value, start=1):
            if name not in _PROVIDERS:
                # Not repeated: it may be a key that was pasted into the wrong line.
                known = ", ".join(_PROVIDERS)
                raise ValueError(f"name {place} is none of {known}")
        if len(set(value)) < len(value):
            raise ValueError("names a provider twice")
        if missing := [
            f"names {name}, but {name.upper()}_API_KEY is not set"
            for name in value
            if not _can_ask(name, info.data)
        ]:
            raise ValueError("; ".join(missing))
        return value

    @property
    def usable_providers(self) -> tuple[str, ...]:
        """Remote providers that have a key."""
        return tuple(name for name in _PROVIDERS[:-1] if _can_ask(name, vars(self)))

    @property
    def provider_order(self) -> tuple[str, ...]:
        """The order in which providers are asked: those with keys, else `local`."""
        return self.ai_providers or self.usable_providers or ("local",)

    @field_validator("forge_app_id")
    @classmethod
    def _app_ari(cls, value: str) -> str:
        if value and not re.fullmatch(
            r"(ari:cloud:ecosystem::app/)?[0-9a-fA-F-]{36}", value
        ):
            raise ValueError("expected ari:cloud:ecosystem::app/<uuid>")
        bare = value.removeprefix("ari:cloud:ecosystem::app/")
        return f"ari:cloud:ecosystem::app/{bare.lower()}" if bare else ""

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return _is_sqlite(self.database_url)

    @property
    def runs_worker(self) -> bool:
        """Whether `serve` runs the worker inside."""
        return self.is_sqlite if self.embedded_worker is None else self.embedded_worker

    @property
    def tagging_mode(self) -> AgentMode:
        """The guard for labels."""
        return self.tagging_agent_mode or self.agent_mode

    @property
    def summary_mode(self) -> AgentMode:
        """The guard for summaries."""
        return self.summary_agent_mode or self.agent_mode

    @property
    def recommendation_mode(self) -> AgentMode:
        """The guard for comments that recommend."""
        return self.recommendation_agent_mode or self.agent_mode

    @property
    def structure_mode(self) -> AgentMode:
        """The guard for pages that are made, moved or rewritten."""
        return self.structure_agent_mode or self.agent_mode


def from_environ(
    environ: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env")
) -> Settings:
    """Read settings from the environment over a `.env` file.

    A variable without a value counts as not set, wherever it stands. A variable in
    the file that nobody knows is a problem (of the environment at large only ours are
    looked at). A file that is not there holds nothing.

    Raises:
        ConfigurationError: Every problem at once, each naming its variable.
    """
    outer = os.environ if environ is None else environ  # noqa: TID251 - the one place
    in_file = _in_file(env_file) if env_file else {}
    known = set(Settings.model_fields)
    problems = [
        f"{name}: is not a setting{_did_you_mean(name, known)}"
        for name in in_file
        if name.lower() not in known
    ]
    values = {
        name.lower(): value
        for name, value in (*in_file.items(), *outer.items())
        if name.lower() in known and value
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_problem(cast("dict[str, Any]", item)) for item in error.errors()]
        raise ConfigurationError(problems) from None
    if problems:
        raise ConfigurationError(problems)
    return settings


def database_url_from_environ() -> str:
    """Return DATABASE_URL alone, for Alembic's own command line.

    Raises:
        ConfigurationError: `.env` cannot be read.
    """
    in_file = _in_file(Path(".env")).get("DATABASE_URL")
    environ = os.environ  # noqa: TID251 - the one place
    return environ.get("DATABASE_URL") or in_file or DEFAULT_DATABASE_URL


def _in_file(path: Path) -> Mapping[str, str | None]:
    if not path.exists():
        return {}
    try:
        # Windows editors put a byte order mark before UTF-8.
        text = path.read_text("utf-8-sig")
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})"
        raise ConfigurationError([message]) from error
    except UnicodeDecodeError:
        # Not chained: the error carries the whole file, secrets and all.
        raise ConfigurationError([f"{path}: expected text in UTF-8"]) from None
    # UTF-16 without its mark is valid UTF-8 as long as the text is English.
    if "\0" in text:
        raise ConfigurationError([f"{path}: expected text in UTF-8"])
    return dotenv_values(stream=io.StringIO(text))


def _problem(item: dict[str, Any]) -> str:
    """Say what is wrong without repeating the value: it may be a secret."""
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{str(item['loc'][0]).upper()}: {message}"


def _did_you_mean(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f" (did you mean {near[0].upper()}?)" if near else ""
