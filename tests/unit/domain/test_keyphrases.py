"""Phrases proposed where a site has no labels."""

from __future__ import annotations

from hypothesis import given, strategies as st

from app.domain.keyphrases import keyphrases
from app.domain.labels import normalise
from app.domain.stems import MAX_CHARACTERS
from tests.unit.domain.site_pages import make_text


def test_what_the_page_keeps_saying_comes_first() -> None:
    """A phrase of the title that the text repeats is the best one."""
    page = make_text("Blue whales", "Blue whales sing. Ships disturb blue whales.")

    found = keyphrases(page)

    assert found[0] == "blue-whales"


def test_inflected_forms_count_as_one() -> None:
    """Ukrainian forms of one word are one phrase, under the commonest spelling."""
    page = make_text("", "Трафік іде. Трафіком керують. Немає трафіку. Трафік стоїть.")

    found = keyphrases(page, limit=1)

    assert found == ("трафік",)


def test_phrases_do_not_overlap() -> None:
    """A word of a better phrase is not proposed again."""
    page = make_text("Blue whales", "Blue whales. Blue whales. Whales. Krill. Krill.")

    found = keyphrases(page)

    assert found == ("blue-whales", "krill")


def test_no_more_phrases_than_asked_for() -> None:
    """The limit holds, down to none."""
    page = make_text("Blue whales", "Krill krill. Ships ships.")

    found = [keyphrases(page, limit=limit) for limit in (0, 1, 9)]

    assert found == [(), ("blue-whales",), ("blue-whales", "krill", "ships")]


def test_only_the_beginning_of_a_dump_is_read() -> None:
    """What stands beyond the limit is no phrase."""
    page = make_text("", "soon " * (MAX_CHARACTERS // 5), "late late late")

    found = keyphrases(page)

    assert found == ("soon",)


@given(st.text(), st.text())
def test_phrases_are_acceptable_labels(title: str, prose: str) -> None:
    """Whatever the page says, a phrase is a name that Confluence accepts."""
    found = keyphrases(make_text(title, prose))

    assert all(name and name == normalise(name) for name in found)
