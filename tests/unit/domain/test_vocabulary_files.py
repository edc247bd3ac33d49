"""Tests for app.domain.vocabulary.files, csv_file and json_file."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, reject, strategies as st

from app.domain.vocabulary.csv_file import COLUMNS, shielded, unshielded
from app.domain.vocabulary.editing import MOST_TERMS, Layer, edit
from app.domain.vocabulary.files import LARGEST_FILE, FileKind, read_file, write_file
from app.domain.vocabulary.saying import Said, read_text, read_value, write_text
from app.domain.vocabulary.terms import TermPatch
from app.errors import MalformedPayload, PayloadTooLarge, TermsRefused

KINDS: tuple[FileKind, ...] = ("csv", "json")

PATCHES = (
    TermPatch(name="backup", synonyms=("резервна копія", "a, b")),
    TermPatch(name="disk", synonyms=("a, b",), parent="backup", min_confidence=0.1),
    TermPatch(name="formula", description='=HYPERLINK("http://evil.example";"x")'),
    TermPatch(name="minus", description="-1+2"),
    TermPatch(name="quoted", description='\'=1 and "so" on;\nanother, line'),
    TermPatch(name="said", description="", synonyms=(), parent="", excluded=False),
    TermPatch(name="відпустка", excluded=True, manual_only=True, min_confidence=1.0),
)


def read(text: str | bytes, kind: FileKind = "csv") -> Sequence[Said]:
    return read_file(text if isinstance(text, bytes) else text.encode(), kind)


def problems(text: str | bytes, kind: FileKind = "csv") -> list[str]:
    with pytest.raises(TermsRefused) as caught:
        read(text, kind)
    return list(caught.value.problems)


def patches(said: Sequence[Said]) -> list[TermPatch]:
    done = edit(Layer(here={}, below={}), said, spelled=[one.name for one in said])
    return [done.after[one.name] for one in said]


class TestRoundTrip:
    """What is given out is taken in without loss."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_of_word(self, kind: FileKind) -> None:
        """What is said, what is said to be nothing, and what is not said."""
        parent = TermPatch(name="backup", synonyms=("резервна копія",))
        several = (parent, *PATCHES[1:])

        assert patches(read(write_file(several, kind), kind)) == list(several)
        assert patches(read(write_file(PATCHES[:1], kind), kind)) == list(PATCHES[:1])

    @pytest.mark.parametrize("kind", KINDS)
    def test_empty_vocabulary(self, kind: FileKind) -> None:
        """A file without terms is a file."""
        assert read(write_file((), kind), kind) == []

    @given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"])))
    def test_any_description(self, text: str) -> None:
        """Whatever its first character is to a spreadsheet."""
        wanted = read_text("description", text)
        patch = TermPatch(name="x", description=wanted)

        for kind in KINDS:
            assert patches(read(write_file([patch], kind), kind)) == [patch]
        assert read_text("description", write_text(wanted)) == wanted

    @given(parts=st.lists(st.text(max_size=8), max_size=5))
    def test_any_synonyms(self, parts: list[str]) -> None:
        """With commas, apostrophes, spaces and signs of all kinds in them."""
        try:
            wanted = read_value("synonyms", parts)
        except ValueError:
            reject()
        patch = TermPatch(name="x", synonyms=wanted)

        for kind in KINDS:
            (said,) = read(write_file([patch], kind), kind)
            assert said.fields["synonyms"] == wanted


class TestFormulas:
    """No spreadsheet runs what a term says."""

    @pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
    def test_cell_that_would_be_a_formula(self, sign: str) -> None:
        """It is written as a text, and read as it was."""
        patch = TermPatch(name=f"{sign}name", description=f"{sign}cmd|' /C calc'!A0")

        text = write_file([patch], "csv").decode("utf-8-sig")

        _, cells = csv.reader(io.StringIO(text, newline=""))
        assert all(cell == "" or cell.startswith("'") for cell in cells)
        assert unshielded(shielded(f"{sign}x")) == f"{sign}x"

    @pytest.mark.parametrize("text", ["", "x", "'x", "''", "'=1", "тиша", "1-2", "-"])
    def test_other_texts(self, text: str) -> None:
        """Apostrophes of people's own stay theirs."""
        assert unshielded(shielded(text)) == text

    def test_apostrophe_of_a_person_s_own_file(self) -> None:
        """It is taken off before a formula alone."""
        (said,) = read("name,description\nx,'tis\n")

        assert said.fields == {"description": "'tis"}


class TestCsv:
    """As spreadsheets and people write it."""

    def test_lines_are_told_as_an_editor_counts_them(self) -> None:
        """Blank lines and line breaks within cells count."""
        text = 'name,description\n\nbackup,"two\nlines"\n,,\ndisk,x\n'

        assert [(one.name, one.place) for one in read(text)] == [
            ("backup", "line 3"),
            ("disk", "line 6"),
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_marks_separators_line_ends_and_case(
        self, encoding: str, separator: str
    ) -> None:
        """As a spreadsheet in Kyiv writes it."""
        header = separator.join(["NAME", " Synonyms", "Min Confidence", "Manual-Only"])
        cells = separator.join(["відпустка", '"vacation, leave"', '"0,7"', "ІСТИНА"])

        (said,) = read(f"{header}\r\n{cells}\r\n".encode(encoding))

        assert said.name == "відпустка"
        assert said.fields == {
            "synonyms": ("vacation", "leave"),
            "min_confidence": 0.7,
            "manual_only": True,
        }

    def test_missing_columns_say_nothing_and_empty_cells_take_back(self) -> None:
        """A short row has empty cells."""
        first, second = read("parent,name,excluded\nit,backup,\n,disk\n")

        assert first.fields == {"parent": "it", "excluded": None}
        assert second.fields == {"parent": None, "excluded": None}

    def test_empty_columns_that_spreadsheets_leave_behind(self) -> None:
        """They are no mistake while nothing stands in them."""
        (said,) = read("name,,\nbackup,,,\n")

        assert (said.name, said.fields) == ("backup", {})

    def test_cell_outside_the_columns(self) -> None:
        """Nothing is left out in silence."""
        assert problems("name,parent\nbackup,it,extra\n") == [
            "line 2: has more cells than there are columns"
        ]
        assert problems("name,\nbackup,extra\n") == [
            "line 2: a cell stands in a column without a name"
        ]

    def test_header_that_cannot_be(self) -> None:
        """Every problem of it is told; the rows are not looked at."""
        assert problems("colour,parent,Parent\nx,excluded\n") == [
            "line 1: there is no column `name`",
            f"line 1: unknown column 'colour'; there are: {', '.join(COLUMNS)}",
            "line 1: column 'parent' is there twice",
        ]
        assert problems("") == ["line 1: there is no column `name`"]

    def test_cells_that_cannot_be(self) -> None:
        """Every one of them is told, by line."""
        text = "name,excluded,min_confidence\nbackup,maybe,2\n,,x\n"

        assert problems(text) == [
            "line 2: backup: excluded: expected true or false",
            "line 2: backup: min_confidence: expected a number from 0 to 1",
            "line 3: (no name): min_confidence: expected a number from 0 to 1",
        ]

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ('name\nbackup\n"open\n\n', 3),
            ('name\n"a"b\n', 2),
            (f"name\n{'x' * 200_000}\n", 2),
            ('"name', 1),
        ],
    )
    def test_what_is_no_csv(self, text: str, line: int) -> None:
        """Broken quotes and endless cells, with the line that they begin in."""
        (problem,) = problems(text)

        assert problem.startswith(f"line {line}: it is no CSV: ")


class TestJson:
    """A list of objects."""

    def test_lines_are_told(self) -> None:
        """Where each entry begins."""
        text = '[\n {"name": " backup "},\n\n {"name":\n "disk"}, {"name": "x"}]'

        assert [(one.name, one.place) for one in read(text, "json")] == [
            ("backup", "line 2"),
            ("disk", "line 4"),
            ("x", "line 5"),
        ]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "expected a list of terms"),
            ('{"name": "x"}', "expected a list of terms"),
            ('[{"name": "x"}', "line 1: it is no JSON: expected a comma"),
            (
                '[{"name": "x"} {"name": "y"}]',
                "line 1: it is no JSON: expected a comma",
            ),
            ('[{"name": "x"}]\n[]', "line 1: it is no JSON: something follows"),
            ('[\n{"name": "x"},\n]', "line 3: it is no JSON: Expecting value"),
            (
                '[{"name": "x", "min_confidence": NaN}]',
                "line 1: x: min_confidence: expected a number from 0 to 1",
            ),
            (
                '[{"name": "x", "description": -Infinity}]',
                "line 1: x: description: expected a text",
            ),
            ("[" * 100_000, "it is nested too deep"),
            ("[3]", "line 1: expected an object with a name"),
            ("[{}]", "line 1: there is no name"),
            ('[{"name": " "}]', "line 1: there is no name"),
            ('[{"name": 3}]', "line 1: there is no name"),
            (
                '[{"name": "x", "colour": 1}]',
                "line 1: x: colour: there is no such field",
            ),
            (
                '[{"name": "x", "parent": "a", "parent": "b"}]',
                "line 1: x: 'parent' is there twice",
            ),
            (
                f'[{{"name": "x", "min_confidence": {"9" * 5000}}}]',
                "line 1: x: min_confidence: expected a number from 0 to 1",
            ),
            (
                '[{"name": "x", "description": "\\ud800"}]',
                "line 1: x: description: holds a control character (U+D800)",
            ),
        ],
    )
    def test_problem(self, text: str, problem: str) -> None:
        """It is told with its line where it has one."""
        (told,) = problems(text, "json")

        assert told.startswith(problem)

    def test_all_problems_of_all_entries(self) -> None:
        """One bad entry hides no other."""
        told = problems('[\n3,\n{"name": "x", "excluded": 1},\n{}]', "json")

        assert [one.split(":")[0] for one in told] == ["line 2", "line 3", "line 4"]


class TestLimits:
    """What is too large, or no text."""

    def test_too_many_bytes(self) -> None:
        """It is not even read."""
        with pytest.raises(PayloadTooLarge):
            read(b"x" * (LARGEST_FILE + 1))

    @pytest.mark.parametrize("kind", KINDS)
    def test_too_many_terms(self, kind: FileKind) -> None:
        """Problems of single ones are beside the point then."""
        many = [TermPatch(name=f"t{n}") for n in range(MOST_TERMS + 1)]

        assert problems(write_file(many, kind), kind) == [
            "20001 terms; a vocabulary has at most 20000"
        ]

    @pytest.mark.parametrize(
        "content",
        ["name\nвідпустка\n".encode("cp1251"), codecs.BOM_UTF16_LE + b"x"],
    )
    def test_other_encodings(self, content: bytes) -> None:
        """They are not guessed: a guess would be a wrong label."""
        with pytest.raises(MalformedPayload, match="is no UTF-8"):
            read(content)
