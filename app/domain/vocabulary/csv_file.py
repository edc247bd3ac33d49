"""Terms in CSV, as spreadsheets and people write it: any common separator, any case."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.domain.vocabulary.saying import FIELDS, Said, read_text, write_text
from app.domain.vocabulary.terms import TermPatch

COLUMNS = ("name", *FIELDS)

_SEPARATORS = ",;\t"
#: A cell that begins so is a formula to a spreadsheet; an apostrophe makes it a text.
#: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = frozenset("=+-@\t\r\n")
_SHIELD = "'"


def read(text: str) -> tuple[list[Said], list[str]]:
    """Return what the rows say, and what is wrong with them, both by line."""
    rows = _rows(text)
    problems: list[str] = []
    try:
        start, header = next(rows, (1, []))
        columns = [_column(cell) for cell in header]
        problems += [f"line {start}: {one}" for one in _header_problems(columns)]
        if problems:
            return [], problems
        said = [_said(f"line {line}", columns, cells, problems) for line, cells in rows]
    except csv.Error as error:
        return [], [*problems, str(error)]
    return said, problems


def write(patches: Iterable[TermPatch]) -> str:
    """Return the rows of terms, under a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for patch in patches:
        values = (write_text(getattr(patch, name)) for name in FIELDS)
        writer.writerow([shielded(patch.name), *map(_cell, values)])
    return out.getvalue()


def shielded(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return _SHIELD + text if text[:1] in _FORMULA | {_SHIELD} else text


def unshielded(cell: str) -> str:
    """Return what `shielded` was given."""
    is_shielded = cell[:1] == _SHIELD and cell[1:2] in _FORMULA | {_SHIELD}
    return cell[1:] if is_shielded else cell


def _cell(text: str) -> str:
    # The sign for "nothing here" is no formula, and must not look like a text.
    return text if len(text) == 1 and text == "-" else shielded(text)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Walk the rows that say anything, with the lines that they begin in.

    Raises:
        csv.Error: It is no CSV from a line on, which is told.
    """
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_separator(text), strict=True
    )
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(f"line {line}: it is no CSV: {error}") from None


def _separator(text: str) -> str:
    """Return what parts the columns of the header."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(_SEPARATORS, key=header.count)


def _column(cell: str) -> str:
    return cell.strip().casefold().replace(" ", "_").replace("-", "_")


def _header_problems(columns: Sequence[str]) -> Iterator[str]:
    if "name" not in columns:
        yield "there is no column `name`"
    for column in dict.fromkeys(columns):
        if column not in COLUMNS and column:
            yield f"unknown column {column[:40]!r}; there are: {', '.join(COLUMNS)}"
        if columns.count(column) > 1 and column:
            yield f"column {column[:40]!r} is there twice"


def _said(
    place: str, columns: Sequence[str], cells: Sequence[str], problems: list[str]
) -> Said:
    if any(cell.strip() for cell in cells[len(columns) :]):
        problems.append(f"{place}: has more cells than there are columns")
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    given = dict(zip(columns, padded, strict=False))
    # A column without a name is what spreadsheets leave behind, if it is empty.
    if given.pop("", "").strip():
        problems.append(f"{place}: a cell stands in a column without a name")
    name = unshielded(given.pop("name").strip())
    fields: dict[str, Any] = {}
    for column, cell in given.items():
        try:
            fields[column] = read_text(column, unshielded(cell.strip()))
        except ValueError as error:
            problems.append(f"{place}: {name[:80] or '(no name)'}: {column}: {error}")
    return Said(name=name, fields=fields, place=place)
