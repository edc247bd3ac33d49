"""Tests for app.domain.advice.owners and app.domain.advice.page_kinds."""

from __future__ import annotations

import pytest

from app.domain.advice.owners import unowned
from app.domain.advice.page_kinds import PageKind, kind_of
from tests.unit.domain.advice.pages import prose, seen, signals

RULES = "<p>All employees lock their screens.</p>"


class TestOwners:
    """Whether somebody is named where it matters."""

    @pytest.mark.parametrize(
        ("title", "body"),
        [
            ("Runbook of the mail server", ""),
            ("Clean desk policy", RULES),
            ("Порядок прийому на роботу", "<p>Працівники подають заяву.</p>"),
            ("Richtlinie für Reisen", "<p>Mitarbeitende buchen selbst.</p>"),
            ("Політика віддаленої роботи", "<p>Працівники працюють з дому.</p>"),
            ("Remote work policy", "<p>Staff use approved, authorized devices.</p>"),
        ],
    )
    def test_nobody(self, title: str, body: str) -> None:
        """On a runbook, a policy, a process."""
        assert signals(unowned(seen(prose(90) + body, title=title))) == ["nobody_named"]

    @pytest.mark.parametrize(
        "somebody",
        [
            "<p>Owner: Olena</p>",
            "<table><tbody><tr><th>Відповідальна</th><td>Олена</td></tr></tbody></table>",
            "<p>Ansprechpartnerin ist Olena.</p>",
            "<p>Write to tapes@example.com.</p>",
            "<p>Ask in #tapes-help.</p>",
            "<p>Report what you lose to the security team.</p>",
            '<p><ac:link><ri:user ri:account-id="1" /></ac:link></p>',
            '<ac:structured-macro ac:name="contributors" />',
        ],
    )
    def test_somebody(self, somebody: str) -> None:
        """By name, by role, by a mention, by where to ask."""
        assert not list(
            unowned(seen(prose(90) + RULES + somebody, title="Desk policy"))
        )

    @pytest.mark.parametrize(
        ("title", "words"),
        [
            ("Mail server", 90),
            ("Desk policy", 20),
            ("Retry policy", 90),
        ],
    )
    def test_pages_on_which_it_does_not_matter(self, title: str, words: int) -> None:
        """A note, a stub, a policy of software that speaks to nobody."""
        rules = RULES if title != "Retry policy" else ""

        assert not list(unowned(seen(prose(words) + rules, title=title)))


class TestKinds:
    """What a title says of its page."""

    @pytest.mark.parametrize(
        ("title", "kind"),
        [
            ("Post-mortem: mail outage", "incident"),
            ("Звіт про інцидент", "incident"),
            ("Meeting notes", "meeting"),
            ("Протокол наради", "meeting"),
            ("Besprechungsprotokoll", "meeting"),
            ("ADR 7: two disks", "decision"),
            ("Рішення: два диски", "decision"),
            ("Disaster recovery of the mail server", "runbook"),
            ("How to restore a backup", "how_to"),
            ("Як перенести відпустку", "how_to"),
            ("Clean desk policy", "policy"),
            ("Richtlinien für Reisen", "policy"),
            ("Hiring process", "process"),
            ("Процес рецензування", "process"),
            ("Processing of orders", None),
            ("Post-mortem template", None),
            ("Index of runbooks", None),
            ("Runbooks", None),
            ("Security policy for remote workers", "policy"),
            ("Policies and where to find them", None),
            ("Mail server", None),
        ],
    )
    def test_by_title(self, title: str, kind: PageKind | None) -> None:
        """In three languages; most titles say nothing."""
        assert kind_of(title) == kind

    def test_by_label(self) -> None:
        """Where the title says nothing."""
        assert kind_of("Mail server", ["mail", "runbook"]) == "runbook"
