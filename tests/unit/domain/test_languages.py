"""Telling the language of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.languages import detect
from tests.unit.domain.site_pages import sample_lines, sample_text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("This page shows how to restore a backup of the database.", "en"),
        ("Diese Seite zeigt, wie du die Datenbank wiederherstellst.", "de"),
        ("Ця сторінка показує, як відновити резервну копію бази даних.", "uk"),
        ("Эта страница показывает, как восстановить копию базы данных.", "ru"),
        ("Вона має бути там, де її нема, але не тут", "uk"),
        ("Команда для запуску: kubectl apply -f pod.yaml у кластері Kubernetes", "uk"),
        ("Тази страница показва как да възстановите копие от базата", "und"),
        ("Гэтая старонка паказвае, як аднавіць копію базы, зробленую ўчора", "und"),
        ("Ова страница показује како да вратите копију базе", "und"),
        ("Deze pagina laat zien hoe je de database herstelt in de wiki", "und"),
        ("Ta strona pokazuje, jak przywrócić kopię bazy danych do wiki", "und"),
        ("Привет, друзья", "und"),
        ("Это не было там", "ru"),
        ("", "und"),
        ("42", "und"),
        ("🙂🙂🙂", "und"),
        ("東京都の会議", "und"),
        ("Ceci est une page qui montre comment restaurer", "und"),
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
    assert detect(text) in {"en", "de", "uk", "ru", "und"}
