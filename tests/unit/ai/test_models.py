"""Tests for app.ai.models: the data file, prices, and an operator's file over it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from app.ai.models import THINKING_ROOM, Models, ProviderName, load_models
from app.domain.completions import Usage
from app.errors import ConfigurationError

MILLION = 1_000_000
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models()


def over(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, "utf-8")
    return path


class TestPrices:
    """Money in millionths of a dollar."""

    def test_each_kind_of_token_has_its_price(self, models: Models) -> None:
        """What was cached is cheaper, what was written to the cache is dearer."""
        usage = Usage(
            input_tokens=3 * MILLION,
            cached_tokens=MILLION,
            cache_write_tokens=MILLION,
            output_tokens=MILLION,
            thinking_tokens=MILLION // 2,
        )

        assert models.price("openai", "gpt-6-luna", usage) == 735_000

    def test_gemini_charges_thinking_as_output(self, models: Models) -> None:
        """It is in the output already and is not charged twice."""
        usage = Usage(input_tokens=1000, output_tokens=100, thinking_tokens=60)

        assert models.price("gemini", "gemini-3.5-flash-lite", usage) == 550

    @pytest.mark.parametrize(
        ("tokens", "micro_usd"), [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (25, 3)]
    )
    def test_halves_are_rounded_up(
        self, models: Models, tokens: int, micro_usd: int
    ) -> None:
        """Ten tokens a micro-dollar: 0.5 is 1 and 2.5 is 3, not the even neighbour."""
        usage = Usage(input_tokens=tokens)

        assert models.price("openai", "gpt-6-luna", usage) == micro_usd

    def test_cache_without_a_price_costs_what_input_costs(self, models: Models) -> None:
        """No discount is invented."""
        usage = Usage(input_tokens=1000, cached_tokens=1000)

        assert models.price("gemini", "gemini-2.5-flash-lite", usage) == 100

    def test_counts_that_contradict_cost_no_less_than_nothing(
        self, models: Models
    ) -> None:
        """More cached than read: the total is what was read."""
        usage = Usage(input_tokens=100, cached_tokens=900, cache_write_tokens=900)

        assert models.price("openai", "gpt-6-luna", usage) == 1

    @pytest.mark.parametrize("model", ["llama-3", "gpt-4o", ""])
    def test_unknown_price_is_not_zero(self, models: Models, model: str) -> None:
        """Neither for a model nobody knows nor for one whose price is not known."""
        assert models.price("openai", model, Usage(input_tokens=5)) is None

    def test_price_belongs_to_its_provider(self, models: Models) -> None:
        """The same name elsewhere is another model."""
        assert models.price("gemini", "gpt-6-luna", Usage(input_tokens=5)) is None


class TestKnowledge:
    """Names, ends, successors."""

    def test_defaults_are_known_and_priced(self, models: Models) -> None:
        """What is used where nothing is chosen is there, and not about to end."""
        providers: tuple[ProviderName, ...] = ("openai", "gemini")
        for provider in providers:
            default = models.default(provider)
            assert models.known(default)
            assert models.ends(default) is None
            assert models.price(provider, default, Usage()) == 0

    def test_snapshot_is_its_model(self, models: Models) -> None:
        """`…-2025-08-07` and `models/…` are other names of the same."""
        assert models.known("gpt-5-2025-08-07")
        assert models.known("models/gemini-3.5-flash-lite")
        assert not models.known("gpt-5-2025")

    def test_model_that_is_gone_has_a_successor(self, models: Models) -> None:
        """From the day it ends, and not before."""
        assert models.successor("gpt-3.5-turbo", TODAY) == "gpt-6-luna"
        assert models.successor("gpt-5", date(2026, 12, 10)) is None
        assert models.successor("gpt-5", date(2026, 12, 11)) == "gpt-6-luna"
        assert models.successor("gemini-3.1-flash-lite", date(2027, 6, 1)) == (
            "gemini-3.5-flash-lite"
        )
        assert models.successor("gpt-6-luna", date(2099, 1, 1)) is None
        assert models.successor("llama-3", TODAY) is None

    def test_successors_are_alive(self, models: Models) -> None:
        """Nobody is sent to a model that ends as well."""
        for provider in (models.openai, models.gemini):
            for name, model in provider.models.items():
                successor = model.successor or provider.default
                assert models.ends(successor) is None or not model.ends, name

    def test_unknown_model_is_allowed_to_think(self, models: Models) -> None:
        """Its answer would be cut short otherwise."""
        found = models.find("openai", "llama-3")

        assert found.thinking_room == THINKING_ROOM
        assert not found.temperature
        assert not found.effort


class TestOperatorsFile:
    """A file of the same form lies over ours."""

    def test_it_adds_and_changes(self, tmp_path: Path) -> None:
        """A field at a time: what it does not say stays."""
        path = over(
            tmp_path,
            '[openai]\ndefault = "qwen"\n[openai.models.qwen]\ninput = 0\noutput = 0\n'
            '[openai.models."gpt-6-luna"]\noutput = 1\n',
        )

        models = load_models(path)

        assert models.default("openai") == "qwen"
        assert models.price("openai", "qwen", Usage(input_tokens=MILLION)) == 0
        usage = Usage(input_tokens=MILLION, output_tokens=MILLION)
        assert models.price("openai", "gpt-6-luna", usage) == 1_100_000
        assert models.default("gemini") == "gemini-3.5-flash-lite"

    def test_every_problem_is_told_at_once(self, tmp_path: Path) -> None:
        """Each with its place in the file."""
        path = over(
            tmp_path,
            "[openai.models.a]\ninput = -1\noutput = nan\ncolour = 'red'\n"
            "[openai.models.b]\nends = 'soon'\ncontext = 1.5\n[claude]\ndefault = 'x'\n",
        )

        with pytest.raises(ConfigurationError) as caught:
            load_models(path)

        problems = "\n".join(caught.value.problems)
        assert len(caught.value.problems) == 6
        for place in ("a.input", "a.output", "a.colour", "b.ends", "b.context"):
            assert f"{path}: openai.models.{place}" in problems
        assert f"{path}: claude" in problems

    @pytest.mark.parametrize(
        "content", [b"[openai", b"\xff\xfe[\x00o\x00", b"openai = 5", b"as_of = 'now'"]
    )
    def test_broken_file_is_a_problem_of_configuration(
        self, tmp_path: Path, content: bytes
    ) -> None:
        """No TOML, no UTF-8, or the wrong shape."""
        path = tmp_path / "models.toml"
        path.write_bytes(content)

        with pytest.raises(ConfigurationError) as caught:
            load_models(path)

        assert str(path) in str(caught.value)

    def test_missing_file_is_a_problem_of_configuration(self, tmp_path: Path) -> None:
        """It was named, so it is wanted."""
        with pytest.raises(ConfigurationError, match="cannot be read"):
            load_models(tmp_path / "none.toml")
