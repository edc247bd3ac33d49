"""Tests for app.domain.advice.titles."""

from __future__ import annotations

import pytest

from app.domain.advice.titles import unclear_title
from tests.unit.domain.advice.pages import prose, seen

TAPES = "<p>The backup tapes are kept in the safe. Backup tapes are labelled.</p>"


class TestTitles:
    """Whether a title tells what its page is about."""

    @pytest.mark.parametrize(
        ("title", "signal"),
        [
            ("Untitled", "says_nothing"),
            ("New page (2)", "says_nothing"),
            ("Notes 3", "says_nothing"),
            ("test", "says_nothing"),
            ("Без назви", "says_nothing"),
            ("Нотатки", "says_nothing"),
            ("Neue Seite", "says_nothing"),
            ("Copy of Backup tapes", "copy"),
            ("Копія Стрічки", "copy"),
            ("Kopie von Bänder", "copy"),
            ("Tapes - Copy", "copy"),
            ("Tapes (copy 2)", "copy"),
            ("2024-03-05", "date_alone"),
            ("5 березня 2024 р.", "date_alone"),
            ("OPS-1234", "code_alone"),
            ("ABC 12", "code_alone"),
        ],
    )
    def test_unclear(self, title: str, signal: str) -> None:
        """One finding a title, and of the best reading."""
        (found,) = unclear_title(seen(TAPES, title=title))

        assert found.signal == signal
        assert found.facts["better"]

    @pytest.mark.parametrize(
        "title",
        [
            "Backup tapes",
            "Notes on tapes",
            "Test of the restore",
            "Copying tapes",
            "FAQ",
            "CVE-2024-3094",
            "ISO 27001",
            "Meeting 2024-03-05",
            "S3",
        ],
    )
    def test_clear(self, title: str) -> None:
        """Words that say something, and names that everybody uses."""
        assert list(unclear_title(seen(TAPES, title=title))) == []

    def test_title_that_has_nothing_to_do_with_the_text(self) -> None:
        """No piece of any word of it stands there."""
        english = (
            "<p>The backup of the mail is made and is kept with all of it.</p>" * 12
        )

        (found,) = unclear_title(seen(english, title="Grounding cables"))
        assert found.signal == "unrelated"
        assert list(unclear_title(seen(english, title="Restoring mailboxes"))) == []

    @pytest.mark.parametrize(
        ("title", "body"),
        [
            ("Grounding cables", "<p>The backup of the mail is made.</p>"),
            ("Cables", "<p>The backup of the mail is made and is kept.</p>" * 20),
            ("Кабелі землі", "<p>The backup of the mail is made and is kept.</p>" * 20),
            ("Grounding cables", prose(200, "qx")),
            (
                "Grounding cables",
                "<p>The backup of the mail is made and is kept.</p>" * 20
                + "<pre>ssh host</pre>",
            ),
        ],
    )
    def test_too_little_to_say_so(self, title: str, body: str) -> None:
        """Short texts, short titles, two scripts, no language, code."""
        assert list(unclear_title(seen(body, title=title))) == []

    @pytest.mark.parametrize(
        ("body", "better"),
        [
            (
                f"<h2>Overview</h2>{TAPES}<h2>Tapes in the safe</h2>",
                "Tapes in the safe",
            ),
            (f"<h2>2024-03-05</h2>{TAPES}", "backup tapes"),
            (f"<h2>Notes</h2>{TAPES}", "backup tapes"),
            ("<p>Once.</p>", ""),
        ],
    )
    def test_better_one_is_in_the_page_s_own_words(
        self, body: str, better: str
    ) -> None:
        """Its first heading that says something, or what it repeats, or none."""
        (found,) = unclear_title(seen(body, title="Untitled"))

        assert found.facts.get("better", "") == better
