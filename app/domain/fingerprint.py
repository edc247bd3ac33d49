"""One number for what a page says, so that unchanged text costs no AI call."""

from __future__ import annotations

import hashlib
import json
import unicodedata

from app.domain.pages import PageText


def content_hash(text: PageText) -> str:
    """Return the SHA-256 of a page's title and text, as 64 hexadecimal digits.

    Markup does not count, nor whitespace, the spelling of entities, or the ids that
    Confluence adds to macros: only words, in their order. Nothing else goes in; who
    wants prompts or vocabularies to count adds their versions beside it.
    """
    said = json.dumps([_plain(text.title), _plain(text.text)], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
