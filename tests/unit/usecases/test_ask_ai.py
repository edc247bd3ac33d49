"""Tests for app.usecases.ask_ai.checked()."""

from __future__ import annotations

import pytest

from app.domain.completions import Candidate, Completion, LabelChoice
from app.domain.vocabulary.terms import Term, Vocabulary
from app.usecases.ask_ai import checked

#: Lets every label through.
ANY = Vocabulary.build((), openness="open")
CANDIDATES = tuple(
    Candidate(name=name, score=0.5) for name in ("копії", "Мережа-2", "how-to")
)


def answer(*labels: str, proposals: tuple[str, ...] = ()) -> Completion:
    return Completion(
        labels=tuple(LabelChoice(name=name, confidence=0.9) for name in labels),
        summary="Речення.",
        language="uk",
        provider="openai",
        model="m",
        proposals=tuple(LabelChoice(name=name, confidence=0.9) for name in proposals),
    )


def names(choices: tuple[LabelChoice, ...]) -> list[str]:
    return [one.name for one in choices]


class TestChecked:
    """What an AI says is held against what it was asked."""

    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            (("копії", "how-to"), ["копії", "how-to"]),
            (("Копії", "how to", "мережа-2"), []),
            (("invented", "копії", "копії "), ["копії"]),
            (("", "\x00", "<script>", "копії" * 10_000), []),
            ((), []),
        ],
    )
    def test_labels_are_candidates_letter_by_letter(
        self, said: tuple[str, ...], kept: list[str]
    ) -> None:
        """Their spelling is the site's own; anything else would be a new label."""
        assert names(checked(answer(*said), CANDIDATES, ANY).labels) == kept

    @pytest.mark.parametrize(
        "term",
        [Term(name="копії", excluded=True), Term(name="копії", manual_only=True)],
        ids=["excluded", "manual"],
    )
    def test_labels_are_what_the_vocabulary_lets_us_choose(self, term: Term) -> None:
        """Whoever offered them."""
        vocabulary = Vocabulary.build([term, Term(name="how-to")])

        found = checked(answer("копії", "how-to"), CANDIDATES, vocabulary)

        assert names(found.labels) == ["how-to"]

    def test_without_candidates_nothing_can_be_chosen(self) -> None:
        """A site without labels gets none."""
        assert checked(answer("копії"), (), ANY).labels == ()

    def test_proposals_become_names_that_confluence_accepts(self) -> None:
        """Or they are dropped."""
        found = checked(
            answer(proposals=("Резервні Копії", "  ", "DNS")), CANDIDATES, ANY
        )

        assert names(found.proposals) == ["резервні-копії", "dns"]

    def test_all_else_stays_as_it_was_said(self) -> None:
        """Summary, language, model, cost."""
        said = answer("копії")

        assert checked(said, CANDIDATES, ANY) == said
