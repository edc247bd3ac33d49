"""Tests for app.domain.vocabulary.terms."""

from __future__ import annotations

import pytest

from app.domain.vocabulary.terms import Term, TermPatch, Vocabulary, fold

BACKUP = Term(name="backup", synonyms=("Резервна копія", "Sicherung", "об'єкт"))


class TestFold:
    """What makes two spellings one name."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Backup", "BACKUP"),
            ("резервна копія", "Резервна-Копія"),
            ("data_base", "data base"),
            ("data\u2013base", "data\u00a0base"),
            ("об'єкт", "об\u2019єкт"),
            ("об\u02bcєкт", "обєкт"),
            ("\uff22ackup", "backup"),
            ("back\u200bup", "backup"),
            (" - backup - ", "backup"),
            ("e\u0301cole", "\u00e9cole"),
            ("Straße", "STRASSE"),
        ],
    )
    def test_spellings_of_one_name(self, one: str, other: str) -> None:
        """Case, width, dashes, apostrophes, what cannot be seen."""
        assert fold(one) == fold(other) != ""

    @pytest.mark.parametrize("nothing", ["", "   ", "-_-", "'", "\u200b"])
    def test_what_says_nothing(self, nothing: str) -> None:
        """No name is left of it."""
        assert fold(nothing) == ""

    def test_names_that_differ_stay_apart(self) -> None:
        """Letters, digits and other signs count."""
        names = ("c", "c++", "c#", "сервер", "cервер", "s3")

        assert len(set(map(fold, names))) == len(names)


class TestCanonical:
    """From whatever somebody writes to the one label."""

    @pytest.mark.parametrize(
        "name",
        ["backup", "Backup", "резервна копія", "РЕЗЕРВНА-КОПІЯ", "sicherung", "обєкт"],
    )
    def test_every_name_leads_to_the_label(self, name: str) -> None:
        """A Ukrainian synonym leads to the English label."""
        vocabulary = Vocabulary.build([BACKUP])

        assert vocabulary.canonical(name) == "backup"
        assert vocabulary.term(name) == BACKUP
        assert vocabulary.same(name, "резервна  копія")

    def test_and_the_other_way_round(self) -> None:
        """An English synonym leads to the Ukrainian label."""
        vocabulary = Vocabulary.build([Term(name="відпустка", synonyms=("Vacation",))])

        assert vocabulary.canonical("vacation") == "відпустка"
        assert vocabulary.key("VACATION") == vocabulary.key("Відпустка")

    def test_strangers_are_known_by_their_fold(self) -> None:
        """They have no term, but two spellings of one are one."""
        vocabulary = Vocabulary.build([BACKUP])

        assert vocabulary.canonical("network") is None
        assert vocabulary.term("network") is None
        assert vocabulary.same("Net work", "net-work")
        assert not vocabulary.same("network", "backup")

    def test_names_go_over_synonyms(self) -> None:
        """What is a term itself is not led elsewhere; the first has a shared synonym."""
        vocabulary = Vocabulary.build(
            [
                Term(name="archive", synonyms=("backup", "copy")),
                Term(name="backup", synonyms=("copy",)),
            ]
        )

        assert vocabulary.canonical("Backup") == "backup"
        assert vocabulary.canonical("copy") == "archive"
        assert len(vocabulary) == 2

    def test_two_spellings_on_the_site_are_two_labels(self) -> None:
        """Letter by letter each is itself; any third spelling is the first."""
        vocabulary = Vocabulary.build([Term(name="back-up"), Term(name="back_up")])

        assert vocabulary.canonical("back_up") == "back_up"
        assert vocabulary.canonical("Back up") == "back-up"


class TestPatches:
    """What a space says over the site."""

    def test_said_goes_over_and_the_rest_is_inherited(self) -> None:
        """Also what was forbidden or asked for on the site."""
        site = Term(name="backup", description="Copies", parent="it", excluded=True)
        patch = TermPatch(name="backup", excluded=False, synonyms=("copy",))

        vocabulary = Vocabulary.build([site], [patch])

        assert vocabulary.terms["backup"] == Term(
            name="backup", description="Copies", parent="it", synonyms=("copy",)
        )

    def test_a_space_takes_a_parent_away(self) -> None:
        """An empty one is said, None is not."""
        site = Term(name="backup", parent="it")

        assert TermPatch(name="backup", parent="").over(site).parent is None
        assert TermPatch(name="backup").over(site).parent == "it"

    def test_a_space_has_terms_of_its_own(self) -> None:
        """The site need not know them."""
        vocabulary = Vocabulary.build([], [TermPatch(name="local", manual_only=True)])

        assert vocabulary.terms["local"] == Term(name="local", manual_only=True)


class TestMayChoose:
    """What may be offered, suggested and written."""

    def test_terms_may_but_for_excluded_and_manual_ones(self) -> None:
        """And only by their very name."""
        vocabulary = Vocabulary.build(
            [
                BACKUP,
                Term(name="secret", excluded=True),
                Term(name="approved", manual_only=True),
            ]
        )

        chosen = [
            vocabulary.may_choose(one)
            for one in ("backup", "Backup", "Sicherung", "secret", "approved")
        ]
        assert chosen == [True, False, False, False, False]

    def test_strangers_may_where_all_is_open(self) -> None:
        """But not as another spelling of a term."""
        for openness, may in (("closed", False), ("propose", False), ("open", True)):
            vocabulary = Vocabulary.build([BACKUP], openness=openness)  # type: ignore[arg-type]

            assert vocabulary.may_choose("network") is may
            assert vocabulary.may_choose("sicherung") is False

    def test_what_people_rejected_may_not_though_all_is_open(self) -> None:
        """In no spelling; once it is a term it may again."""
        refused = [fold("net work")]
        vocabulary = Vocabulary.build([BACKUP], openness="open", refused=refused)
        later = Vocabulary.build(
            [Term(name="net-work")], openness="open", refused=refused
        )

        assert not vocabulary.may_choose("Net-Work")
        assert not vocabulary.may_choose("net-work")
        assert later.may_choose("net-work")


class TestVersion:
    """What makes new questions of old ones."""

    @pytest.mark.parametrize(
        "changed",
        [
            Term(name="backup", description="Copies"),
            Term(name="backup", synonyms=("copy",)),
            Term(name="backup", parent="it"),
            Term(name="backup", excluded=True),
            Term(name="backup", manual_only=True),
            Term(name="backup", min_confidence=0.0),
        ],
    )
    def test_whatever_is_said_of_a_term_counts(self, changed: Term) -> None:
        """Answers given before do not stand."""
        plain = Vocabulary.build([Term(name="backup")])

        assert Vocabulary.build([changed]).version != plain.version

    def test_names_alone_do_not_count(self) -> None:
        """A label that somebody uses for the first time costs no new answers."""
        few = Vocabulary.build([BACKUP])
        more = Vocabulary.build([Term(name="network"), BACKUP])

        assert few.version == more.version

    def test_openness_counts_and_order_does_not(self) -> None:
        """The same said in another order is the same."""
        terms = [BACKUP, Term(name="network", excluded=True)]

        first = Vocabulary.build(terms)
        again = Vocabulary.build(reversed(terms))
        closed = Vocabulary.build(terms, openness="closed")

        assert first.version == again.version != closed.version

    def test_a_removed_term_of_which_something_was_said_counts(self) -> None:
        """Its answers may hold it."""
        assert Vocabulary.build([BACKUP]).version != Vocabulary.build([]).version
