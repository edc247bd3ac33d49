"""Tests for app.domain.vocabulary.editing."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.vocabulary.editing import MOST_LEVELS, MOST_TERMS, Edit, Layer, edit
from app.domain.vocabulary.saying import Said, patch_of
from app.domain.vocabulary.terms import Term, TermPatch
from app.errors import TermsRefused

BACKUP = Term(name="backup", synonyms=("резервна копія", "Sicherung"))
IT = Term(name="it")


def site(*terms: Term) -> Layer:
    return Layer(here={term.name: patch_of(term) for term in terms})


def space(*terms: Term, said: tuple[TermPatch, ...] = ()) -> Layer:
    return Layer(
        here={one.name: one for one in said},
        below={term.name: term for term in terms},
    )


def say(name: str, place: str = "", **fields: Any) -> Said:
    return Said(name=name, fields=fields, place=place)


def refused(layer: Layer, *said: Said, **more: Any) -> list[str]:
    with pytest.raises(TermsRefused) as caught:
        edit(layer, said, **more)
    return list(caught.value.problems)


def names(done: Edit) -> tuple[tuple[str, ...], ...]:
    return done.added, done.changed, done.removed


class TestSite:
    """Terms of the whole site."""

    def test_terms_are_added_changed_and_left_alone(self) -> None:
        """What is not spoken of stays, in the term and in the vocabulary."""
        layer = site(BACKUP, IT, Term(name="wiki", description="Us"))

        done = edit(
            layer,
            [say("network", excluded=True), say("backup", parent="IT"), say("wiki")],
        )

        assert names(done) == (("network",), ("backup",), ())
        assert done.after["backup"] == TermPatch(
            name="backup", synonyms=BACKUP.synonyms, parent="it"
        )
        assert [one.name for one in done.kept] == ["network", "backup"]

    def test_another_spelling_is_the_same_term(self) -> None:
        """Nobody gets two of one by a capital letter."""
        done = edit(site(BACKUP), [say("BackUp", description="Copies")])

        assert names(done) == ((), ("backup",), ())

    def test_of_two_spellings_each_is_meant_by_its_own(self) -> None:
        """A site that has both keeps both."""
        layer = site(Term(name="back-up"), Term(name="back_up"))

        done = edit(layer, [say("back_up", excluded=True), say("BACK UP")])

        assert names(done) == ((), ("back_up",), ())

    def test_what_is_taken_back_holds_as_of_any_term(self) -> None:
        """None and what is the default are the same on a site."""
        layer = site(Term(name="backup", excluded=True, description="Copies"))

        done = edit(layer, [say("backup", excluded=None, description="")])

        assert done.after["backup"] == TermPatch(name="backup")

    def test_terms_are_removed(self) -> None:
        """By name, in any spelling, children together with their parent."""
        layer = site(IT, Term(name="backup", parent="it"), Term(name="wiki"))

        done = edit(layer, removed=["IT", "backup"])

        assert names(done) == ((), (), ("backup", "it"))
        assert done.kept == ()

    def test_only_what_is_said_stays(self) -> None:
        """A file can be the whole vocabulary."""
        done = edit(site(BACKUP, IT), [say("it"), say("new")], only_said=True)

        assert names(done) == (("new",), (), ("backup",))


class TestSpace:
    """What a space says over the site."""

    def test_a_patch_is_made_changed_and_taken_back(self) -> None:
        """Once nothing is left of it, it is gone; the site's term is not."""
        first = edit(space(BACKUP), [say("Backup", excluded=True)])
        layer = space(BACKUP, said=first.kept)
        second = edit(layer, [say("backup", synonyms=())])
        third = edit(layer, [say("backup", excluded=None)])

        assert first.after == {"backup": TermPatch(name="backup", excluded=True)}
        assert second.after["backup"] == TermPatch(
            name="backup", excluded=True, synonyms=()
        )
        assert names(third) == ((), (), ("backup",))

    def test_saying_nothing_of_a_site_s_term_is_nothing(self) -> None:
        """No empty patch is kept."""
        assert names(edit(space(BACKUP), [say("backup")])) == ((), (), ())

    def test_a_term_of_its_own(self) -> None:
        """It stays when nothing but its name is said."""
        done = edit(space(BACKUP), [say("local", excluded=None)])

        assert done.after == {"local": TermPatch(name="local")}

    def test_only_its_own_word_can_be_removed(self) -> None:
        """The site's terms are the site's."""
        layer = space(BACKUP, IT, said=(TermPatch(name="it", excluded=True),))

        assert names(edit(layer, removed=["it"])) == ((), (), ("it",))
        assert refused(layer, removed=["backup"]) == [
            "backup: the space says nothing of it; it is the site's"
        ]

    def test_parents_and_clashes_are_those_of_the_space(self) -> None:
        """With the site's terms under it."""
        done = edit(space(IT, BACKUP), [say("local", parent="Sicherung")])
        problems = refused(space(BACKUP), say("local", synonyms=("Sicherung",)))

        assert done.after["local"].parent == "backup"
        assert problems == ["local: its synonym 'Sicherung' is a synonym of backup"]

    def test_a_parent_of_the_site_that_makes_a_circle_here(self) -> None:
        """Though the space speaks only of one of the two."""
        layer = space(IT, Term(name="backup", parent="it"))

        assert refused(layer, say("it", parent="backup")) == [
            "it: its parents go round: it > backup > it"
        ]


class TestNames:
    """What may be a new term's name."""

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("", "(no name): is no label that Confluence accepts"),
            ("!!!", "!!!: is no label that Confluence accepts"),
            (
                "Two Words",
                "Two Words: Confluence would write it as 'two-words': say that",
            ),
            ("a\x00b", "a\x00b: Confluence would write it as 'a-b': say that"),
        ],
    )
    def test_what_confluence_refuses_or_rewrites(self, name: str, problem: str) -> None:
        """The label that it would become is told."""
        assert refused(site(), say(name)) == [problem]

    def test_far_too_long_a_name(self) -> None:
        """It is told in short, and soon."""
        (problem,) = refused(site(), say("x" * 10_000_000))

        assert problem.endswith("a label has at most 255 characters")
        assert len(problem) < 200

    def test_a_label_of_the_site_is_taken_as_it_is(self) -> None:
        """Confluence has taken it already."""
        done = edit(site(), [say("c++")], spelled=["c++"])

        assert done.added == ("c++",)
        assert edit(site(Term(name="c#")), [say("c#", excluded=True)]).changed

    def test_a_term_that_is_there_may_be_called_anything(self) -> None:
        """Its name is the site's, however long."""
        name = "x" * 300

        assert edit(site(Term(name=name)), [say(name, excluded=True)]).changed == (
            name,
        )

    def test_a_synonym_of_another_is_no_new_term(self) -> None:
        """In no spelling."""
        assert refused(site(BACKUP), say("sicherung")) == [
            "sicherung: is a synonym of backup"
        ]

    def test_said_twice(self) -> None:
        """Both places are told."""
        problems = refused(
            site(), say("one", "line 2"), say("ONE", "line 3"), say("one", "line 4")
        )
        at_once = refused(site(BACKUP), say("backup"), say("Backup"))

        assert problems == [
            "line 3: ONE: is said already (line 2)",
            "line 4: one: is said already (line 2)",
        ]
        assert at_once == ["Backup: is said twice"]

    def test_more_than_a_vocabulary_holds(self) -> None:
        """One that is larger already may change, and not grow."""
        full = {f"t{n}": TermPatch(name=f"t{n}") for n in range(MOST_TERMS + 1)}
        layer = Layer(here=full)

        assert refused(layer, say("more")) == ["a vocabulary has at most 20000 terms"]
        assert edit(layer, [say("t1", excluded=True)]).changed == ("t1",)


class TestSynonyms:
    """Names that lead elsewhere."""

    def test_a_name_or_synonym_of_another_term(self) -> None:
        """Each is told, in any spelling."""
        problems = refused(
            site(BACKUP, IT),
            say("archive", synonyms=("IT", "SICHERUNG", "архів")),
        )

        assert problems == [
            "archive: its synonym 'IT' is a term itself",
            "archive: its synonym 'SICHERUNG' is a synonym of backup",
        ]

    def test_an_inherited_parent_is_no_word_of_the_space(self) -> None:
        """It stays the site's to change."""
        layer = space(IT, Term(name="backup", parent="it"))

        done = edit(layer, [say("backup", excluded=True)])

        assert done.after["backup"].parent is None

    def test_two_terms_that_are_said_together(self) -> None:
        """Neither has it."""
        problems = refused(
            site(),
            say("one", "line 2", synonyms=("same", "two")),
            say("two", "line 3", synonyms=("Same",)),
        )

        assert problems == [
            "line 2: one: its synonym 'same' is a synonym of two",
            "line 2: one: its synonym 'two' is a term itself",
            "line 3: two: is a synonym of one",
            "line 3: two: its synonym 'Same' is a synonym of one",
        ]

    def test_what_was_shared_before_hinders_nobody(self) -> None:
        """A site that grew so can be changed all the same."""
        layer = site(BACKUP, Term(name="archive", synonyms=("Sicherung",)))

        done = edit(
            layer, [say("archive", description="Old", synonyms=("sicherung", "архів"))]
        )

        assert done.changed == ("archive",)

    def test_its_own_name_is_no_clash(self) -> None:
        """It leads where it stands."""
        assert edit(site(), [say("backup", synonyms=("Backup",))]).added == ("backup",)


class TestParents:
    """Broader terms."""

    def test_parent_is_found_under_any_name(self) -> None:
        """Also one that is added in the same breath."""
        done = edit(
            site(BACKUP),
            [say("tape", parent="Резервна копія"), say("cassette", parent="tape")],
        )

        assert done.after["tape"].parent == "backup"
        assert done.after["cassette"].parent == "tape"

    def test_parent_that_is_not_there(self) -> None:
        """Nor one that is removed with it."""
        assert refused(site(), say("tape", parent="nope")) == [
            "tape: there is no term 'nope' to be its parent"
        ]
        assert refused(site(IT), say("tape", parent="it"), only_said=True) == [
            "tape: there is no term 'it' to be its parent"
        ]

    def test_circles(self) -> None:
        """Of one, and of several that are said together."""
        assert refused(site(), say("a", parent="a")) == [
            "a: its parents go round: a > a"
        ]
        problems = refused(
            site(), say("a", parent="b"), say("b", parent="c"), say("c", parent="a")
        )
        assert problems[0] == "a: its parents go round: a > b > c > a"
        assert len(problems) == 3

    def test_a_circle_further_up_is_no_endless_walk(self) -> None:
        """It is told at those who are in it."""
        layer = site(Term(name="a", parent="b"), Term(name="b", parent="a"))

        (problem,) = refused(layer, say("c", parent="a"))

        assert problem == "c: more than 20 terms stand above it"

    def test_a_missing_parent_further_up_is_not_this_term_s_matter(self) -> None:
        """Whoever changes that term is told."""
        layer = site(Term(name="b", parent="gone"))

        assert edit(layer, [say("c", parent="b")]).added == ("c",)

    def test_what_was_said_before_the_site_changed_hinders_nobody(self) -> None:
        """A parent that the site has removed since, a circle that it has closed since."""
        lost = TermPatch(name="disk", parent="gone")
        circle = TermPatch(name="it", parent="backup")
        layer = space(Term(name="backup", parent="it"), IT, said=(lost, circle))

        done = edit(
            layer,
            [say("disk", parent="gone", excluded=True), say("it", parent="backup")],
        )

        assert done.changed == ("disk",)

    def test_taken_back_the_site_s_parent_holds_again(self) -> None:
        """It is not written down as the space's own word."""
        terms = (IT, Term(name="hall"), Term(name="disk", parent="hall"))
        alone = TermPatch(name="disk", parent="it")
        more = TermPatch(name="disk", parent="it", excluded=True)

        gone = edit(space(*terms, said=(alone,)), [say("disk", parent=None)])
        left = edit(space(*terms, said=(more,)), [say("disk", parent=None)])

        assert gone.removed == ("disk",)
        assert left.after["disk"] == TermPatch(name="disk", excluded=True)

    def test_a_parent_that_goes_in_the_same_breath(self) -> None:
        """Saying the same of the child again does not keep it."""
        layer = site(IT, Term(name="disk", parent="it"))

        assert refused(layer, say("disk", parent="it"), only_said=True) == [
            "disk: there is no term 'it' to be its parent"
        ]

    def test_too_deep(self) -> None:
        """Twenty levels are enough."""
        chain = [say("t0")]
        chain += [say(f"t{n}", parent=f"t{n - 1}") for n in range(1, MOST_LEVELS + 2)]

        assert refused(site(), *chain) == ["t21: more than 20 terms stand above it"]

    def test_parent_of_others_is_not_removed(self) -> None:
        """Unless they are changed with it, or its name leads on."""
        layer = site(IT, BACKUP, Term(name="disk", parent="it"))

        assert refused(layer, removed=["it"]) == [
            "it: is the parent of disk; change that first"
        ]
        assert edit(layer, [say("disk", parent=None)], removed=["it"]).removed == (
            "it",
        )
        merged = edit(layer, [say("backup", synonyms=("it",))], removed=["it"])
        assert names(merged) == ((), ("backup",), ("it",))


class TestRemoving:
    """Names that cannot be removed."""

    def test_all_that_is_not_there_is_told(self) -> None:
        """A synonym is told whose it is."""
        assert refused(site(BACKUP), removed=["nope", "Sicherung"]) == [
            "nope: there is no such term",
            "Sicherung: is a synonym of backup, no term itself",
        ]

    def test_all_problems_at_once(self) -> None:
        """And the message tells the first few."""
        said = [say(f"!{n}!", f"line {n}") for n in range(2, 20)]

        with pytest.raises(TermsRefused, match="and 8 more") as caught:
            edit(site(), said)

        assert len(caught.value.problems) == 18
