"""Vocabularies in files: what is common to CSV and JSON."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from app.domain.vocabulary import csv_file, json_file
from app.domain.vocabulary.editing import MOST_TERMS
from app.domain.vocabulary.saying import Said
from app.domain.vocabulary.terms import TermPatch
from app.errors import MalformedPayload, PayloadTooLarge, TermsRefused

FileKind = Literal["csv", "json"]

#: Bytes of a file.
LARGEST_FILE = 10 * 1024 * 1024


def read_file(content: bytes, kind: FileKind) -> Sequence[Said]:
    """Return what a file says of terms, each with its line.

    Raises:
        PayloadTooLarge: It is over the limit.
        MalformedPayload: It is no text.
        TermsRefused: It cannot be read; all problems are told, by line.
    """
    if len(content) > LARGEST_FILE:
        raise PayloadTooLarge(LARGEST_FILE)
    said, problems = _READERS[kind](_text(content))
    if len(said) > MOST_TERMS:
        problems = [f"{len(said)} terms; a vocabulary has at most {MOST_TERMS}"]
    if problems:
        raise TermsRefused(problems)
    return said


def write_file(patches: Iterable[TermPatch], kind: FileKind) -> bytes:
    """Return a file that says the same when it is read."""
    if kind == "csv":
        # Spreadsheets take a file without the mark for another encoding.
        return codecs.BOM_UTF8 + csv_file.write(patches).encode()
    return json_file.write(patches).encode()


def _text(content: bytes) -> str:
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"is no UTF-8 (byte {error.start + 1}); save it as UTF-8"
        raise MalformedPayload("file", reason) from None


_READERS: Mapping[FileKind, Callable[[str], tuple[list[Said], list[str]]]] = {
    "csv": csv_file.read,
    "json": json_file.read,
}
