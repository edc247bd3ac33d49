"""Turns a page's raw body, whichever format it has, into readable text."""

from __future__ import annotations

from app.confluence.adf import read_adf
from app.confluence.blocks import TextBuilder
from app.confluence.storage_format import read_storage
from app.domain.pages import Page, PageText


def read_page(page: Page) -> PageText:
    """Clean `page.body`; implements `app.usecases.ports.ReadPage`.

    Never fails: broken, hostile or oversize markup sets `damaged`, and the text
    found in it is kept. A page without a body has an empty text.
    """
    out = TextBuilder()
    read = read_adf if page.body_format == "atlas_doc_format" else read_storage
    damaged = read(page.body or "", out)
    return out.finish(title=page.title, damaged=damaged)
