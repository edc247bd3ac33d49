"""What is said of a finding, in the page's own language; others are told in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.domain.advice.findings import Finding

#: Languages that there are words for; the first is for all others.
LANGUAGES: Final = ("en", "uk", "de")

_Said = tuple[str, str, str]

#: By signal, in the order of `LANGUAGES`. Titles and passages go in as they are.
_ADVICE: Final[Mapping[str, _Said]] = {
    "nobody_named": (
        "Nobody is named who answers for this page. Say who does, or where to ask.",
        "Не вказано, хто відповідає за цю сторінку. Назвіть відповідального або місце, де можна запитати.",
        "Niemand ist genannt, der für diese Seite verantwortlich ist. Nennen Sie, wer es ist oder wo man fragt.",
    ),
    "promise_passed": (
        "This is told as yet to come, but {date} is over. Say what became of it.",
        "Про це сказано як про майбутнє, але дата «{date}» минула. Напишіть, чим це завершилося.",
        "Das steht hier als Zukunft, doch „{date}“ ist vorbei. Schreiben Sie, was daraus geworden ist.",
    ),
    "expired": (
        "This held until {date}, which is over. Renew it, or say what holds now.",
        "Це діяло до дати «{date}», яка минула. Оновіть або напишіть, що діє тепер.",
        "Das galt bis „{date}“, und das ist vorbei. Erneuern Sie es, oder schreiben Sie, was jetzt gilt.",
    ),
    "old_state": (
        "This tells how things stood at {date}. Check whether they still do.",
        "Тут описано стан на «{date}». Перевірте, чи він не змінився.",
        "Das beschreibt den Stand „{date}“. Prüfen Sie, ob er noch stimmt.",
    ),
    "unfinished": (
        "This was left to be finished, a long while ago. Finish it, or take it out.",
        "Це давно залишили, щоб дописати. Допишіть або приберіть.",
        "Das blieb vor langer Zeit unfertig. Ergänzen Sie es, oder nehmen Sie es heraus.",
    ),
    "says_nothing": (
        "The title does not say what the page is about.{better}",
        "Назва не каже, про що ця сторінка.{better}",
        "Der Titel sagt nicht, worum es auf der Seite geht.{better}",
    ),
    "copy": (
        "The title says that this is a copy. Give it a title of its own, or keep only one of the two.",
        "Назва каже, що це копія. Дайте сторінці власну назву або залиште лише одну з двох.",
        "Der Titel sagt, dass dies eine Kopie ist. Geben Sie ihr einen eigenen, oder behalten Sie nur eine der beiden.",
    ),
    "date_alone": (
        "A date alone does not say what the page is about.{better}",
        "Сама дата не каже, про що ця сторінка.{better}",
        "Ein Datum allein sagt nicht, worum es auf der Seite geht.{better}",
    ),
    "code_alone": (
        "A code alone tells only those who know it what the page is about.{better}",
        "Самий код зрозумілий лише тим, хто його знає.{better}",
        "Ein Kürzel allein sagt nur denen etwas, die es kennen.{better}",
    ),
    "unrelated": (
        "No word of the title stands in the text. Check that they belong together.{better}",
        "Жодного слова з назви немає в тексті. Перевірте, чи вони пасують одне до одного.{better}",
        "Kein Wort des Titels steht im Text. Prüfen Sie, ob beides zusammengehört.{better}",
    ),
    "missing": (
        "Pages of this kind usually have what is missing here: {sections}.",
        "На таких сторінках зазвичай є те, чого тут немає: {sections}.",
        "Seiten dieser Art haben meist, was hier fehlt: {sections}.",
    ),
    "empty_section": (
        "There is nothing under this heading. Write it, or take the heading out.",
        "Під цим заголовком нічого немає. Допишіть або приберіть заголовок.",
        "Unter dieser Überschrift steht nichts. Ergänzen Sie es, oder nehmen Sie sie heraus.",
    ),
    "placeholder": (
        "A template's placeholder was left in. Fill it in, or take it out.",
        "Залишився заповнювач із шаблону. Заповніть або приберіть його.",
        "Ein Platzhalter der Vorlage ist stehen geblieben. Füllen Sie ihn aus, oder nehmen Sie ihn heraus.",
    ),
    "no_headings": (
        "Some {words} words without a heading. Headings help readers to find their place.",
        "Близько {words} слів без жодного заголовка. Заголовки допоможуть знайти потрібне.",
        "Rund {words} Wörter ohne Überschrift. Überschriften helfen, sich zurechtzufinden.",
    ),
    "giant_section": (
        "This section has some {words} words. Sub-headings would help readers.",
        "У цьому розділі близько {words} слів. Допоможуть підзаголовки.",
        "Dieser Abschnitt hat rund {words} Wörter. Zwischenüberschriften würden helfen.",
    ),
    "wall_of_text": (
        "A paragraph of some {words} words. Shorter ones, or a list, are easier to read.",
        "Абзац приблизно на {words} слів. Коротші абзаци або список читати легше.",
        "Ein Absatz mit rund {words} Wörtern. Kürzere oder eine Liste lesen sich leichter.",
    ),
    "level_jump": (
        "A heading is more than one level below the one above it. Use the next level.",
        "Заголовок глибший за попередній більш ніж на один рівень. Візьміть наступний рівень.",
        "Eine Überschrift liegt mehr als eine Ebene unter der darüber. Nehmen Sie die nächste Ebene.",
    ),
    "repeated_heading": (
        "Two sections have this heading. Tell them apart, or join them.",
        "Два розділи мають цей заголовок. Назвіть їх по-різному або об’єднайте.",
        "Zwei Abschnitte haben diese Überschrift. Unterscheiden Sie sie, oder fassen Sie sie zusammen.",
    ),
    "typed_list": (
        "A list that is typed with dashes. A real list is easier to read and to edit.",
        "Список набрано рисками. Справжній список легше читати й редагувати.",
        "Eine Liste, die mit Strichen getippt ist. Eine echte Liste liest und ändert sich leichter.",
    ),
    "headless_table": (
        "A table without a header row. Say what its columns are.",
        "Таблиця без рядка заголовків. Напишіть, що в її стовпцях.",
        "Eine Tabelle ohne Kopfzeile. Schreiben Sie, was in ihren Spalten steht.",
    ),
    "same_text": (
        "{share} % of this page also stands on “{other}”. Keep one of them, and link to it.",
        "{share} % цієї сторінки є також на «{other}». Залиште одну з них і посилайтеся на неї.",
        "{share} % dieser Seite stehen auch auf „{other}“. Behalten Sie eine, und verlinken Sie sie.",
    ),
    "part_of": (
        "{share} % of this page is repeated from “{other}”, which says more. A link may do.",
        "{share} % цієї сторінки повторює «{other}», де сказано більше. Можливо, досить посилання.",
        "{share} % dieser Seite wiederholen „{other}“, wo mehr steht. Ein Link reicht vielleicht.",
    ),
}
_BETTER: Final[_Said] = (
    " Perhaps: “{better}”.",
    " Можливо: «{better}».",
    " Vielleicht: „{better}“.",
)
_INTRODUCTION: Final[_Said] = (
    "What would make this page better:",
    "Що зробило б цю сторінку кращою:",
    "Was diese Seite besser machen würde:",
)
_QUOTED: Final[_Said] = ("“{passage}”", "«{passage}»", "„{passage}“")


def signals() -> frozenset[str]:
    """Return all signals that there are words for."""
    return frozenset(_ADVICE)


def advice(finding: Finding, language: str) -> str:
    """Return what is wrong and what to do about it, on one line."""
    at = _place(language)
    better = finding.facts.get("better", "")
    facts = {
        **finding.facts,
        "better": _BETTER[at].format(better=better) if better else "",
    }
    return " ".join(_ADVICE[finding.signal][at].format_map(facts).split())


def introduction(language: str) -> str:
    """Return the line that stands before the findings of a page."""
    return _INTRODUCTION[_place(language)]


def shown(heading: str, passage: str, language: str) -> str:
    """Return a passage in quotation marks, behind the heading that it stands under."""
    at = _place(language)
    said = _QUOTED[at].format(passage=passage)
    if not heading or heading == passage:
        return said
    return f"{heading}: {said}"


def _place(language: str) -> int:
    return LANGUAGES.index(language) if language in LANGUAGES else 0
