"""Telling the language of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.languages import (
    detect,
    is_same,
    is_told_apart,
    language_of,
    script_for,
    script_of,
)
from app.domain.pages import PageText
from tests.unit.domain.site_pages import make_text, sample_lines, sample_text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("This page shows how to restore a backup of the database.", "en"),
        ("Diese Seite zeigt, wie du die Datenbank wiederherstellst.", "de"),
        ("Ця сторінка показує, як відновити резервну копію бази даних.", "uk"),
        ("Эта страница показывает, как восстановить копию базы данных.", "ru"),
        ("Вона має бути там, де її нема, але не тут", "uk"),
        ("Команда для запуску: kubectl apply -f pod.yaml у кластері Kubernetes", "uk"),
        ("Як створити кластер та додати вузли.", "uk"),
        ("Как создать кластер и добавить узлы.", "ru"),
        ("Как да създадете клъстер и да добавите възли.", "bg"),
        ("Настройка на сървъра и на клиента за работа с базата.", "bg"),
        ("Объект и подъезд: как их найти на карте", "ru"),
        ("Тази страница показва как да възстановите копие от базата", "bg"),
        ("Гэтая старонка паказвае, як аднавіць копію базы, зробленую ўчора", "be"),
        ("Ова страница показује како да вратите копију базе", "sr"),
        ("Оваа страница покажува како да ѓи вратите копиите од базата", "mk"),
        ("Deze pagina laat zien hoe je de database herstelt in de wiki", "nl"),
        ("Hoe je een back-up van de wiki herstelt.", "nl"),
        ("In dit artikel wordt uitgelegd hoe u de server instelt.", "nl"),
        ("In diesem Artikel wird der Server eingerichtet.", "de"),
        ("Ta strona pokazuje, jak przywrócić kopię bazy danych do wiki", "pl"),
        ("Jak obnovit zálohu databáze a co je třeba udělat.", "cs"),
        ("Hur man återställer en säkerhetskopia av databasen.", "sv"),
        ("Hvordan man gendanner en sikkerhedskopi af databasen.", "da"),
        ("Comment restaurer une sauvegarde de la base de données.", "fr"),
        ("Cómo restaurar una copia de seguridad de la base de datos.", "es"),
        ("Come ripristinare un backup del database della wiki.", "it"),
        ("Como restaurar uma cópia de segurança do banco de dados.", "pt"),
        ("Cum să restaurați o copie de rezervă a bazei de date.", "ro"),
        ("Veritabanının yedeği nasıl geri yüklenir ve ne zaman yapılır.", "tr"),
        ("Release in Berlin", "und"),
        ("Привет, друзья", "und"),
        ("Это не было там", "ru"),
        ("", "und"),
        ("42", "und"),
        ("🙂🙂🙂", "und"),
        ("東京都の会議", "ja"),
        ("东京会议", "zh"),
        ("데이터베이스를 복원하는 방법", "ko"),
        ("Πώς να επαναφέρετε τη βάση δεδομένων", "el"),
        ("كيفية استعادة قاعدة البيانات", "und"),
        ("Ceci est une page qui montre comment restaurer", "fr"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    """Letters and common words tell a language; without either none is claimed."""
    found = detect(text)

    assert found == language


def test_real_pages_are_recognised() -> None:
    """Each sample page is in the language that its site says."""
    pages = [(sample_text(line), line["language"]) for line in sample_lines()]

    found = [detect("\n".join((page.title, *page.paragraphs))) for page, _ in pages]

    assert found == [language for _, language in pages]


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    """No text makes it fail."""
    assert len(detect(text)) in {2, 3}


def test_most_of_the_prose_decides() -> None:
    """A Ukrainian preface does not make an English page Ukrainian, nor the reverse."""
    english = "This page shows how to restore a backup of the database."
    ukrainian = "Ця сторінка показує, як відновити копію бази даних."

    assert language_of(make_text("Backups", ukrainian, *[english] * 3)) == "en"
    assert language_of(make_text("Backups", english, *[ukrainian] * 3)) == "uk"


def test_code_and_names_have_no_vote() -> None:
    """What is no prose is told by the whole text, or not at all."""
    names = make_text("Сервери", *["alpha", "beta", "gamma"] * 9)
    code = PageText(
        title="Як це запустити", paragraphs=("Запустіть це так:",), text="kubectl " * 99
    )

    assert language_of(names) == "und"
    assert language_of(code) == "und"
    assert language_of(make_text("Як відновити копію бази даних")) == "uk"
    assert language_of(make_text("")) == "und"


def test_a_long_page_votes_from_its_beginning_to_its_end() -> None:
    """The first thousand paragraphs do not outvote the two thousand behind them."""
    english = ["This page shows how to restore a backup of the database."] * 1_000
    german = ["Diese Seite zeigt, wie du die Datenbank wiederherstellst."] * 2_000

    assert language_of(make_text("Backups", *english, *german)) == "de"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Backup", "latin"),
        ("Копія", "cyrillic"),
        ("Копія backup", "latin"),
        ("东京会议", "other"),
        ("42", "other"),
    ],
)
def test_scripts(text: str, script: str) -> None:
    """A text's script is that of most of its letters."""
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("language", "script"),
    [("nl", "latin"), ("bg", "cyrillic"), ("sr", "cyrillic"), ("ja", "other")],
)
def test_scripts_of_languages(language: str, script: str) -> None:
    """What we can tell has a script; what we cannot has none."""
    assert script_for(language) == script
    assert is_told_apart(language)
    assert not is_told_apart("fi")


def test_neighbours_are_one() -> None:
    """Danish and Norwegian sentences are too alike to say no to one of them."""
    assert is_same("da", "no")
    assert is_same("nl", "nl")
    assert not is_same("nl", "de")
