"""What is known of providers' models: prices, limits, how to switch thinking off.

The figures are data (`models.toml`, with the day they were true); an operator's file
of the same form lies over them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.completions import Usage
from app.errors import ConfigurationError

#: Output tokens allowed for the thinking of a model that we know nothing of.
THINKING_ROOM = 2048

_FILE = "models.toml"
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$", re.ASCII)

ProviderName = Literal["openai", "gemini"]
Price = Annotated[Decimal, Field(ge=0)]
Tokens = Annotated[int, Field(ge=0, strict=True)]


class Model(BaseModel):
    """One model; every field that is not known stays away (see `models.toml`).

    Attributes:
        input: US dollars for a million tokens, which is micro-dollars a token; so are
            `cached`, `cache_write` and `output`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Price | None = None
    cached: Price | None = None
    cache_write: Price | None = None
    output: Price | None = None
    context: Tokens | None = None
    max_output: Tokens | None = None
    cache_from: Tokens | None = None
    ends: date | None = None
    successor: str = ""
    temperature: bool = False
    effort: Literal["", "none", "minimal", "low"] = ""
    level: Literal["", "minimal", "low"] = ""
    budget: Tokens | None = None
    thinking_room: Tokens = THINKING_ROOM

    def price(self, usage: Usage) -> int | None:
        """Return what `usage` costs in millionths of a dollar; None if not known."""
        if self.input is None or self.output is None:
            return None
        cached = min(usage.cached_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        cost = (
            (usage.input_tokens - cached - written) * self.input
            + cached * (self.input if self.cached is None else self.cached)
            + written * (self.input if self.cache_write is None else self.cache_write)
            + usage.output_tokens * self.output
        )
        return int(cost.to_integral_value(ROUND_HALF_UP))


class _Provider(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default: str = Field(min_length=1)
    models: dict[str, Model]


class Models(BaseModel):
    """All models that are known, as of a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    openai: _Provider
    gemini: _Provider

    def default(self, provider: ProviderName) -> str:
        """Return the model to use where none is chosen."""
        return self._provider(provider).default

    def find(self, provider: ProviderName, model: str) -> Model:
        """Return what is known of a model; of an unknown one that is nothing."""
        return _find(self._provider(provider), model) or Model()

    def known(self, model: str) -> bool:
        """Whether any provider's list has the model."""
        return any(_find(one, model) for one in (self.openai, self.gemini))

    def price(self, provider: ProviderName, model: str, usage: Usage) -> int | None:
        """Return what `usage` costs in millionths of a US dollar, rounded half up.

        None is "price unknown", which is not the same as free.
        """
        return self.find(provider, model).price(usage)

    def ends(self, model: str) -> date | None:
        """Return the day on which the provider shuts the model down, if announced."""
        return next((one.ends for _, one in self._entries(model)), None)

    def successor(self, model: str, today: date) -> str | None:
        """Return what to use in place of a model that is gone; None while it is not."""
        for provider, one in self._entries(model):
            if one.ends and one.ends <= today:
                return one.successor or provider.default
        return None

    def _entries(self, model: str) -> Iterator[tuple[_Provider, Model]]:
        for provider in (self.openai, self.gemini):
            if one := _find(provider, model):
                yield provider, one

    def _provider(self, name: ProviderName) -> _Provider:
        return self.openai if name == "openai" else self.gemini


def load_models(over: Path | None = None) -> Models:
    """Read the file that comes with the app, and an operator's file over it.

    Raises:
        ConfigurationError: The operator's file cannot be read or makes no sense; it
            tells every problem.
    """
    own = resources.files("app.ai").joinpath(_FILE).read_text("utf-8")
    known = tomllib.loads(own, parse_float=Decimal)
    if over is not None:
        known = _merged(known, _read(over))
    try:
        return Models.model_validate(known)
    except ValidationError as error:
        place = over or Path(_FILE)
        problems = [
            f"{place}: {'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError(problems) from None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})"
        raise ConfigurationError([message]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError([f"{path}: is no TOML ({error})"]) from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        beneath = below.get(key)
        if isinstance(value, Mapping) and isinstance(beneath, Mapping):
            result[key] = _merged(beneath, value)
        else:
            result[key] = value
    return result


def _find(provider: _Provider, model: str) -> Model | None:
    """Find a model by its name, else by the name of which it is a dated snapshot."""
    name = model.removeprefix("models/")
    exact = provider.models.get(name)
    return exact or provider.models.get(_SNAPSHOT.sub("", name))
