"""The sample site in a real browser: a person edits, and watches the app at work."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

from tests.functional import small_site
from tests.functional.house import House

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: A browser in a test asks nobody but the site under test.
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(_CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture
async def tab() -> AsyncIterator[Page]:
    """A tab of a headless browser that fails the test on any error in the page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM, args=list(_QUIET)
        )
        opened = await browser.new_page()
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        yield opened
        await browser.close()
    assert errors == []


async def test_labels_and_byline_appear_while_the_page_is_open(
    house: House, tab: Page
) -> None:
    """A person edits a page by hand; its chips and byline come without a reload."""
    await house.install_forge()
    page_id = house.pages.waiting[small_site.ENGLISH]
    await tab.goto(
        f"{house.site.origin}/wiki/spaces/{small_site.SPACE_KEY}/pages/{page_id}"
    )
    await tab.get_by_role("link", name="Edit").click()

    await tab.locator("#body").fill(f"<p>{small_site.TEXTS[small_site.ENGLISH]}</p>")
    await tab.get_by_role("button", name="Save").click()
    await tab.locator(".byline .chip.by-app").wait_for(timeout=10_000)

    shown = await tab.locator(".chip.by-app").all_inner_texts()
    assert house.labels(page_id) != []
    assert all(any(name in text for text in shown) for name in house.labels(page_id))
