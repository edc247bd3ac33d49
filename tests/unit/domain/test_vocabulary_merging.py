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

NO_LABEL = "no term and on no page, so nothing to merge"
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
        ("names", "into", "why"),
        [
            (["k8s"], "nope", "'nope' is no term, and on no page"),
            (["y", "x"], "k8s", f"{NO_LABEL}: 'x', 'y'"),
            (["kube"], "kubernetes", f"{NO_LABEL}: 'kube'"),
        ],
    )
    def test_strangers_cannot_be_merged(
        self, names: list[str], into: str, why: str
    ) -> None:
        """They are named, all at once."""
        with pytest.raises(NotFound) as caught:
            resolve(VOCABULARY, set(), names, into)

        assert str(caught.value) == why

    @pytest.mark.parametrize(
        ("names", "into", "why"),
        [
            (["k8s"], "k8s", "'k8s' cannot be merged into itself"),
            (
                ["kubernetes"],
                "kube",
                "'kubernetes' cannot be merged into itself ('kube' is a name of it)",
            ),
            (["k8s"], "secret", "'secret' is excluded: no page may get it"),
            ([], "k8s", "name 1 to 100 labels that are to go"),
        ],
    )
    def test_what_cannot_be_merged(self, names: list[str], into: str, why: str) -> None:
        """A label into itself by any name, an excluded survivor, nothing."""
        with pytest.raises(MalformedPayload) as caught:
            resolve(VOCABULARY, set(), names, into)

        assert str(caught.value) == f"malformed merge: {why}"

    def test_survivor_may_stand_on_pages_alone(self) -> None:
        """It need be no term yet."""
        merge = resolve(VOCABULARY, {"on-page"}, ["k8s"], "on-page")

        assert merge == Merge(merged=("k8s",), into="on-page")

    def test_there_is_a_most(self) -> None:
        """More labels at once are a mistake."""
        used = {f"label-{at}" for at in range(MOST_MERGED + 1)}

        with pytest.raises(MalformedPayload, match="1 to 100"):
            resolve(VOCABULARY, used, used, "k8s")

        merge = resolve(VOCABULARY, used, sorted(used)[1:], "k8s")
        assert len(merge.merged) == MOST_MERGED


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
        made = list(on_page(self.MERGE, "7", present, ours))

        assert {one.page_id for one in made} <= {"7"}
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
