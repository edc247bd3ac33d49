"""Tests for app.domain.advice.duplicates and app.domain.advice.alike."""

from __future__ import annotations

import pytest

from app.domain.advice.alike import Alike
from app.domain.advice.duplicates import Other, duplicate
from app.domain.memory import PageMemory, SiteMemory
from app.domain.pages import PageText
from app.domain.stems import weigh
from tests.unit.domain.advice.pages import prose, seen

TEXT = " ".join(f"tape{at} lies in the safe of floor{at}" for at in range(40))
MORE = " ".join(f"disk{at} stands on the shelf of room{at}" for at in range(40))


def other(text: str, title: str = "Tapes", *, is_near: bool = True) -> Other:
    page = PageText(title=title, paragraphs=(text,), text=text)
    return Other(page_id="8", title=title, text=page, is_near=is_near)


class TestDuplicate:
    """Whether one page says what another says."""

    def test_same_text(self) -> None:
        """With both titles, the share in common and a passage that both have."""
        page = seen(f"<p>Short.</p><p>{TEXT}</p><p>One thing more is said here.</p>")

        found = duplicate(page, [other(MORE), other(TEXT)])

        assert found is not None
        assert (found.signal, found.severity) == ("same_text", 3)
        assert found.facts == {
            "title": "Mail server",
            "other": "Tapes",
            "other_id": "8",
            "share": "95",
        }
        assert found.passage.startswith("tape0 lies in the safe")
        assert not found.is_private

    def test_part_of_a_longer_page(self) -> None:
        """Told of the shorter one alone; from another space it is not for everybody."""
        page = seen(f"<p>{TEXT}</p>")
        whole = other(f"{TEXT} {MORE}", is_near=False)

        found = duplicate(page, [whole])

        assert found is not None
        assert (found.signal, found.severity) == ("part_of", 2)
        assert found.is_private
        assert duplicate(seen(f"<p>{TEXT} {MORE}</p>"), [other(TEXT)]) is None

    def test_title_stands_in_for_a_passage(self) -> None:
        """Where no paragraph of the page is whole on the other."""
        found = duplicate(seen(f"<p>Now {TEXT}</p>"), [other(TEXT)])

        assert found is not None
        assert found.passage == "Mail server"

    @pytest.mark.parametrize("text", [MORE, "", "tape1 lies in the safe of floor1"])
    def test_others(self, text: str) -> None:
        """Other words, no words, too few words."""
        assert duplicate(seen(f"<p>{TEXT}</p>"), [other(text)]) is None
        assert duplicate(seen(prose(3)), [other(text)]) is None
        assert duplicate(seen(f"<p>{TEXT}</p>"), []) is None

    def test_sister_pages_of_one_template_are_no_copies(self) -> None:
        """Two in three words in common are not enough."""
        said = TEXT.split()
        sister = [f"own{at}" if at % 9 == 0 else word for at, word in enumerate(said)]

        assert duplicate(seen(f"<p>{TEXT}</p>"), [other(" ".join(sister))]) is None


class TestAlike:
    """The short list of pages to look at."""

    def remembered(self, page_id: str, text: str) -> PageMemory:
        return PageMemory(
            page_id=page_id,
            parent_id=None,
            space_id="1",
            language="en",
            weights=self.weights(text),
            labels=frozenset(),
        )

    def weights(self, text: str) -> dict[str, float]:
        return weigh(PageText(title="", paragraphs=(text,)))

    def test_nearest_first_and_never_itself(self) -> None:
        """By the rare words that they share."""
        memory = SiteMemory.build(
            [
                self.remembered("1", TEXT),
                self.remembered("2", f"{TEXT} {MORE}"),
                self.remembered("3", MORE),
                self.remembered("4", TEXT[: len(TEXT) * 3 // 4]),
            ]
        )
        alike = Alike(memory)

        assert alike.nearest(self.weights(TEXT), page_id="1", limit=3) == ("2", "4")
        assert alike.nearest(self.weights(TEXT), page_id="1", limit=1) == ("2",)

    def test_words_that_all_pages_have_are_no_sign(self) -> None:
        """Fifty pages of one template are not all copies of one another."""
        memory = SiteMemory.build(
            [self.remembered(str(at), f"{TEXT} number{at}") for at in range(50)]
        )

        found = Alike(memory).nearest(self.weights(TEXT), page_id="1", limit=3)

        assert found == ()
