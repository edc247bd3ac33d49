"""Which labels a merge means, and what it does to pages and terms."""

from __future__ import annotations

import pytest

from app.domain.changes import OURS, THEIRS
from app.domain.vocabulary.merging import (
    MOST_MERGED,
    Merge,
    on_page,
    resolve,
    survivor_of,
)
from app.domain.vocabulary.terms import Term, Vocabulary
from app.errors import MalformedPayload, NotFound

VOCABULARY = Vocabulary.build(
    [
        Term(name="kubernetes", synonyms=("kube",)),
        Term(name="k8s"),
        Term(name="secret", excluded=True),
    ]
)


class TestResolve:
    """Tests for app.domain.vocabulary.merging.resolve()."""

    def test_labels_are_terms_or_stand_on_pages(self) -> None:
        """The survivor by any of its names; each label once, in another case too."""
        merge = resolve(VOCABULARY, {"kube-8"}, ["K8S", "k8s", " kube-8 "], "Kube")

        assert merge == Merge(merged=("k8s", "kube-8"), into="kubernetes")

    def test_synonym_that_stands_on_pages_still_can_be_merged(self) -> None:
        """What a merge left behind, or people have put there since."""
        merge = resolve(VOCABULARY, {"kube"}, ["kube"], "kubernetes")

        assert merge.merged == ("kube",)

    @pytest.mark.parametrize(
        ("names", "into", "error"),
        [
            (["k8s"], "nope", NotFound),
            (["nope"], "k8s", NotFound),
            (["kube"], "kubernetes", NotFound),
            (["k8s"], "k8s", MalformedPayload),
            (["kubernetes"], "kube", MalformedPayload),
            (["k8s"], "secret", MalformedPayload),
            ([], "k8s", MalformedPayload),
        ],
    )
    def test_what_cannot_be_merged(
        self, names: list[str], into: str, error: type[Exception]
    ) -> None:
        """Strangers, a label into itself by any name, an excluded survivor, nothing."""
        with pytest.raises(error):
            resolve(VOCABULARY, set(), names, into)

    def test_there_is_a_most(self) -> None:
        """More labels at once are a mistake."""
        used = {f"label-{at}" for at in range(MOST_MERGED + 1)}

        with pytest.raises(MalformedPayload, match="1 to 100"):
            resolve(VOCABULARY, used, used, "k8s")


class TestOnPage:
    """Tests for app.domain.vocabulary.merging.on_page()."""

    MERGE = Merge(merged=("a", "b"), into="c")

    @pytest.mark.parametrize(
        ("present", "ours", "changes"),
        [
            (
                {"a"},
                {"a"},
                [("label_add", "c", OURS), ("label_remove", "a", {"into": "c"})],
            ),
            (
                {"a"},
                set(),
                [("label_add", "c", THEIRS), ("label_remove", "a", {"into": "c"})],
            ),
            (
                {"a", "b"},
                {"a"},
                [
                    ("label_add", "c", THEIRS),
                    ("label_remove", "a", {"into": "c"}),
                    ("label_remove", "b", {"into": "c"}),
                ],
            ),
            ({"b", "c"}, {"b"}, [("label_remove", "b", {"into": "c"})]),
            ({"c"}, set(), []),
        ],
        ids=["ours", "theirs", "both", "there already", "nothing to do"],
    )
    def test_survivor_comes_and_the_others_go(
        self, present: set[str], ours: set[str], changes: list[tuple[object, ...]]
    ) -> None:
        """It is a person's where any of the others is."""
        made = on_page(self.MERGE, "7", present, ours)

        assert [(one.kind, one.value, one.before) for one in made] == changes


class TestSurvivorOf:
    """Tests for app.domain.vocabulary.merging.survivor_of()."""

    def test_all_names_become_synonyms(self) -> None:
        """Each once, in any spelling; and nobody is its own parent."""
        merge = Merge(merged=("k8s", "on-page"), into="kubernetes")
        survivor = Term(name="kubernetes", synonyms=("kube",), parent="k8s")
        gone = Term(name="k8s", synonyms=("Kubernetes", "KUBE", "кубер"))

        found = survivor_of(merge, survivor, [gone])

        assert found.synonyms == ("kube", "k8s", "кубер", "on-page")
        assert found.parent is None

    def test_the_rest_of_it_stays(self) -> None:
        """What it is for, and whose it is."""
        survivor = Term(name="c", description="x", parent="p", manual_only=True)

        found = survivor_of(Merge(merged=("a",), into="c"), survivor, [])

        assert found == Term(
            name="c", description="x", parent="p", manual_only=True, synonyms=("a",)
        )
