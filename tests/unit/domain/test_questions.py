"""The question about one page."""

from __future__ import annotations

from app.domain.drafts import LENGTHS
from app.domain.questions import question
from app.domain.ranking import Consultation
from tests.unit.domain.site_pages import make_text

ADVICE = Consultation(candidates=(), examples=())
SENTENCE = "This page shows how to restore a backup of the wiki's database at night."


def test_languages_are_the_page_s_own() -> None:
    """Unless the policy names others."""
    page = make_text("Backup", SENTENCE)

    own = question(page, ADVICE, max_labels=3)
    other = question(
        page, ADVICE, max_labels=3, summary_language="uk", label_language="de"
    )

    assert (own.language, own.summary_language, own.label_language) == ("en",) * 3
    assert other.language == "en"
    assert (other.summary_language, other.label_language) == ("uk", "de")
    assert own.draft == other.draft == SENTENCE


def test_one_sentence_unless_more_are_allowed() -> None:
    """A long page may have as many as the policy says, a short one has one."""
    short = make_text("Backup", SENTENCE)
    long = make_text("Backup", SENTENCE, *["word " * 50] * (LENGTHS[1] // 50))

    assert question(long, ADVICE, max_labels=3).sentences == 1
    assert question(long, ADVICE, max_labels=3, sentences=3).sentences == 3
    assert question(short, ADVICE, max_labels=3, sentences=3).sentences == 1
