"""Tests for how findings are named, put in words, and told: findings, wording, told."""

from __future__ import annotations

import pytest

from app.domain.advice.findings import HANDFUL, Finding, quoted, sifted
from app.domain.advice.own_page import own_findings
from app.domain.advice.told import Advised, comment_text
from app.domain.advice.wording import LANGUAGES, advice, introduction, shown, signals
from tests.unit.domain.advice.pages import seen

FACTS = {
    "date": "2019",
    "sections": "Rollback",
    "words": "700",
    "share": "90",
    "other": "Tapes",
    "better": "Disks",
}


def finding(**fields: object) -> Finding:
    given = {
        "kind": "missing_sections",
        "signal": "empty_section",
        "severity": 2,
        "heading": "Restore",
        "passage": "Restore",
        **fields,
    }
    return Finding(**given)  # type: ignore[arg-type]


class TestKey:
    """What a finding is called on its page."""

    def test_it_depends_on_kind_and_place_alone(self) -> None:
        """Other words at the same place are the same finding."""
        one = finding(passage="TODO: a", heading=" Restore  it")
        same = finding(passage="TODO: b", heading="restore it", severity=1)

        assert one.key == same.key
        assert one.key.startswith("missing_sections-")
        assert len({one.key, finding().key, finding(place="x").key}) == 3

    def test_lone_surrogates_have_a_key(self) -> None:
        """Whatever a page says."""
        assert finding(heading="\ud800").key


class TestSifted:
    """Which findings are kept."""

    def test_severest_first_once_and_few_of_a_signal(self) -> None:
        """In the page's order where they are as severe."""
        hints = [finding(signal="typed_list", heading=f"{at}") for at in range(5)]
        grave = finding(kind="duplicate", signal="same_text", severity=3)

        found = sifted([*hints, hints[0], grave, grave])

        assert [one.signal for one in found] == ["same_text"] + ["typed_list"] * 3
        assert [one.heading for one in found[1:]] == ["0", "1", "2"]


class TestQuoted:
    """Passages on one line."""

    def test_long_ones_are_cut(self) -> None:
        """At the end, or so that what matters is still there."""
        text = f"{'word ' * 100}in 2019 {'more ' * 100}"
        at = text.index("2019")

        assert quoted(" a \n b ") == "a b"
        assert quoted(text).endswith("…")
        assert len(quoted(text)) <= 240
        around = quoted(text, around=(at, at + 4))
        assert around.startswith("…word")
        assert "2019" in around
        assert len(around) <= 240
        assert quoted("x" * 300, around=(0, 300)).startswith("xxx")


class TestWording:
    """Words in three languages."""

    @pytest.mark.parametrize("language", [*LANGUAGES, "fr"])
    @pytest.mark.parametrize("signal", sorted(signals()))
    def test_every_signal_has_words(self, signal: str, language: str) -> None:
        """With all that they speak of filled in; other languages are told in English."""
        said = advice(finding(signal=signal, facts=FACTS), language)

        assert "{" not in said
        assert said == " ".join(said.split())
        assert language != "fr" or said == advice(
            finding(signal=signal, facts=FACTS), "en"
        )

    def test_rules_say_nothing_without_words(self) -> None:
        """Each signal of the rules, and those of other pages, is spoken of."""
        body = "<h2>One</h2><p>TODO</p><h4>Two</h4>" + "<p>- a</p>" * 3
        found = {one.signal for one in own_findings(seen(body, title="Untitled"))}

        assert found == {
            "unfinished",
            "says_nothing",
            "level_jump",
            "typed_list",
        }
        assert found <= signals()

    def test_better_title_is_optional(self) -> None:
        """Where the page has no words for one."""
        with_one = advice(finding(signal="date_alone", facts={"better": "{x}"}), "en")
        without = advice(finding(signal="date_alone"), "en")

        assert with_one.endswith("Perhaps: “{x}”.")
        assert without.endswith("about.")

    def test_passage_behind_its_heading(self) -> None:
        """A heading that is the passage itself is not told twice."""
        assert shown("Plans", "in 2019", "uk") == "Plans: «in 2019»"
        assert shown("Plans", "Plans", "de") == "„Plans“"
        assert shown("", "in 2019", "en") == "“in 2019”"


class TestComment:
    """What readers of a page are told."""

    def advised(self, **fields: object) -> Advised:
        one = finding(**fields)
        return Advised(finding=one, advice=advice(one, "en"))

    def text(self, *advised: Advised, title: str = "Tapes") -> str:
        return comment_text(advised, title=title, language="en")

    def test_a_handful_line_by_line(self) -> None:
        """The first few; nothing to tell is nothing."""
        many = [self.advised(heading=f"{at}") for at in range(9)]
        lines = self.text(*many).splitlines()

        assert lines[0] == introduction("en")
        assert len(lines) == 2 + HANDFUL
        assert all(line.startswith("- There is nothing") for line in lines[2:])
        assert self.text() == ""

    def test_what_not_everybody_may_see_is_left_out(self) -> None:
        """A title of another space."""
        assert self.text(self.advised(is_private=True)) == ""

    def test_no_word_of_the_page_begins_a_line(self) -> None:
        """Whatever is in it."""
        line = self.text(self.advised(passage="# a\n- b\n```", heading="\n## c\n"))

        assert len(line.splitlines()) == 3
        assert line.splitlines()[2].startswith("- There is")

    def test_title_is_not_quoted_to_those_who_see_it(self) -> None:
        """A passage that is the title is left out."""
        assert "“Tapes”" not in self.text(self.advised(passage="Tapes", heading=""))
        assert "“Restore”" in self.text(self.advised())
