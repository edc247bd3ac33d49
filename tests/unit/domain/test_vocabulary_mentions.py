"""Which terms a page names."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.pages import PageText
from app.domain.stems import MAX_CHARACTERS
from app.domain.vocabulary.mentions import Mention, NameIndex
from app.domain.vocabulary.terms import Term


def page(title: str = "", *texts: str, headings: tuple[str, ...] = ()) -> PageText:
    return PageText(title=title, paragraphs=texts, headings=headings)


def named(text: PageText, *terms: Term | str) -> dict[str, Mention]:
    listed = [Term(name=one) if isinstance(one, str) else one for one in terms]
    return NameIndex.build(listed).find(text)


class TestFind:
    """Tests for app.domain.vocabulary.mentions.NameIndex.find()."""

    def test_most_telling_place_is_told(self) -> None:
        """The title before a heading before the text; all of them are counted."""
        text = page(
            "Docker at home",
            "Kubernetes runs docker images. Docker again.",
            headings=("Kubernetes",),
        )

        found = named(text, "docker", "kubernetes", "image", "helm")

        assert {name: (one.place, one.count) for name, one in found.items()} == {
            "docker": ("title", 3),
            "kubernetes": ("heading", 2),
            "image": ("text", 1),
        }

    @pytest.mark.parametrize(
        "text",
        [
            "Мережеві політики кластера",
            "We write network policies.",
            "Die Netzwerkrichtlinien",
            "NETWORK-POLICY",
        ],
    )
    def test_any_name_in_any_form_is_found(self, text: str) -> None:
        """Synonyms of any language, inflected, of several words."""
        term = Term(
            name="network-policy",
            synonyms=("мережева політика", "Netzwerkrichtlinie", "network policies"),
        )

        found = named(page("", text), term)

        assert list(found) == ["network-policy"]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("java", "JavaScript is everywhere"),
            ("network-policy", "The policy of our network"),
            ("network-policy", "network\n"),
            ("art", "Start the cart"),
            ("internal-policy", "An international policy"),
            ("internal", "international"),
            ("the", "the other"),
            ("v1", "v2 and v10"),
            ("", "anything"),
        ],
    )
    def test_letters_alone_are_no_name(self, name: str, text: str) -> None:
        """Words count, in their order, and common ones do not count alone."""
        assert named(page("", text), name) == {}

    def test_names_do_not_reach_over_paragraphs(self) -> None:
        """The end of one and the beginning of the next are no row of words."""
        assert named(page("", "Our network", "Policy"), "network-policy") == {}

    def test_common_words_in_a_row_are_a_name(self) -> None:
        """`how-to` is named by How to."""
        found = named(page("How to restore"), "how-to", "end-of-life")

        assert list(found) == ["how-to"]
        assert found["how-to"].stems == ()

    @pytest.mark.parametrize(
        ("name", "text", "is_named"),
        [
            ("hr", "Ask HR today", True),
            ("hr", "ask hr today", True),
            ("hr", "The Hr page", False),
            ("it", "We in IT do it", True),
            ("it", "We like it", False),
            ("it", "HOW IT WORKS", False),
            ("hr", "ALL OF HR", True),
            ("r", "Statistics in R", True),
            ("r", "statistics in r", False),
            ("i", "What I did", False),
            ("db", "the db's size", False),
        ],
    )
    def test_short_names_are_read_letter_by_letter(
        self, name: str, text: str, *, is_named: bool
    ) -> None:
        """In capitals, or just so where no common word is spelt like that."""
        assert (name in named(page("", text), name)) is is_named

    def test_scripts_without_spaces_are_searched_by_character(self) -> None:
        """A name of two characters stands inside of a longer row."""
        found = named(page("", "我们的备份策略"), "备份", "网络")

        assert found["备份"].stems == ("备份",)
        assert "网络" not in found

    def test_how_the_page_says_it_is_kept(self) -> None:
        """The synonym, as the vocabulary spells it, and the page's own words."""
        term = Term(name="backup", synonyms=("резервна копія",))

        found = named(page("Резервні копії"), term)["backup"]

        assert (found.said, found.stems) == ("резервна копія", ("резерв", "копії"))

    def test_forms_of_one_name_are_counted_once(self) -> None:
        """A synonym that is only another form adds nothing."""
        term = Term(name="backup", synonyms=("backups", "Backup"))

        assert named(page("", "One backup"), term)["backup"].count == 1

    def test_what_is_telling(self) -> None:
        """The title, or words in a row in the text; a word alone or a heading is not."""
        text = page(
            "Docker",
            "A network policy, and helm.",
            headings=("Service mesh",),
        )

        found = named(text, "docker", "network-policy", "helm", "service-mesh")

        assert {name for name, one in found.items() if one.is_telling} == {
            "docker",
            "network-policy",
        }

    def test_a_dump_is_read_in_part(self) -> None:
        """Beyond the limit nothing is found, headings included."""
        filler = "x " * (MAX_CHARACTERS // 2)

        found = named(page("", filler, "docker"), "docker")

        assert found == {}

    @given(st.text(max_size=60), st.lists(st.text(max_size=8), max_size=5))
    def test_any_text_and_any_names_can_be_read(
        self, text: str, names: list[str]
    ) -> None:
        """Whatever is named is a term, and named at least once."""
        found = named(page(text, text), *names)

        assert set(found) <= set(names)
        assert all(one.count > 0 for one in found.values())
