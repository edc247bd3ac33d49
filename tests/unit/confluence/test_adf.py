"""Tests for app.confluence.adf.read_adf()."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.confluence.adf import MAX_BODY
from app.domain.pages import PageText
from tests.unit.confluence.doubles import read


def _read(*content: Any) -> PageText:
    body = json.dumps({"type": "doc", "version": 1, "content": list(content)})
    return read(body, body_format="atlas_doc_format")


def _paragraph(*parts: str | dict[str, Any]) -> dict[str, Any]:
    nodes = [{"type": "text", "text": p} if isinstance(p, str) else p for p in parts]
    return {"type": "paragraph", "content": nodes}


def test_table_rows_are_lines() -> None:
    """Cells of a row stand on one line, rows below one another."""
    rows = [
        {
            "type": "tableRow",
            "content": [
                {"type": "tableCell", "content": [_paragraph(f"{name}{n}")]}
                for n in (1, 2)
            ],
        }
        for name in "ab"
    ]

    text = _read(_paragraph("x"), {"type": "table", "content": rows}, _paragraph("y"))

    assert text.text == "x\na1 | a2\nb1 | b2\n\ny"


def test_date_is_written_out() -> None:
    """A date node's milliseconds become an ISO date between its words."""
    date = {"type": "date", "attrs": {"timestamp": 1773446400000}}

    text = _read(_paragraph("due", date, "soon"))

    assert text.paragraphs == ("due 2026-03-14 soon",)


@pytest.mark.parametrize("timestamp", [None, "x", "9" * 5000, 10**40, [], True])
def test_bad_date_is_dropped(timestamp: Any) -> None:
    """A timestamp that is none leaves the words around it."""
    date = {"type": "date", "attrs": {"timestamp": timestamp}}

    text = _read(_paragraph("due ", date, " soon"))

    assert text.text == "due soon"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[]", id="list"),
        pytest.param("null", id="null"),
        pytest.param('"text"', id="string"),
        pytest.param("{", id="cut"),
        pytest.param("<p>storage</p>", id="storage"),
        pytest.param('{"type": "doc"}', id="no-content"),
        pytest.param('{"content": [1, null, "x", []]}', id="no-nodes"),
    ],
)
def test_what_is_no_document_is_damaged(body: str) -> None:
    """A body of another shape yields no text, and says so."""
    text = read(body, body_format="atlas_doc_format")

    assert text.damaged
    assert text.is_empty


def test_fields_of_wrong_type_are_passed_over() -> None:
    """Nodes whose fields are of no use do not hide their neighbours."""
    strange = [
        {"type": "text", "text": 5},
        {"type": [], "content": "x"},
        {"type": "status", "attrs": "x"},
        {"type": "bodiedExtension", "attrs": {"parameters": []}},
        {"type": "codeBlock", "content": [None, {"text": {}}]},
    ]

    text = _read(*strange, _paragraph("kept"))

    assert text.text == "kept"


def test_cut_json_keeps_its_texts() -> None:
    """Of JSON that breaks off, the texts before the break are kept."""
    whole = json.dumps(
        {"type": "doc", "content": [_paragraph("Привіт"), _paragraph('say "hi"')]}
    )

    text = read(whole[:-4], body_format="atlas_doc_format")

    assert text.paragraphs == ("Привіт", 'say "hi"')
    assert text.damaged


def test_nesting_beyond_the_decoder_keeps_its_texts() -> None:
    """JSON too deep for the decoder is searched for its texts."""
    deep = '{"type":"panel","content":[' * 100_000 + '{"type":"text","text":"deep"}'

    text = read(deep, body_format="atlas_doc_format")

    assert text.text == "deep"
    assert text.damaged


def test_deep_nodes_are_read() -> None:
    """Two hundred levels of nodes are no trouble."""
    node = _paragraph("deep")
    for _ in range(200):
        node = {"type": "panel", "content": [node]}

    text = _read(node)

    assert text.text == "deep"
    assert not text.damaged


def test_huge_body_is_searched_and_told() -> None:
    """Beyond 5 MB the text found before the limit is kept."""
    body = json.dumps({"content": [_paragraph("first"), _paragraph("x" * MAX_BODY)]})

    text = read(body, body_format="atlas_doc_format")

    assert text.text == "first"
    assert text.damaged


def test_surrogates_in_text_can_be_stored() -> None:
    """Half a surrogate pair, which JSON may carry, does not reach the text."""
    text = _read(_paragraph("a\ud800b"))

    assert text.text == "ab"
