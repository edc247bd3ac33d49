"""Tests for what stands in for a model: labels, summary, tokens, the prompt cache."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from sandbox.ai.answerer import answer, page_text
from sandbox.ai.openai_api import told_schema
from sandbox.ai.spoiling import as_text, spoiled
from sandbox.ai.strict_schema import complaint
from sandbox.ai.tokens import PromptCache, charge_upfront, estimate
from tests.fakes.ai_providers import PAGE, SCHEMA, answer_schema

FENCE = "=== 0123456789abcdef ==="


def names(text: str, schema: dict[str, Any]) -> list[str]:
    """Return the labels that are chosen."""
    return [label["name"] for label in answer("", text, schema)["labels"]]


class TestLabels:
    """Which labels are chosen."""

    def test_most_frequent_first(self) -> None:
        """And at most three."""
        schema = answer_schema("a1", "b2", "c3", "d4", "e5")

        assert names("b2 b2 b2 d4 d4 a1 c3 c3", schema) == ["b2", "c3", "d4"]

    def test_all_words_of_a_label_must_be_there(self) -> None:
        """Whatever their case; parts of words do not count."""
        schema = answer_schema("release-notes", "team_rules", "art")

        assert names("Notes of the Release. The RULES. Start.", schema) == [
            "release-notes"
        ]

    def test_ukrainian_labels(self) -> None:
        """Letters are letters."""
        assert names("Це Інструкція для відпустка.", answer_schema("інструкція")) == [
            "інструкція"
        ]

    def test_names_without_a_frame(self) -> None:
        """A schema may want the names alone, and fewer of them."""
        schema = {
            "type": "object",
            "properties": {
                "labels": {
                    "type": "array",
                    "maxItems": 1,
                    "items": {"$ref": "#/$defs/label"},
                }
            },
            "$defs": {"label": {"enum": ["runbook", "deployment"]}},
        }

        assert answer("", PAGE, schema) == {"labels": ["deployment"]}

    @pytest.mark.parametrize("schema", [answer_schema(), answer_schema("unrelated")])
    def test_none(self, schema: dict[str, Any]) -> None:
        """Nothing to choose from, or nothing that fits."""
        assert names(PAGE, schema) == []


class TestPage:
    """What of the input is the page."""

    def test_between_equal_lines(self) -> None:
        """Candidates before it and orders after it are not."""
        text = f'- "holiday"\n{FENCE}\nThe page itself.\n{FENCE}\nAnswer now.'

        assert page_text(text) == "The page itself.\n"

    def test_widest_pair(self) -> None:
        """Lines inside the page may repeat as well."""
        text = f"{FENCE}\nid 12345678\nx\nid 12345678\n{FENCE}\n"

        assert page_text(text) == "id 12345678\nx\nid 12345678\n"

    @pytest.mark.parametrize("text", ["", "No fence.", f"Only one.\n{FENCE}\nx"])
    def test_no_fence(self, text: str) -> None:
        """All of it is the page."""
        assert page_text(text) == text

    def test_summary_is_the_first_real_sentence(self) -> None:
        """Headings are too short for one."""
        told = answer(
            "", f"{FENCE}\nPlan\n\nHere is what we all do. More.\n{FENCE}", SCHEMA
        )

        assert told["summary"] == "Here is what we all do."

    def test_summary_of_next_to_nothing(self) -> None:
        """What there is must do."""
        assert answer("", "Two words", SCHEMA)["summary"] == "Two words"
        assert answer("", "", SCHEMA)["summary"] == ""
        assert len(answer("", "long " * 100_000, SCHEMA)["summary"]) <= 300


class TestSchemas:
    """Whatever is required is there."""

    def test_every_type(self) -> None:
        """The plainest value of each."""
        schema = {
            "type": "OBJECT",
            "properties": {
                "text": {"type": "STRING", "minLength": 2},
                "kind": {"type": "string", "enum": ["b", "a"]},
                "count": {"type": "integer", "minimum": 3},
                "share": {"type": ["number", "null"]},
                "sure": {"type": "boolean"},
                "many": {"type": "array", "minItems": 2, "items": {"type": "integer"}},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "always": {"const": "so"},
                "deep": {"properties": {"x": {"type": "string"}}},
                "loop": {"$ref": "#/properties/loop"},
                "any": {},
            },
        }

        assert answer("", PAGE, schema) == {
            "text": "xx",
            "kind": "b",
            "count": 3,
            "share": 0,
            "sure": False,
            "many": [0, 0],
            "either": "",
            "always": "so",
            "deep": {"x": ""},
            "loop": None,
            "any": None,
        }

    @pytest.mark.parametrize("schema", [{}, {"type": "array"}, {"properties": []}])
    def test_no_schema_of_an_object(self, schema: dict[str, Any]) -> None:
        """An empty object is the answer to it."""
        assert answer("", PAGE, schema) == {}

    def test_schema_in_words(self) -> None:
        """The first object with properties in the text."""
        text = f'Not {{this}}, not {{"a": 1}}, but {json.dumps(SCHEMA)}.'

        assert told_schema(text) == SCHEMA
        assert told_schema("{" * 10_000) == {}

    def test_strict_schema_is_searched_to_the_bottom(self) -> None:
        """The complaint says where."""
        loose = {"type": "object", "properties": {}}
        deep = {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"anyOf": [loose]}}},
            "required": ["a"],
            "additionalProperties": False,
        }

        assert complaint(SCHEMA) == ""
        assert "('properties', 'a', 'items', 'anyOf', '0')" in complaint(deep)
        assert complaint({**SCHEMA, "$defs": {"x": 7}}).startswith(
            "In context=('$defs'"
        )


class TestSpoiling:
    """Good answers made bad."""

    def test_answer_without_labels(self) -> None:
        """There is always something to get wrong."""
        assert spoiled({"labels": []}, "foreign_labels") != as_text({"labels": []})
        assert spoiled({"x": 1}, "foreign_labels") == '{"x": 1}'
        assert spoiled({"x": {"y": 1}}, "wrong_types") == '{"x": [{"y": 1}]}'

    def test_faults_of_the_wire_leave_it_alone(self) -> None:
        """They have other ways."""
        assert spoiled({"x": "є"}, "half_body") == '{"x": "є"}'


class TestTokens:
    """Tokens without a tokenizer."""

    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("", 0),
            ("x", 1),
            ("x" * 400, 100),
            ("ü" * 400, 100),
            ("ї" * 400, 200),
            ("xїx", 1),
            ("�" * 4, 2),
            ("漢" * 3, 2),
        ],
    )
    def test_estimate(self, text: str, tokens: int) -> None:
        """Four Latin characters a token, two of any other script."""
        assert estimate(text) == tokens

    def test_charge(self) -> None:
        """Rounded up, and what may be written added."""
        assert charge_upfront("x" * 401, 100) == 201
        assert charge_upfront("", None) == 0

    @given(
        shared=st.text("abcї", min_size=0, max_size=4_000),
        tails=st.lists(st.text("xyz", max_size=50), min_size=1, max_size=5),
    )
    def test_cache_finds_the_common_beginning(
        self, shared: str, tails: list[str]
    ) -> None:
        """Never more than is common, and less than a block below it."""
        cache = PromptCache(0)
        for tail in tails:
            cache.remember(f"{shared}1{tail}")

        found = cache.shared(f"{shared}2")

        assert found % 128 == 0
        assert found <= estimate(shared) < found + 128

    def test_cache_forgets(self) -> None:
        """Only the latest prompts are kept, each once."""
        cache = PromptCache(1024)
        old, page = "o" * 8_000, "p" * 8_000
        cache.remember(old)
        for _ in range(100):
            cache.remember(page)
        assert cache.shared(old) == 1_920

        for number in range(40):
            cache.remember(f"{number} {page}")
        assert cache.shared(old) == 0
