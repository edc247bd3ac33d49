"""What a site has taught, and how it changes."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given, settings, strategies as st

from app.domain.memory import PageMemory, SiteMemory, dampened
from tests.unit.domain.site_pages import make_text, remember

_NAMES = ("alpha", "beta", "gamma", "delta")
_PAGES = st.builds(
    lambda number, words, labels, parent: remember(
        f"p{number}", make_text("", " ".join(words)), *labels, parent_id=parent
    ),
    st.integers(0, 5),
    st.lists(st.sampled_from(["cat", "dog", "bird", "fish", "horse"]), max_size=6),
    st.sets(st.sampled_from(_NAMES)),
    st.sampled_from([None, "p0", "p9"]),
)


_NUMBERS = st.integers(0, 5)


def _peak(pages: Iterable[PageMemory]) -> int:
    tracemalloc.start()
    try:
        SiteMemory.build(pages)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _describe(memory: SiteMemory) -> dict[str, object]:
    """Return all that ranking reads, slots replaced by what sits in them."""
    return {
        "pages": sorted(memory.traces),
        "counts": dict(memory.counts),
        "norms": {name: round(norm, 4) for name, norm in memory.norms.labels.items()},
        "site norm": round(memory.norms.site, 4),
        "children": dict(memory.children),
        "postings": {
            stem: (
                posting.pages,
                sorted(
                    (memory.slots[slot], share)
                    for slot, share in zip(posting.slots, posting.shares, strict=True)
                ),
            )
            for stem, posting in memory.postings.items()
        },
    }


class TestSiteMemory:
    """Tests for app.domain.memory.SiteMemory."""

    def test_an_empty_site_has_nothing(self) -> None:
        """No pages: no labels, no postings, nothing to forget."""
        memory = SiteMemory.build(())

        assert memory.labels == frozenset()
        assert memory.without_page("p1") is memory

    def test_the_later_of_two_states_of_a_page_counts(self) -> None:
        """A page given twice is learned once, as it was last."""
        memory = SiteMemory.build(
            [
                remember("p1", make_text("Cat"), "old"),
                remember("p1", make_text("Dog"), "new"),
            ]
        )

        assert memory.counts == {"new": 1}
        assert set(memory.postings) == {"dog"}

    def test_unlabelled_pages_count_for_rarity_alone(self) -> None:
        """A page without labels makes its words commoner and is no neighbour."""
        memory = SiteMemory.build([remember("p1", make_text("Cat"))])

        assert memory.pages_with("cat") == 1
        assert memory.slots == ()

    def test_the_vocabulary_adds_labels(self) -> None:
        """Labels may be chosen though no page has them; others replace them."""
        memory = SiteMemory.build([remember("p1", make_text("Cat"), "pets")])

        assert memory.with_vocabulary(["wild"]).labels == {"pets", "wild"}
        assert memory.labels == {"pets"}

    def test_a_memory_never_changes(self) -> None:
        """Learning a page yields another memory; the first one stays as it was."""
        memory = SiteMemory.build([remember("p1", make_text("Cat"), "pets")])
        before = _describe(memory)

        memory.with_page(remember("p2", make_text("Cat Dog"), "pets", "dogs"))

        assert _describe(memory) == before

    @settings(max_examples=60, deadline=None)
    @given(st.lists(_PAGES, max_size=8))
    def test_learning_one_by_one_equals_building(self, pages: list[PageMemory]) -> None:
        """The order and the way in which pages come make no difference."""
        grown = SiteMemory.build(())
        for page in pages:
            grown = grown.with_page(page)

        built = SiteMemory.build(pages)

        assert _describe(grown) == _describe(built)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(_PAGES, max_size=8), st.integers(0, 5))
    def test_forgetting_equals_never_having_known(
        self, pages: list[PageMemory], number: int
    ) -> None:
        """A forgotten page leaves no trace."""
        gone = f"p{number}"

        forgotten = SiteMemory.build(pages).without_page(gone)

        kept = SiteMemory.build(page for page in pages if page.page_id != gone)
        assert _describe(forgotten) == _describe(kept)

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(_PAGES, max_size=6), st.lists(_PAGES, max_size=6), st.sets(_NUMBERS)
    )
    def test_many_changes_at_once_equal_building(
        self, pages: list[PageMemory], later: list[PageMemory], gone: set[int]
    ) -> None:
        """Pages that change, come back or go, all in one lesson."""
        before = SiteMemory.build(pages)
        described = _describe(before)

        after = before.changed(later, gone=[f"p{number}" for number in gone])

        left = [page for page in pages if page.page_id not in {f"p{n}" for n in gone}]
        assert _describe(after) == _describe(SiteMemory.build([*left, *later]))
        assert _describe(before) == described

    def test_a_stream_of_pages_never_stands_in_memory(self) -> None:
        """Rows of a big site are let go one by one as they are learned."""
        peak = _peak(
            PageMemory(
                page_id=f"p{number}",
                parent_id=None,
                space_id="1",
                language="en",
                weights={f"w{at}": 1.0 + number for at in range(400)},
                labels=frozenset({"pets"}),
            )
            for number in range(500)
        )

        # As dictionaries of floats the rows would take some twenty megabytes.
        assert peak < 10e6

    def test_edits_do_not_lengthen_the_row(self) -> None:
        """A slot that came free is used again."""
        memory = SiteMemory.build(
            remember(f"p{number}", make_text("Cat"), "pets") for number in range(3)
        )

        for _ in range(5):
            memory = memory.with_page(remember("p1", make_text("Dog"), "dogs"))

        assert len(memory.slots) == 3

    def test_thousands_of_pages_are_learned_in_seconds(self) -> None:
        """5,000 pages of 100 stems build in a few seconds of CPU time."""
        pages = [
            PageMemory(
                page_id=f"p{number}",
                parent_id=None,
                space_id="1",
                language="en",
                weights={f"w{(number * at) % 9_973}": 1.0 for at in range(1, 101)},
                labels=frozenset({f"label-{number % 50}"}),
            )
            for number in range(5_000)
        ]
        begin = time.process_time()

        memory = SiteMemory.build(pages)

        assert len(memory.traces) == 5_000
        assert time.process_time() - begin < 60  # quadratic work would take minutes


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_weights_that_make_no_sense_are_left_out(weight: float) -> None:
    """What is stored may be damaged; it never poisons the sums."""
    shares = dampened({"good": 1.0, "bad": weight})

    assert set(shares) == {"good"}


class TestNormsWithout:
    """Tests for SiteMemory.norms_without()."""

    def test_a_forgotten_page_in_between_counts_for_nothing(self) -> None:
        """As if the page had never been learned, whatever was forgotten before."""
        pages = [
            remember("p1", make_text("", "cat dog"), "alpha"),
            remember("p2", make_text("", "dog bird"), "alpha"),
            remember("p3", make_text("", "cat fish"), "alpha", "beta"),
        ]
        memory = SiteMemory.build(pages).without_page("p1")

        norms = memory.norms_without(memory.traces["p3"])

        alone = SiteMemory.build([pages[1]]).norms
        assert None in memory.slots
        assert norms.labels["alpha"] == pytest.approx(alone.labels["alpha"])
        assert norms.labels["beta"] == pytest.approx(0.0)
        assert norms.site == pytest.approx(alone.site)
