"""Tests for app.web.frames."""

from __future__ import annotations

from app.web.frames import reader_page, status_page

STATUS = {
    "guard": "PROD",
    "policy": "auto",
    "provider": "local",
    "model": "<b>",
    "pages_remembered": 7,
    "installations": [{"host": "connect", "status": "active"}],
    "jobs": {"ready": 3},
    "runs": {},
}


class TestStatusPage:
    """Tests for app.web.frames.status_page()."""

    def test_values_are_told_and_escaped(self) -> None:
        """Nothing in a value can become markup."""
        page = status_page(STATUS)

        assert "local (&lt;b&gt;)" in page
        assert "<td>7</td>" in page
        assert "Nothing yet" in page

    def test_frame_is_as_high_as_its_content(self) -> None:
        """Atlassian's script finds what to measure; nothing else runs."""
        page = status_page(STATUS)

        assert page.count("<script") == 1
        assert "src='https://connect-cdn.atl-paas.net/all.js' async" in page
        assert "class='ac-content'" in page


class TestReaderPage:
    """Tests for app.web.frames.reader_page()."""

    def test_reader_is_told_that_it_works_and_no_more(self) -> None:
        """No table, no count, no setting."""
        page = reader_page("on this page")

        assert "Confluence AI is at work on this page" in page
        assert "<table" not in page
        assert "/all.js' async" in page
