"""Tests for app.domain.advice.gaps."""

from __future__ import annotations

import pytest

from app.domain.advice.gaps import Customs, gaps, missing, usual
from tests.unit.domain.advice.pages import prose, seen, told


class TestEmptySections:
    """Headings with nothing below."""

    def test_nothing_below(self) -> None:
        """In the middle and at the end of a page."""
        body = f"<h2>One</h2><p>&nbsp;</p><h2>Two</h2>{prose(3)}<h2>Three</h2>"

        assert told(gaps(seen(body))) == [
            ("empty_section", "One", "One"),
            ("empty_section", "Three", "Three"),
        ]

    @pytest.mark.parametrize(
        "below",
        [
            prose(1),
            "<h3>Deeper</h3><p>Text.</p>",
            '<ac:image><ri:attachment ri:filename="a.png" /></ac:image>',
            '<ac:structured-macro ac:name="children" />',
            "<pre>code</pre>",
            "<hr />",
            "<table><tbody><tr><td></td></tr></tbody></table>",
        ],
    )
    def test_something_below(self, below: str) -> None:
        """Words, pictures, macros, code, or a chapter."""
        assert list(gaps(seen(f"<h2>One</h2>{below}"))) == []


class TestPlaceholders:
    """What a template left."""

    @pytest.mark.parametrize(
        ("body", "passage"),
        [
            (
                "<p><ac:placeholder>Who is it for?</ac:placeholder></p>",
                "Who is it for?",
            ),
            ("<p>[Insert the name here]</p>", "[Insert the name here]"),
            ("<p>&lt;describe the goal&gt;</p>", "<describe the goal>"),
            ("<p>[Вставте назву]</p>", "[Вставте назву]"),
            ("<p>Lorem ipsum dolor sit amet</p>", "Lorem ipsum dolor sit amet"),
        ],
    )
    def test_found(self, body: str, passage: str) -> None:
        """With what it asks for."""
        assert told(gaps(seen(f"<h2>One</h2>{body}"))) == [
            ("placeholder", "One", passage)
        ]

    @pytest.mark.parametrize(
        "body",
        [
            "<p>Press [Enter] twice.</p>",
            "<p>Use &lt;your-token&gt;.</p>",
            "<p><code>[insert the name here]</code></p>",
            "<p>The user may insert the name here.</p>",
        ],
    )
    def test_left_alone(self, body: str) -> None:
        """Keys, parameters, code, prose."""
        assert list(gaps(seen(body))) == []


class TestUsual:
    """What pages of a kind agree on."""

    PAGES = (
        ["Rollback", "Alerts"],
        ["How to roll back", "Alerts", "Alerts"],
        ["rollback", "Alerts", "The"],
        ["Rollback", "History"],
    )

    def test_most_pages_have_it(self) -> None:
        """Most usual first, in the commonest spelling."""
        found = usual(self.PAGES)

        assert found == Customs(sections=("Alerts", "Rollback"), pages=4)

    def test_too_few_pages_show_nothing(self) -> None:
        """Three agree by chance."""
        assert usual(self.PAGES[:3]) is None


class TestMissing:
    """What a page lacks of it."""

    CUSTOMS = Customs(sections=("Rollback", "Alerts"), pages=5)

    def lacking(self, body: str, title: str, customs: Customs | None) -> str:
        page = seen(prose(70) + body, title=title)
        found = list(missing(page, customs))
        return found[0].facts["sections"] if found else ""

    def test_learned_sections(self) -> None:
        """A heading that has a word of it is enough."""
        title = "Runbook of the mail server"
        both = f"<h2>Alerts and dashboards</h2>{prose(3)}<h2>Rollback</h2>{prose(3)}"

        assert self.lacking("", title, self.CUSTOMS) == "Rollback, Alerts"
        assert self.lacking(both, title, self.CUSTOMS) == ""

    @pytest.mark.parametrize(
        ("title", "text", "lacks"),
        [
            ("Post-mortem: mail", "At 10:05 the cause was found.", "Action items"),
            ("Розбір інциденту", "Хронологія. Причина. Дії.", ""),
            ("ADR 7", "We decided so.", "Consequences"),
            ("Entscheidung: Platten", "Entscheidung. Folgen.", ""),
            ("Meeting notes", "Present: all.", "Action items"),
            ("Runbook", "Nothing.", ""),
            ("Mail server", "Nothing.", ""),
        ],
    )
    def test_common_knowledge(self, title: str, text: str, lacks: str) -> None:
        """Where the site shows nothing, and only for kinds that all teams share."""
        assert self.lacking(f"<p>{text}</p>", title, None) == lacks

    def test_stub_is_left_alone(self) -> None:
        """It is only begun."""
        assert list(missing(seen(prose(9), title="ADR 7"), None)) == []
