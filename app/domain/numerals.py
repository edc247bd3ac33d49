"""Numbers in all their spellings: digits in groups, words, months.

Words are those of the four languages that we know well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

#: A line is a number and its words, folded as `app.domain.stems.words` folds them.
_NUMBERS = """
0 zero null нуль ноль
1 one eins ein eine einen einem einer один одна одне одного одной одну одной одно
2 two zwei zwo два дві двох двом двома две двух двум twice
3 three drei три трьох трьом трьома трёх трех трем
4 four vier чотири чотирьох чотирьом четыре четырёх четырех
5 five fünf пять пяти пятьох
6 six sechs шість шести шістьох шесть
7 seven sieben сім семи сімох семь
8 eight acht вісім восьми вісьмох восемь
9 nine neun девять девяти
10 ten zehn десять десяти
11 eleven elf одинадцять одиннадцать
12 twelve zwölf дванадцять двенадцать
15 fifteen fünfzehn пятнадцять пятнадцать
20 twenty zwanzig двадцять двадцяти двадцать двадцати
24 двадцятичотирьох
25 twentyfive
30 thirty dreißig тридцять тридцяти тридцать тридцати
40 forty vierzig сорок сорока
50 fifty fünfzig пятдесят пятьдесят
60 sixty sechzig шістдесят шестьдесят
90 ninety neunzig девяносто
100 hundred hundert сто ста
1000 thousand tausend тисяча тисячі тисяч тысяча тысячи тысяч
1000000 million millionen мільйон мільйони мільйонів миллион миллиона миллионов
"""
_MONTHS = """
1 january jan januar січень січня январь января
2 february feb februar лютий лютого февраль февраля
3 march mar märz maerz березень березня март марта
4 april apr квітень квітня апрель апреля
5 may mai травень травня май мая
6 june jun juni червень червня июнь июня
7 july jul juli липень липня июль июля
8 august aug серпень серпня август августа
9 september sep sept вересень вересня сентябрь сентября
10 october oct oktober okt жовтень жовтня октябрь октября
11 november nov листопад листопада ноябрь ноября
12 december dec dezember dez грудень грудня декабрь декабря
"""


def _table(lines: str) -> Mapping[str, str]:
    return MappingProxyType(
        {
            word: number
            for number, *words in map(str.split, lines.strip().splitlines())
            for word in words
        }
    )


#: Word -> number in digits.
NUMBERS = _table(_NUMBERS)
#: Name of a month -> its number in digits.
MONTHS = _table(_MONTHS)

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?![\d])")
#: Digits with points or commas between them.
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_DATE = re.compile(r"\d{1,4}\.\d{1,2}\.\d{2,4}")


def ungrouped(text: str) -> str:
    """Return a text in which `1 250` is one word."""
    return _GROUPED.sub(lambda found: re.sub(r"\D", "", found.group()), text)


def numbers(text: str) -> Iterator[str]:
    """Walk the numbers of a text, each in all its spellings."""
    for found in _GROUPED.findall(text):
        yield re.sub(r"\D", "", found)
    for found in NUMBER.findall(text):
        yield from forms(found)
        if "," in found:
            for part in found.split(","):
                yield from forms(part)


def forms(number: str) -> set[str]:
    """Return the ways to write a number: `1,000` is `1000`, or 1.000 elsewhere."""
    point = number.replace(",", ".").strip(".")
    found = {point, point.lstrip("0") or "0"}
    if _THOUSANDS.fullmatch(number):
        found.add(re.sub(r"\D", "", number))
    if _DATE.fullmatch(point):
        found.update(part.lstrip("0") or "0" for part in point.split("."))
    return found
