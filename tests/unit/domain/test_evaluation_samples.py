"""Tests for app.domain.evaluation.samples: data files, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.confluence.reading import read_page
from app.domain.evaluation.samples import Sample, read_samples, read_vocabulary
from app.errors import MalformedPayload
from tests.unit.domain.evaluated import real_samples


def line(**fields: Any) -> str:
    """Return a line of a page; a field that is None is left out."""
    page = {
        "id": "1",
        "title": "Відпустка",
        "body_storage": "<p>Заяву подають керівнику за два тижні.</p>",
        "labels": ["відпустка"],
        **fields,
    }
    return json.dumps({key: value for key, value in page.items() if value is not None})


def read(*lines: str) -> list[Sample]:
    return read_samples("pages.jsonl", lines, read_page)


def refusal(*lines: str) -> str:
    with pytest.raises(MalformedPayload) as caught:
        read(*lines)
    return caught.value.reason


class TestReadSamples:
    """Tests for read_samples()."""

    def test_real_pages_are_read(self) -> None:
        """Three sites, three languages, markup gone."""
        samples = real_samples()

        assert len(samples) == 22
        assert {one.language for one in samples} == {"de", "en", "uk"}
        assert {one.source for one in samples} == {
            "github-docs-de",
            "digitalgov-en",
            "istio-uk",
        }
        assert all(one.summary and one.labels for one in samples)
        assert not any("<ac:" in one.text.text for one in samples)

    def test_what_is_not_told_is_found_out(self) -> None:
        """The language from the text; one site; no summary; blank lines are nothing."""
        (sample,) = read("", line(), "  ")

        assert (sample.language, sample.source, sample.summary) == ("uk", "site", "")
        assert sample.labels == {"відпустка"}

    def test_labels_may_be_the_keys_of_an_object(self) -> None:
        """Whoever keeps definitions beside them need not take them apart."""
        (sample,) = read(line(labels={"a": "what it means"}))

        assert sample.labels == {"a"}

    def test_a_page_without_labels_is_only_remembered(self) -> None:
        """As long as another one has some."""
        samples = read(line(labels=[]), line(id="2"))

        assert [len(one.labels) for one in samples] == [0, 1]

    def test_other_line_separators_stay_inside_their_strings(self) -> None:
        """JSON lets U+2028 stand in a string as it is."""
        text = line(summary="eins").replace("eins", "eins\u2028zwei")

        assert read(text)[0].summary == "eins\u2028zwei"

    @pytest.mark.parametrize(
        ("bad", "told"),
        [
            ("{", "line 2: no JSON"),
            ("[1]", "line 2: not a JSON object"),
            ("[" * 100_000, "line 2: nested too deep"),
            (line(id=None), "line 2: id: missing"),
            (line(id=7), "line 2: id: expected text"),
            (line(id=" "), "line 2: id: expected text"),
            (line(title=None), "line 2: title: missing"),
            (line(body_storage=None), "line 2: body_storage: missing"),
            (line(body_storage="<p> </p>", id="2"), "line 2: page 2 has no text"),
            (line(labels=None), "line 2: labels: missing"),
            (line(labels="a"), "line 2: labels: expected a list"),
            (line(labels=["a", 1]), "line 2: labels: expected names"),
            (line(labels=[""]), "line 2: labels: expected names"),
            (line(lang=["uk"]), "line 2: lang: expected text"),
            (line(title="\ud800"), "line 2: half a surrogate"),
            (line(), "line 2: id 1 is that of line 1"),
        ],
    )
    def test_a_bad_line_is_named_by_its_number(self, bad: str, told: str) -> None:
        """So that a person finds it among thousands."""
        assert refusal(line(), bad).startswith(told)

    def test_nothing_to_measure_is_told(self) -> None:
        """No page at all, or none with a label."""
        assert refusal("", "\n") == "it holds no page"
        assert refusal(line(labels=[])).startswith("no page has a label")


class TestReadVocabulary:
    """Tests for read_vocabulary()."""

    def test_labels_of_each_source(self) -> None:
        """With definitions or without."""
        text = '{"a": {"x": "means this"}, "b": ["y", "z"]}'

        found = read_vocabulary("v.json", text, ["a", "b", "c"])

        assert found == {"a": {"x"}, "b": {"y", "z"}}

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "no JSON"),
            ("[]", "not a JSON object"),
            ('{"a": 1}', "labels: expected a list"),
            ('{"a": [null]}', "labels: expected names"),
            ('{"b": [], "a": [], "0": []}', "no page is of the source 0, b"),
        ],
    )
    def test_anything_else_is_refused(self, text: str, told: str) -> None:
        """A source without a page is a slip of the pen."""
        with pytest.raises(MalformedPayload) as caught:
            read_vocabulary("v.json", text, ["a"])

        assert caught.value.reason.startswith(told)
        assert caught.value.what == "v.json"
