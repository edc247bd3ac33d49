"""Holding a summary against its page."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from app.domain.completions import Passage
from app.domain.german_nouns import is_common_noun
from app.domain.pages import PageText
from app.domain.support import Grounds, told
from tests.unit.domain.site_pages import make_text

PAGE = PageText(
    title="Backup of the wiki",
    paragraphs=(),
    headings=("Schedule", "Who to ask"),
    text=(
        "The wiki holds 1,250 pages and 3.5 GB of files; version v2.14.3 runs since "
        "2026-05-01.\n\n"
        "Schedule\n\n"
        "A backup is made every night at 02:30 and kept for thirty days. The job "
        "`nightly_dump` of Grafana's operator calls `pg_dump --format=custom`.\n\n"
        "```\nexport DUMP_DIR=/var/backups\n```\n\n"
        "Who to ask\n\n"
        "Olena Kovalenko (olena@example.com) restores backups. The Service Level "
        "Agreement with Contoso allows 4 hours.\n"
        "Host | Region\ndb-7.example.com | eu-central-1"
    ),
)
GROUNDS = Grounds(PAGE)


def objection(sentence: str, page: PageText = PAGE, *, same: bool = True) -> str:
    """Return what speaks against a sentence."""
    return Grounds(page).objection(sentence, same_language=same)


class TestNumbers:
    """Numbers, versions, dates."""

    @pytest.mark.parametrize(
        "sentence",
        [
            "The wiki has 1250 pages.",
            "The wiki has 1 250 pages.",
            "The wiki has 1.250 pages.",
            "The wiki has 1’250 pages.",
            "Its files take 3,5 GB.",
            "Its files take 3.5GB.",
            "Backups are kept for 30 days.",
            "Backups are kept for thirty days.",
            "A backup is made at 02:30.",
            "A backup is made at 2:30.",
            "Version 2.14.3 runs there.",
            "Version v2.14 runs there, or version 2.",
            "It runs since May 1, 2026.",
            "It runs since 01.05.2026.",
            "Restoring takes up to 4 hours.",
            "Restoring takes 4-hour windows.",
            "The database runs on db-7 in eu-central-1.",
            "The wiki keeps seven backups at night.",
        ],
    )
    def test_numbers_in_any_spelling(self, sentence: str) -> None:
        """Separators, units, words, dates and shortened versions say the same."""
        assert objection(sentence) == ""

    @pytest.mark.parametrize(
        "sentence",
        [
            "The wiki has 1251 pages.",
            "The wiki has 12,500 pages.",
            "Backups are kept for 31 days.",
            "Its files take 5.3 GB.",
            "Version 2.15 runs there.",
            "Version v2.14.4 runs there.",
            "It runs since 2027-05-01.",
            "It runs since May 3, 2026.",
            "Restoring takes up to 9h.",
            "Restoring takes 40 % less time.",
            "The database runs on db-8 in eu-central-1.",
            "The database runs on k8s nodes.",
            "Memo M-30-25 allows 4 hours.",
            "Memo M-25 allows 4 hours.",
        ],
    )
    def test_numbers_that_the_page_lacks(self, sentence: str) -> None:
        """A number of the model's own is told by name."""
        assert objection(sentence) == "number_not_on_page"

    def test_thousands_of_the_page_in_groups(self) -> None:
        """A space between the digits of the page is no end of the number."""
        page = make_text("Wiki", "The wiki has 1 250 pages in 2024 and 30 spaces.")

        assert objection("The wiki has 1,250 pages and 30 spaces.", page) == ""
        assert objection("The wiki has 12,500 pages.", page) == "number_not_on_page"

    def test_a_sign_of_the_page_stays(self) -> None:
        """Letters and digits that stand there in one piece are the page's."""
        page = make_text("Memo", "OMB Memo M-23-22 and COVID-19 rules apply, says W3C.")

        assert objection("Memo M-23-22 sets rules for COVID-19 and W3C.", page) == ""
        assert objection("Memo M-23-23 sets rules.", page) == "number_not_on_page"


class TestNames:
    """Names, addresses, what belongs to code."""

    @pytest.mark.parametrize(
        "sentence",
        [
            "Backups are restored by Olena Kovalenko.",
            "Olena’s backups are Contoso's.",
            "Ask olena@example.com to restore backups.",
            "The SLA allows 4 hours.",
            "The job nightly_dump calls pg_dump --format=custom at night.",
            "Backups are at /var/backups on db-7.example.com.",
            "It's what I'll do: DON'T stop the backup.",
            "They say: “Restoring takes hours.”",
            "Backups are made in May.",
            "Page explains how backups are made.",
            "Deployment makes backups.",
            "How wikis, e.g. this one, are kept.",
        ],
    )
    def test_names_of_the_page(self, sentence: str) -> None:
        """In any form, or as the first letters of their words."""
        assert objection(sentence) in {"", "not_said_on_page"}

    @pytest.mark.parametrize(
        "sentence",
        [
            "Backups are restored by Olena Petrenko.",
            "Backups are restored with Stripe.",
            "Stripe restores backups.",
            "Backups are restored in Toronto by Olena.",
            "Ask ena@example.com to restore backups.",
            "Ask oleg@example.com to restore backups.",
            "The RPO allows 4 hours.",
            "Backups are kept (in Berlin) for days.",
            "The job hourly_dump calls pg_dump.",
            "The job calls pg_dump --compress at night.",
            "The job uses OpenSearch at night.",
            "Backups are on db.contoso.net at night.",
            "See https://wiki.example.com for backups.",
        ],
    )
    def test_names_that_the_page_lacks(self, sentence: str) -> None:
        """A name of the model's own is told by name."""
        assert objection(sentence) == "name_not_on_page"

    def test_ukrainian_names_have_cases(self) -> None:
        """An ending more or less is still the same name."""
        page = make_text(
            "Копії",
            "Копії робить Олена Коваленко з Вінниці. Podʼи збирає Ігор у Харкові.",
        )

        assert objection("Копії для Вінниці робила Олена.", page) == ""
        assert objection("Копії збирають для Ігоря та Pod'ів.", page) == ""
        assert objection("Копії збирають для Маргарити.", page) == "name_not_on_page"

    def test_german_nouns_are_no_names(self) -> None:
        """By ending, by the last part of a compound, by the list; names still are."""
        page = make_text(
            "Sicherung", "Die Datenbank des Wikis wird jede Nacht gesichert."
        )

        assert objection("Die Wiederherstellung der Datenbank.", page) == ""
        assert objection("Der Inhalt der Wiki-Datenbank je Gruppe.", page) == ""
        assert objection("Gründe für den Repository-Zugriff auf Wikis.", page) != ""
        assert objection("Die Datenbank von Contoso.", page) == "name_not_on_page"
        assert objection("Die Datenbank, die Sie und Ihre nutzen.", page) == ""


class TestWording:
    """How much of a sentence the page has to know."""

    def test_a_sentence_of_another_page_is_dropped(self) -> None:
        """Lower-case claims count too, as far as their words tell."""
        sentence = "Vacation requests must be approved by the team lead in advance."

        assert objection(sentence) == "not_said_on_page"

    def test_a_paraphrase_stays(self) -> None:
        """Other endings and some other words are no invention."""
        sentence = "How nightly backups of the wiki get made, kept and restored."

        assert objection(sentence) == ""

    def test_too_few_words_tell_nothing(self) -> None:
        """A short sentence is held against numbers and names only."""
        assert objection("Vacation rules apply.") == ""

    def test_in_another_language_only_what_all_write_alike_counts(self) -> None:
        """Names may be transliterated; numbers and code may not change."""
        said = "Резервні копії роблять щоночі о 02:30 завданням nightly_dump у Grafana."

        assert objection(said, same=False) == ""
        for wrong, reason in (
            ("Копії роблять щоночі о 03:45.", "number_not_on_page"),
            ("Копії робить завдання hourly_dump.", "name_not_on_page"),
            ("Копії роблять у Microsoft.", "name_not_on_page"),
            ("Пишіть на oleg@example.com.", "name_not_on_page"),
        ):
            assert objection(wrong, same=False) == reason
        assert objection("Олена Петренко відновлює копії.", same=False) == ""

    def test_scripts_without_spaces(self) -> None:
        """Pairs of characters stand for words."""
        page = make_text("备份", "本页说明如何从备份中恢复数据库。")

        assert objection("如何从备份中恢复数据库。", page) == ""
        assert objection("员工假期申请审批流程规定。", page) == "not_said_on_page"


class TestPassage:
    """What speaks for a sentence."""

    def test_section_and_words(self) -> None:
        """The best sentence of the page, with its heading and what it covers."""
        found = GROUNDS.passage("A nightly backup is kept for 30 days.")

        assert found.section == "Schedule"
        assert found.quote.startswith("A backup is made every night at 02:30")
        assert 0.5 <= found.support < 1

    def test_rows_and_code_speak_too(self) -> None:
        """A table's row is quoted without its borders, code line by line."""
        assert GROUNDS.passage("db-7.example.com: eu-central-1").quote == (
            "db-7.example.com eu-central-1"
        )
        assert GROUNDS.passage("Set DUMP_DIR.").quote == "export DUMP_DIR=/var/backups"

    @pytest.mark.parametrize("sentence", ["", "…", "Nothing alike whatsoever."])
    def test_nothing_speaks_for_it(self, sentence: str) -> None:
        """Then the quote is empty."""
        found = GROUNDS.passage(sentence)

        assert (found.quote, found.section, found.support) == ("", "", 0.0)

    def test_long_quotes_are_cut(self) -> None:
        """A pointer is no copy of the page."""
        page = make_text("T", "backup " + "of many words " * 200)

        assert len(Grounds(page).passage("A backup of words.").quote) == 300

    def test_told_in_a_line(self) -> None:
        """Heading and quote; a sentence without a passage tells nothing."""
        passages = (
            Passage(sentence="a", quote="Kept 30 days.", section="Schedule"),
            Passage(sentence="b", quote="Ask Olena."),
            Passage(sentence="c", quote=""),
        )

        assert told(passages) == "Schedule: “Kept 30 days.” | “Ask Olena.”"


def test_only_bad_sentences_are_dropped() -> None:
    """What the page bears out stays, in its order."""
    checked = GROUNDS.check(
        "The wiki's backup is kept for 30 days. Contoso pays 99 dollars. "
        "Olena Kovalenko restores it.",
        same_language=True,
    )

    assert checked.summary == (
        "The wiki's backup is kept for 30 days. Olena Kovalenko restores it."
    )
    assert checked.dropped == ("number_not_on_page",)


@pytest.mark.parametrize(
    ("word", "known", "is_noun"),
    [
        ("verwaltung", (), True),
        ("gruppen", (), True),
        ("beiträge", (), True),
        ("lesezugriff", (), True),
        ("wikidatenbank", ("datenbank",), True),
        ("dich", (), True),
        ("microsoft", (), False),
        ("berlin", (), False),
        ("olena", ("lena",), True),
    ],
)
def test_german_nouns(word: str, known: tuple[str, ...], *, is_noun: bool) -> None:
    """Endings, lists and last parts tell nouns; a name may look like one."""
    assert is_common_noun(word, known) == is_noun


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text(text: str, summary: str) -> None:
    """Nothing makes it fail, and what stays is what was said."""
    grounds = Grounds(PageText(title="", paragraphs=(), text=text))

    for same in (True, False):
        checked = grounds.check(summary, same_language=same)
        assert all(
            one.sentence in " ".join(summary.split()) for one in checked.passages
        )


def test_a_huge_page_is_read_once() -> None:
    """Work grows with the page and no faster: 2 MB take a second or two."""
    line = "Підрозділ {0} описує сервер node-{0} та його копії, що їх робить Olena{0}."
    text = "\n\n".join(line.format(number) for number in range(30_000))
    page = PageText(title="Сервери", paragraphs=(), text=text)
    began = time.process_time()

    checked = Grounds(page).check(
        "Підрозділ 29999 описує сервер node-29999. Копії робить Olena12345.",
        same_language=True,
    )

    assert time.process_time() - began < 40  # quadratic work would take hours
    assert len(checked.passages) == 2
    assert "29999" in checked.passages[0].quote
