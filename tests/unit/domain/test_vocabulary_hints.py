"""Terms that a page may mean though it does not name them."""

from __future__ import annotations

from app.domain.completions import Candidate
from app.domain.vocabulary.hints import STRONGEST, Hints
from app.domain.vocabulary.terms import Term


class TestByDescription:
    """Tests for app.domain.vocabulary.hints.Hints.by_description()."""

    def test_description_that_speaks_of_the_same_is_a_hint(self) -> None:
        """One stem in common is chance; the likeliest comes first."""
        hints = Hints.build(
            [
                Term(name="backup", description="Copies of data on tapes and disks"),
                Term(name="restore", description="Bring copies of data back"),
                Term(name="network", description="Cables and data"),
                Term(name="plain"),
            ]
        )

        found = list(hints.by_description({"copie": 2.0, "data": 1.0, "tape": 1.0}))

        assert [one.name for one in found] == ["backup", "restore"]
        assert all(0 < one.score <= STRONGEST for one in found)
        assert {one.evidence for one in found} == {"its description fits"}

    def test_nothing_is_said_of_an_empty_page(self) -> None:
        """Nor of a vocabulary without descriptions."""
        described = Hints.build([Term(name="a", description="some words here")])

        assert list(described.by_description({})) == []
        assert list(Hints.build([Term(name="a")]).by_description({"words": 1.0})) == []


class TestByTree:
    """Tests for app.domain.vocabulary.hints.Hints.by_tree()."""

    def test_neighbours_of_a_likely_term_are_hints(self) -> None:
        """Its parent and its children, but no neighbours of an unlikely one."""
        hints = Hints.build(
            [
                Term(name="storage"),
                Term(name="backup", parent="storage"),
                Term(name="tape", parent="backup"),
                Term(name="self", parent="self"),
                Term(name="orphan", parent="gone"),
            ]
        )
        likely = [
            Candidate(name="backup", score=0.8),
            Candidate(name="tape", score=0.05),
            Candidate(name="self", score=0.9),
        ]

        found = list(hints.by_tree(likely))

        assert [(one.name, one.score, one.evidence) for one in found] == [
            ("storage", 0.04, "broader than backup"),
            ("tape", 0.04, "narrower than backup"),
        ]
