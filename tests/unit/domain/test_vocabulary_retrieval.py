"""Which terms are offered for a page, and how likely they are said to be."""

from __future__ import annotations

import pytest

from app.domain.choosing import decide
from app.domain.completions import Candidate
from app.domain.memory import PageMemory, SiteMemory
from app.domain.pages import PageText
from app.domain.plans import APPLY_AT, SUGGEST_AT
from app.domain.stems import weigh
from app.domain.vocabulary.hints import STRONGEST
from app.domain.vocabulary.retrieval import FEW, MOST_NAMED, advise, candidates
from app.domain.vocabulary.terms import Openness, Term, Vocabulary


def text(title: str, *paragraphs: str) -> PageText:
    return PageText(title=title, paragraphs=paragraphs, text="\n".join(paragraphs))


def site(*labelled: tuple[str, ...], words: str = "tapes are kept here") -> SiteMemory:
    return SiteMemory.build(
        PageMemory(
            page_id=str(at),
            parent_id=None,
            space_id="1",
            language="en",
            weights=weigh(text(f"Page {at}", words)),
            labels=frozenset(labels),
            title=f"Page {at}",
        )
        for at, labels in enumerate(labelled)
    )


def offered(
    memory: SiteMemory,
    page: PageText,
    *terms: Term,
    openness: Openness = "closed",
) -> dict[str, Candidate]:
    vocabulary = Vocabulary.build(terms, openness=openness)
    found = advise(memory, vocabulary, page).candidates
    assert [one.score for one in found] == sorted(
        (one.score for one in found), reverse=True
    )
    return {one.name: one for one in found}


#: So many terms that not all of them are looked at.
MANY = [Term(name=f"filler{at}") for at in range(FEW)]


class TestAdvise:
    """Tests for app.domain.vocabulary.retrieval.advise()."""

    def test_unused_term_that_the_title_names_is_likely(self) -> None:
        """By any of its names, in any form; on a site that has taught other things."""
        memory = site(*[("backup",)] * 12)
        page = text("Кубернетес", *["Кубернетеси у нас. Кубернетесу багато."] * 3)
        term = Term(name="kubernetes", synonyms=("кубернетес",))

        found = offered(memory, page, Term(name="backup"), term, *MANY)

        assert found["kubernetes"].score > SUGGEST_AT
        assert not found["kubernetes"].is_untried
        assert "called кубернетес" in found["kubernetes"].evidence
        assert "in the title" in found["kubernetes"].evidence

    def test_plainly_named_unused_term_is_worth_a_look(self) -> None:
        """Where the ranker thinks little of it, a person is asked all the same."""
        memory = site(*[("backup",)] * 60, words="helm and helm again")
        page = text("Helm", "Helm.", "Helm.", "Helm.")
        wordy = text(
            "Helm beside several tools for clusters", "Helm.", "Helm.", "Helm."
        )
        terms = (Term(name="backup"), Term(name="helm"), *MANY)

        plain, lost = offered(memory, page, *terms), offered(memory, wordy, *terms)

        assert plain["helm"].score == SUGGEST_AT
        assert 0 < lost["helm"].score < SUGGEST_AT

    def test_unused_term_that_only_the_text_names_is_offered(self) -> None:
        """With a modest chance, and it is never written on the ranker's word."""
        memory = site(*[("backup",)] * 12)
        page = text("Notes", "We run helm here.", "Helm it is.")

        found = offered(memory, page, Term(name="backup"), Term(name="helm"), *MANY)

        assert 0 < found["helm"].score < APPLY_AT
        assert found["helm"].is_untried
        assert not found["backup"].is_untried

    def test_terms_that_nobody_may_choose_are_not_offered(self) -> None:
        """Excluded, manual-only, and strangers, however plainly the page names them."""
        memory = site(("secret",), ("stranger",))
        page = text("secret manual stranger", "secret manual stranger " * 5)

        found = offered(
            memory,
            page,
            Term(name="secret", excluded=True),
            Term(name="manual", manual_only=True),
        )

        assert found == {}

    def test_open_vocabulary_offers_strangers_that_people_use(self) -> None:
        """A label need be no term there."""
        found = offered(site(("stranger",)), text("A page"), openness="open")

        assert list(found) == ["stranger"]
        assert not found["stranger"].is_untried

    def test_what_people_use_under_a_synonym_counts_for_the_term(self) -> None:
        """Two names of one label are likelier together than either alone."""
        term = Term(name="kubernetes", synonyms=("k8s",))
        page = text("Anything", "tapes are kept here")
        memory = site(*[("k8s",)] * 3, *[("kubernetes",)] * 3, *[("other",)] * 6)

        apart = offered(
            memory, page, *(Term(name=one) for one in ("k8s", "kubernetes", "other"))
        )
        together = offered(memory, page, term, Term(name="other"))

        best = max(apart["k8s"].score, apart["kubernetes"].score)
        assert together["kubernetes"].score > best
        assert not together["kubernetes"].is_untried
        assert "k8s" not in together

    def test_small_vocabulary_is_offered_as_a_whole(self) -> None:
        """A model that reads the page may know better than its words."""
        found = offered(SiteMemory.build(()), text("x"), Term(name="a"), Term(name="b"))

        assert set(found) == {"a", "b"}
        assert all(one.is_untried for one in found.values())

    def test_big_vocabulary_is_offered_as_far_as_the_page_names_it(self) -> None:
        """Of thousands, those that it names; of those, the plainest."""
        names = [f"term{at}x" for at in range(2 * MOST_NAMED)]
        page = text(names[-1], " ".join(names[:-1]))

        found = offered(
            SiteMemory.build(()), page, *(Term(name=name) for name in names), *MANY
        )

        assert next(iter(found)) == names[-1]
        assert not any(name.startswith("filler") for name in found)

    def test_hints_are_offered_and_no_more(self) -> None:
        """A description that fits, and a neighbour in the tree, far below suggestions."""
        memory = site(*[("backup",)] * 12)
        page = text("Tapes", "Tapes and disks hold copies of data.")
        terms = (
            Term(name="backup", parent="storage"),
            Term(name="storage"),
            Term(name="archive", description="Disks and tapes with copies"),
            *MANY,
        )

        found = offered(memory, page, *terms)

        assert "its description fits" in found["archive"].evidence
        assert "broader than backup" in found["storage"].evidence
        for name in ("archive", "storage"):
            assert 0 < found[name].score <= STRONGEST
            assert found[name].is_untried

    def test_hint_lifts_what_is_less_likely(self) -> None:
        """Of a small vocabulary all is ranked already; of a used term too."""
        memory = site(*[("backup",)] * 40, ("archive",), words="unlike anything else")
        page = text("Note", "Disks and tapes with copies of old data for later.")
        terms = (
            Term(name="backup"),
            Term(name="archive", description="Disks and tapes with copies of data"),
        )

        found = offered(memory, page, *terms)

        assert "its description fits" in found["archive"].evidence
        assert not found["archive"].is_untried

    def test_hint_never_makes_a_term_less_likely(self) -> None:
        """A parent that people use says more by itself."""
        memory = site(*[("backup", "storage")] * 12)
        terms = (Term(name="backup", parent="storage"), Term(name="storage"))

        found = offered(memory, text("Tapes", "Tapes are kept here."), *terms)

        assert found["storage"].score > STRONGEST
        assert "broader" not in found["storage"].evidence

    def test_index_is_made_once(self) -> None:
        """And kept with the vocabulary."""
        vocabulary = Vocabulary.build([Term(name="a")])
        made: list[int] = []

        def make(terms: object) -> list[object]:
            made.append(1)
            return [terms]

        first = vocabulary.once(list, make)
        second = vocabulary.once(list, make)

        assert first is second
        assert made == [1]

    def test_candidates_take_no_name_for_granted(self) -> None:
        """A term that is named though the ranker was not asked about it is there."""
        vocabulary = Vocabulary.build([Term(name="a", synonyms=("b",))])

        found = candidates(
            vocabulary,
            [Candidate(name="b", score=0.3), Candidate(name="a", score=0.1)],
            {},
            used=["b"],
        )

        assert [(one.name, one.score, one.is_untried) for one in found] == [
            ("a", 0.3, False)
        ]


class TestDecideUntried:
    """Tests for app.domain.choosing.decide() with labels that nobody has used."""

    @pytest.mark.parametrize("score", [0.3, 0.45, 0.9])
    def test_untried_label_is_suggested_and_not_written(self, score: float) -> None:
        """Were it the best of the page; a tried one would be lifted."""
        untried = Candidate(name="new", score=score, is_untried=True)
        tried = Candidate(name="old", score=0.25)

        found = {one.name: one.confidence for one in decide([untried, tried], 5)}

        assert SUGGEST_AT <= found["new"] < APPLY_AT
        assert decide([tried], 5)[0].confidence >= APPLY_AT
