"""Tests for app.confluence.reading.read_page() over whole bodies of both formats."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings, strategies as st

from app.domain.pages import BodyFormat
from tests.unit.confluence.doubles import read, sample

_KEEP = re.compile(r"KEEP[-_][\w-]*\w")
_DROP = re.compile(r"DROP[\w-]*")

_FORMATS: list[tuple[str, BodyFormat]] = [
    ("storage_markers/body.xml", "storage"),
    ("confluence_live_page/body.json", "atlas_doc_format"),
]

#: Pieces that hostile bodies are put together from.
_PIECES = [
    "<p>",
    "</p>",
    "<b",
    "<ac:parameter ac:name='x'>",
    "<ac:structured-macro ac:name='code'>",
    "</ac:structured-macro>",
    "<![CDATA[",
    "]]>",
    "&nbsp;",
    "&#0;",
    "&bogus;",
    "&",
    "<!DOCTYPE x [<!ENTITY e 'x'>]>",
    "<?pi?>",
    "<!--",
    "-->",
    '"',
    "'",
    ">",
    "слово",
    "Größe",
    "\x00",
    "\ud800",
    "\uffff",
]


@pytest.mark.parametrize(("name", "body_format"), _FORMATS)
def test_every_visible_word_is_kept(name: str, body_format: BodyFormat) -> None:
    """Whatever a reader sees on the page is in the text, once."""
    body = sample(name)

    text = read(body, body_format=body_format)

    assert sorted(_KEEP.findall(text.text)) == sorted(_visible_markers(body))
    assert not text.damaged


def _visible_markers(body: str) -> list[str]:
    # The one link whose body has markup inside is one word to a reader.
    return _KEEP.findall(body.replace("KEEP-<em>link-body</em>", "KEEP-link-body"))


@pytest.mark.parametrize(("name", "body_format"), _FORMATS)
def test_noise_is_dropped(name: str, body_format: BodyFormat) -> None:
    """Parameters, ids, fallbacks, mentions and our own summary are no text."""
    text = read(sample(name), body_format=body_format)

    assert _DROP.findall(text.text) == []


@pytest.mark.parametrize(("name", "body_format"), _FORMATS)
def test_parts_are_parts_of_the_whole(name: str, body_format: BodyFormat) -> None:
    """Each paragraph, heading and code block is found in the text."""
    text = read(sample(name), body_format=body_format)

    parts = (*text.paragraphs, *text.headings, *text.code)
    assert [part for part in parts if part not in text.text] == []
    assert text.headings
    assert text.code


def test_ukrainian_page() -> None:
    """A real Ukrainian page yields its prose, table rows, headings and code."""
    text = read(sample("storage_ukrainian/body.xml"), title="Розподіл")

    assert text.headings == (
        "Налаштування розподілу за коефіцієнтами",
        "Перевірка розподілу",
        "Наступні кроки",
    )
    assert text.paragraphs[0].startswith("Дотримуйтесь настанов цього посібника")
    assert "обовʼязково" in text.paragraphs[1]
    assert "Регіон | Зона | % трафіку\nregion1 | zone1 | 70\n" in text.text
    assert text.code[0].startswith('$ kubectl --context="${CTX_PRIMARY}" apply')
    assert "        - from: region1/zone1/*\n          to:\n" in text.code[0]
    assert not text.damaged


def test_german_page() -> None:
    """A real German page yields its list, note and umlauts."""
    text = read(sample("storage_german/body.xml"))

    assert "\nC#\nCodeQL\nGo\n" in text.text
    assert "Hinweis: Code-Navigation funktioniert für aktive Branches." in text.text
    assert "Registerkarte „Jump" not in text.text
    assert text.headings[0] == "Über Code-Navigation auf GitHub"


def test_page_without_body_is_empty() -> None:
    """A page whose body was not asked for, or is blank, has no text but a title."""
    texts = [
        read(None),
        read(""),
        read(" \n "),
        read("", body_format="atlas_doc_format"),
    ]

    assert [text.is_empty for text in texts] == [True] * 4
    assert not any(text.damaged for text in texts)
    assert texts[0].title == "Title"


def test_title_is_tidied() -> None:
    """The title is in the same spelling as the text."""
    text = read("", title="  Розгор\u00adтання\u00a0 API\u200b ")

    assert text.title == "Розгортання API"


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=20), max_size=40))
@settings(max_examples=300, deadline=None)
def test_storage_never_raises(pieces: list[str]) -> None:
    """Any string whatever is read without an error, into text that can be stored."""
    text = read("".join(pieces))

    assert text.text.encode("utf-8") is not None


@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda values: (
            st.lists(values, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "content", "text", "attrs", "title"])
                | st.text(max_size=5),
                values,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
    .map(str)
    .map(lambda text: text.replace("'", '"').replace("None", "null"))
)
@settings(max_examples=200, deadline=None)
def test_adf_never_raises(body: str) -> None:
    """Any string whatever is read as ADF without an error."""
    text = read(body, body_format="atlas_doc_format")

    assert text.text.encode("utf-8") is not None


@given(st.lists(st.text("абвгґєіїйщьюяäöüßaz'ʼ", min_size=1, max_size=9), min_size=1))
@settings(deadline=None)
def test_words_survive_any_cut(words: list[str]) -> None:
    """Cut anywhere outside a tag, a body loses no word before the cut."""
    body = "".join(f"<ul><li><p>{word}</p>" for word in words)

    text = read(body)

    assert text.text.split() == words


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<b>" * 100_000 + "deep", id="nesting"),
        pytest.param("<a '\"" * 200_000, id="quotes"),
        pytest.param("<" * 1_000_000, id="angles"),
        pytest.param("<!DOCTYPE [" * 100_000, id="doctypes"),
        pytest.param("<!--" * 200_000, id="comments"),
        pytest.param("<![CDATA[" * 100_000, id="cdata"),
        pytest.param("&" * 1_000_000, id="ampersands"),
        pytest.param("</p>" * 200_000, id="ends"),
        pytest.param("<p>x" * 100_000, id="unclosed"),
        pytest.param("<ac:adf-fallback/>" * 50_000, id="fallbacks"),
        pytest.param("<a " + "x='1' " * 100_000 + ">t", id="attributes"),
    ],
)
def test_hostile_markup_takes_linear_time(body: str) -> None:
    """Bodies made to be slow are read in a few seconds at the very most."""
    started = time.process_time()

    read(body)

    assert time.process_time() - started < 20  # quadratic work would take minutes
