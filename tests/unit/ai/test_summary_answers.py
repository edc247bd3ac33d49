"""What of a model's summary may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.ai.summary_answers import Summary, read_summary
from app.domain.completions import Prompt
from app.domain.pages import PageText

ENGLISH = "The backup of the wiki is made every night. It is kept for thirty days."
UKRAINIAN = (
    "Резервну копію вікі роблять щоночі о 02:30. Її зберігають тридцять днів на диску."
)
GERMAN = "Die Sicherung des Wikis wird jede Nacht gemacht und 30 Tage lang aufbewahrt."
DUTCH = "De back-up van de wiki wordt elke nacht gemaakt en dertig dagen bewaard."
FINNISH = "Wikin varmuuskopio tehdään joka yö ja sitä säilytetään kolmekymmentä päivää."
PAGES: Mapping[str, str] = {
    "en": ENGLISH,
    "uk": UKRAINIAN,
    "de": GERMAN,
    "nl": DUTCH,
    "und": FINNISH,
}


def read(
    written: object,
    *,
    page: str = "en",
    asked: str | None = None,
    told: str = "und",
    **more: Any,
) -> Summary:
    """Read a summary of a page in a language, asked for in one."""
    text = PAGES[page]
    prompt = Prompt(
        page=PageText(title="", paragraphs=(text,), text=text),
        language=page,
        candidates=(),
        max_labels=3,
        summary_language=page if asked is None else asked,
        draft=text.partition(". ")[0].rstrip(".") + ".",
        **more,
    )
    return read_summary(written, prompt, told=told)


class TestLanguages:
    """In which language a summary may be."""

    @pytest.mark.parametrize("page", PAGES)
    def test_the_page_s_own_is_kept(self, page: str) -> None:
        """A summary in the page's language stands, whatever that is."""
        found = read(PAGES[page], page=page, sentences=3)

        assert found.text == PAGES[page]
        assert found.language == page
        assert found.oddities == ()

    @pytest.mark.parametrize("page", ["uk", "de", "nl", "und"])
    @pytest.mark.parametrize("told", ["en", "und"])
    def test_no_page_flips_to_english(self, page: str, told: str) -> None:
        """English about a page in another language gives way to the draft."""
        found = read(ENGLISH, page=page, told=told, sentences=2)

        assert found.text in PAGES[page]
        assert found.language == page

    @pytest.mark.parametrize(
        ("page", "written"),
        [
            ("uk", "Резервную копию вики делают каждую ночь и хранят тридцать дней."),
            ("uk", "Резервното копие на уикито се прави всяка нощ и се пази."),
            ("de", DUTCH),
            ("nl", GERMAN),
        ],
        ids=["ru-uk", "bg-uk", "nl-de", "de-nl"],
    )
    def test_neighbours_are_told_apart(self, page: str, written: str) -> None:
        """A language that looks alike is another one."""
        found = read(written, page=page)

        assert found.text in PAGES[page]
        assert found.oddities == ("summary_in_another_language",)

    @pytest.mark.parametrize(
        ("asked", "written"),
        [
            ("uk", "Копію вікі роблять щоночі й зберігають 30 днів."),
            ("de", GERMAN),
            ("nl", DUTCH),
            ("ja", "ウィキのバックアップは毎晩作成され、30日間保存されます。"),
            ("fi", FINNISH),
            ("no", "Sikkerhedskopien af wikien laves hver nat og gemmes i 30 dage."),
            ("ar", "يتم إنشاء نسخة احتياطية كل ليلة وتحفظ لمدة 30 يومًا"),
        ],
    )
    def test_a_translation_stands_if_it_is_one(self, asked: str, written: str) -> None:
        """A policy's language is kept; numbers are held against the page all the same."""
        found = read(written, asked=asked)

        assert (found.text, found.language, found.oddities) == (written, asked, ())
        wrong = read(f"{written[:-1]} 45 000.", asked=asked)
        assert wrong.oddities == (
            "summary_number_not_on_page",
            "summary_not_translated",
        )

    @pytest.mark.parametrize("asked", ["uk", "de", "nl", "ja", "fi", "ar"])
    def test_what_was_not_translated_says_so(self, asked: str) -> None:
        """The page's own sentence stands, under the page's own language."""
        found = read(ENGLISH, asked=asked, sentences=2)

        assert (found.text, found.language) == (ENGLISH.partition(" It")[0], "en")
        assert found.oddities == (
            "summary_in_another_language",
            "summary_not_translated",
        )


class TestText:
    """What is taken off."""

    @pytest.mark.parametrize(
        "written",
        [
            "<think>Hm, 99 things.</think>The backup is made every night.",
            "Let me see.</thinking> The backup is made every night.",
            "The backup is made every night. <think>Was it?",
            "The b\u200dackup is m\u200cade every night.",
            "\u202eThe backup\u202c is \u200bmade every\ufeff night.",
            "&lt;p&gt;The backup is made every night.&lt;/p&gt;",
            "**The backup** is [made](https://x.example/y) every night.",
        ],
    )
    def test_plain_text_remains(self, written: str) -> None:
        """No thought, mark, joiner, direction or tag is shown."""
        assert read(written).text == "The backup is made every night."

    def test_a_sentence_too_long_is_cut(self) -> None:
        """The others stay whole."""
        long = "The backup of the wiki is made " + "every night " * 40 + "."

        found = read(f"{long} It is kept for thirty days.", sentences=2)

        assert found.text.endswith("… It is kept for thirty days.")
        assert found.oddities == ("summary_too_long",)
        assert len(found.sources) == 2

    @pytest.mark.parametrize("written", [None, 7, [], {}, "", "<think>all of it"])
    def test_nothing_is_missing(self, written: object) -> None:
        """What is no text is a missing summary."""
        assert read(written).oddities == ("summary_missing",)


class TestSupport:
    """What the page does not bear out."""

    def test_the_rest_stands(self) -> None:
        """A sentence with a number of its own goes, with its reason."""
        found = read(f"{ENGLISH} It takes 99 minutes.", sentences=3)

        assert found.text == ENGLISH
        assert [one.quote for one in found.sources] == [
            "The backup of the wiki is made every night.",
            "It is kept for thirty days.",
        ]
        assert found.oddities == ("summary_number_not_on_page",)

    def test_where_nothing_is_left_the_draft_stands(self) -> None:
        """It quotes itself."""
        found = read("Contoso pays for the backup of the wiki.")

        (source,) = found.sources
        assert source.sentence == source.quote == found.text
        assert found.oddities == ("summary_name_not_on_page",)
