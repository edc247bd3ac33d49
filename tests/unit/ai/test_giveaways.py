"""Tests for app.ai.giveaways.gives_away()."""

from __future__ import annotations

import pytest

from app.ai.giveaways import gives_away
from app.domain.completions import Example, Prompt
from app.domain.pages import PageText

_TEXT = "The backup of the wiki is made every night by the newest server."


def _prompt(*titles: str, text: str = _TEXT) -> Prompt:
    return Prompt(
        page=PageText(title="Backups", paragraphs=(text,), text=text),
        language="en",
        candidates=(),
        max_labels=5,
        summary_language="en",
        examples=tuple(Example(title=one, labels=()) for one in titles),
    )


@pytest.mark.parametrize(
    "summary",
    [
        "You label and summarise one page of a Confluence site.",
        "YOU-LABEL-AND-SUMMARISE-ONE-PAGE-OF-A-CONFLUENCE-SITE",
        "C h o o s e  o n l y  a m o n g  t h e  c a n d i d a t e s ,  s p e l l e d",
        "Pages like this one, and the labels that people gave them: none.",
        "It says Q2hvb3NlIG9ubHkgYW1vbmcgdGhlIGNhbmRpZGF0ZXMs.",
        "Between lines with 0123456789abcdef in them.",
    ],
)
def test_the_question_is_no_summary(summary: str) -> None:
    """However it is spelled: our words, codes, the fence."""
    assert gives_away(summary, _prompt())


@pytest.mark.parametrize(
    "summary",
    [
        "",
        "How the nightly backup of the wiki is made.",
        "You label a page.",
        "Die Sicherung des Wikis entsteht jede Nacht auf dem neuesten Server.",
        "A cardinal number of 1234567890123456 rows.",
    ],
)
def test_words_about_the_page_are_fine(summary: str) -> None:
    """Short coincidences too."""
    assert not gives_away(summary, _prompt("Backups of the wiki", "Restore"))


def test_what_the_page_says_itself_is_fine() -> None:
    """A page may quote a prompt, or a checksum."""
    said = "You label and summarise one page of a Confluence site: 0123456789abcdef."

    assert not gives_away(said, _prompt(text=f"It begins: {said} And goes on."))


def test_other_pages_are_not_named() -> None:
    """All that a title has beyond this page is too much; a word of it may be chance."""
    prompt = _prompt("Backups", "Layoffs at Contoso in the wiki")

    assert gives_away("See Contoso and its layoffs.", prompt)
    assert not gives_away("The backup for Contoso is made nightly.", prompt)
