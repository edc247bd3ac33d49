"""Tests for app.domain.plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest
from hypothesis import given, settings, strategies as st
from typing_extensions import override

from app.domain.completions import Completion, LabelChoice
from app.domain.plans import (
    APPLY_AT,
    SUGGEST_AT,
    FixedBar,
    LedgerState,
    Plan,
    PlanItem,
    new_names,
    plan_labels,
    refuses,
    withdrawn_labels,
)
from app.domain.vocabulary.terms import Term, Vocabulary

SURE = APPLY_AT + 0.2
UNSURE = (APPLY_AT + SUGGEST_AT) / 2
#: Lets every label through, so that a test speaks of the rest.
ANY = Vocabulary.build((), openness="open")
TERMS = Vocabulary.build(
    (
        Term(name="backup", synonyms=("резервне-копіювання", "Datensicherung")),
        Term(name="secret", excluded=True),
        Term(name="approved", manual_only=True),
        Term(name="api"),
    )
)
NAMES = st.sampled_from(["api", "billing", "дизайн", "how-to", "release", "v1_2"])
CHOICES = st.lists(
    st.builds(
        LabelChoice,
        name=NAMES,
        confidence=st.floats(0, 1),
        evidence=st.sampled_from(["", "near a page"]),
    ),
    max_size=12,
)
LEDGERS = st.dictionaries(
    NAMES, st.sampled_from(["planned", "written", "withdrawn", "undone"]), max_size=6
)


def completion(*choices: tuple[str, float]) -> Completion:
    return Completion(
        labels=tuple(
            LabelChoice(name=name, confidence=confidence)
            for name, confidence in choices
        ),
        summary="",
        language="en",
        provider="local",
        model="test",
    )


def plan(
    *choices: tuple[str, float],
    on_page: tuple[str, ...] = (),
    ledger: Mapping[str, LedgerState] | None = None,
    max_labels: int = 5,
    vocabulary: Vocabulary = ANY,
) -> Plan:
    return plan_labels(
        completion(*choices),
        on_page=on_page,
        ledger=ledger or {},
        vocabulary=vocabulary,
        bar=FixedBar(),
        max_labels=max_labels,
    )


def actions(made: Plan) -> dict[str, str]:
    return {item.label: item.action for item in made.items}


class TestPlanLabels:
    """Tests for app.domain.plans.plan_labels()."""

    @pytest.mark.parametrize(
        ("confidence", "action"),
        [
            (1.0, "add"),
            (APPLY_AT, "add"),
            (APPLY_AT - 0.001, "suggest"),
            (SUGGEST_AT, "suggest"),
            (SUGGEST_AT - 0.001, None),
            (0.0, None),
        ],
    )
    def test_confidence_decides_between_write_wait_and_forget(
        self, confidence: float, action: str | None
    ) -> None:
        """Each threshold belongs to the bolder side."""
        made = plan(("api", confidence))

        assert actions(made).get("api") == action

    def test_label_on_the_page_is_kept_whoever_put_it(self) -> None:
        """A label that stands there is no work, even if nobody is sure of it."""
        made = plan(
            ("api", SURE),
            ("billing", 0.01),
            on_page=("api", "billing"),
            ledger={"api": "written"},
        )

        assert actions(made) == {"api": "keep", "billing": "keep"}

    def test_label_that_a_person_took_off_is_respected(self) -> None:
        """A tombstone holds, however sure the provider is."""
        made = plan(("api", 1.0), ledger={"api": "withdrawn"})

        assert actions(made) == {"api": "respect"}
        assert made.withdrawn == ()

    def test_written_label_that_is_gone_becomes_a_tombstone(self) -> None:
        """What we wrote and no longer see was taken off by a person just now."""
        made = plan(("api", 1.0), ledger={"api": "written", "how-to": "written"})

        assert actions(made) == {"api": "respect"}
        assert made.withdrawn == ("api", "how-to")

    def test_label_planned_before_a_crash_is_added_after_it(self) -> None:
        """Planned, but never sent: nobody took it off."""
        made = plan(("api", SURE), ledger={"api": "planned"})

        assert actions(made) == {"api": "add"}
        assert made.withdrawn == ()

    def test_label_sent_before_a_crash_counts_as_ours(self) -> None:
        """Planned and standing there takes up room like any label of ours."""
        made = plan(
            ("api", SURE),
            ("billing", SURE),
            on_page=("api",),
            ledger={"api": "planned"},
            max_labels=1,
        )

        assert actions(made) == {"api": "keep", "billing": "suggest"}

    def test_each_label_of_ours_takes_the_room_of_one(self) -> None:
        """One stands there already, so of two places one is left."""
        made = plan(
            ("api", SURE),
            ("billing", SURE),
            ("release", SURE),
            on_page=("api",),
            ledger={"api": "written"},
            max_labels=2,
        )

        assert actions(made) == {"api": "keep", "billing": "add", "release": "suggest"}

    def test_withdrawn_label_that_a_person_put_back_takes_no_room(self) -> None:
        """It is theirs now."""
        made = plan(
            ("api", SURE),
            ("billing", SURE),
            on_page=("api",),
            ledger={"api": "withdrawn"},
            max_labels=1,
        )

        assert actions(made) == {"api": "keep", "billing": "add"}

    def test_surest_labels_get_the_room_and_the_rest_wait(self) -> None:
        """Where more are sure than there is room for, the surest are written."""
        made = plan(("c", 0.7), ("a", 0.9), ("b", 0.8), max_labels=2)

        assert made.labels("add") == ("a", "b")
        assert made.labels("suggest") == ("c",)

    def test_labels_of_people_take_no_room(self) -> None:
        """The limit is on what stands there because of us."""
        made = plan(("api", SURE), on_page=("x", "y", "z"), max_labels=1)

        assert made.labels("add") == ("api",)

    @pytest.mark.parametrize("max_labels", [0, -3])
    def test_no_room_at_all_only_suggests(self, max_labels: int) -> None:
        """A limit of none writes none."""
        made = plan(("api", 1.0), max_labels=max_labels)

        assert actions(made) == {"api": "suggest"}

    def test_label_chosen_twice_is_planned_once_with_the_surer_choice(self) -> None:
        """A doubled answer makes no doubled label."""
        made = plan(("api", UNSURE), ("api", SURE), ("api", 0.1))

        assert [(item.label, item.confidence) for item in made.items] == [("api", SURE)]

    def test_equally_sure_labels_are_ordered_by_name(self) -> None:
        """The same answer in another order is the same plan."""
        one = plan(("b", SURE), ("a", SURE), max_labels=1)
        other = plan(("a", SURE), ("b", SURE), max_labels=1)

        assert one == other
        assert one.labels("add") == ("a",)

    def test_evidence_comes_along(self) -> None:
        """A plan explains itself."""
        answer = Completion(
            labels=(LabelChoice(name="api", confidence=1, evidence="in the title"),),
            summary="",
            language="en",
            provider="local",
            model="test",
        )

        made = plan_labels(
            answer, on_page=(), ledger={}, vocabulary=ANY, bar=FixedBar(), max_labels=5
        )

        assert made.items[0].evidence == "in the title"

    def test_empty_answer_still_finds_tombstones(self) -> None:
        """What a person took off is noticed though nothing is asked for."""
        made = plan(ledger={"api": "written"})

        assert made == Plan(items=(), withdrawn=("api",))


class TestVocabulary:
    """What the vocabulary lets through, and which names are one label."""

    @pytest.mark.parametrize("state", ["withdrawn", "undone"])
    @pytest.mark.parametrize(
        "buried", ["резервне-копіювання", "Резервне копіювання", "datensicherung"]
    )
    def test_tombstone_holds_under_every_name(
        self, buried: str, state: LedgerState
    ) -> None:
        """Whoever took a label off took its synonyms off."""
        made = plan(("backup", 1.0), ledger={buried: state}, vocabulary=TERMS)

        assert actions(made) == {"backup": "respect"}

    def test_synonym_on_the_page_is_the_label_itself(self) -> None:
        """A person's label in another language is not doubled."""
        made = plan(("backup", 1.0), on_page=("резервне-копіювання",), vocabulary=TERMS)

        assert actions(made) == {"backup": "keep"}

    @pytest.mark.parametrize(
        "label", ["secret", "approved", "stranger", "Backup", "резервне-копіювання"]
    )
    def test_what_may_not_be_chosen_is_dropped(self, label: str) -> None:
        """Excluded, manual, unknown, or a name that is never written."""
        assert plan((label, 1.0), vocabulary=TERMS) == Plan(items=())

    def test_synonym_of_a_term_is_not_written_where_all_is_open(self) -> None:
        """It is no stranger: its label has another name."""
        terms = Vocabulary.build(TERMS.terms.values(), openness="open")

        made = plan(("datensicherung", 1.0), ("stranger", 1.0), vocabulary=terms)

        assert actions(made) == {"stranger": "add"}

    @pytest.mark.parametrize(
        ("openness", "expected"),
        [("closed", {}), ("propose", {}), ("open", {"new-thing": "add"})],
    )
    def test_proposals_are_written_where_all_is_open_and_only_there(
        self, openness: Literal["closed", "propose", "open"], expected: dict[str, str]
    ) -> None:
        """Elsewhere they wait in a queue of their own, or are forgotten."""
        answer = Completion(
            labels=(),
            summary="",
            language="en",
            provider="p",
            model="m",
            proposals=(LabelChoice(name="new-thing", confidence=0.9),),
        )

        made = plan_labels(
            answer,
            on_page=(),
            ledger={},
            vocabulary=Vocabulary.build(TERMS.terms.values(), openness=openness),
            bar=FixedBar(),
            max_labels=5,
        )

        assert actions(made) == expected

    def test_a_proposal_that_is_a_term_by_now_is_a_choice_of_it(self) -> None:
        """Under any name, in any vocabulary; what may not be chosen is not."""
        terms = Vocabulary.build(
            [
                Term(name="backup", synonyms=("резервна копія",)),
                Term(name="secret", excluded=True),
            ],
            openness="closed",
        )
        answer = proposing("Резервна-Копія", "secret", "stranger")

        made = plan_labels(
            answer,
            on_page=(),
            ledger={},
            vocabulary=terms,
            bar=FixedBar(),
            max_labels=5,
        )

        assert actions(made) == {"backup": "add"}

    @pytest.mark.parametrize(
        ("openness", "expected"),
        [("closed", ()), ("propose", ("new-thing",)), ("open", ())],
    )
    def test_new_names_wait_where_they_are_to_be_proposed(
        self, openness: Literal["closed", "propose", "open"], expected: tuple[str, ...]
    ) -> None:
        """Names and synonyms of terms are not new, and nothing is no name."""
        terms = Vocabulary.build(
            [Term(name="backup", synonyms=("копія",))], openness=openness
        )

        found = new_names(proposing("Backup", "Копія", "new-thing", "'"), terms)

        assert tuple(one.name for one in found) == expected

    def test_two_spellings_of_one_label_are_planned_once(self) -> None:
        """The surer one, as it is spelled."""
        made = plan(("How To", 0.6), ("how-to", 0.9))

        assert [(one.label, one.confidence) for one in made.items] == [("how-to", 0.9)]


def proposing(*names: str) -> Completion:
    return Completion(
        labels=(),
        summary="",
        language="uk",
        provider="p",
        model="m",
        proposals=tuple(LabelChoice(name=name, confidence=0.9) for name in names),
    )


class TestBar:
    """How sure one must be."""

    def test_each_label_has_its_own_bar(self) -> None:
        """And the plan tells which it was."""

        class Own(FixedBar):
            @override
            def apply_at(self, label: str) -> float:
                return {"api": 0.9, "backup": 0.3}[label]

        made = plan_labels(
            completion(("api", 0.8), ("backup", 0.3)),
            on_page=(),
            ledger={},
            vocabulary=TERMS,
            bar=Own(),
            max_labels=5,
        )

        assert made.items == (
            PlanItem(label="api", action="suggest", confidence=0.8, apply_at=0.9),
            PlanItem(label="backup", action="add", confidence=0.3, apply_at=0.3),
        )

    def test_a_bar_above_one_is_never_passed(self) -> None:
        """Such a label waits for a person, always."""
        made = plan_labels(
            completion(("api", 1.0)),
            on_page=(),
            ledger={},
            vocabulary=TERMS,
            bar=FixedBar(at=1.01),
            max_labels=5,
        )

        assert actions(made) == {"api": "suggest"}


class TestLedger:
    """What the ledger says against a label."""

    @pytest.mark.parametrize("state", ["withdrawn", "undone"])
    def test_tombstones_refuse(self, state: LedgerState) -> None:
        """By any name of the label, and no other label's."""
        ledger = {"резервне копіювання": state}

        assert refuses(TERMS, ledger, "backup") is True
        assert refuses(TERMS, ledger, "api") is False

    @pytest.mark.parametrize("state", ["planned", "written"])
    def test_labels_of_ours_refuse_nothing(self, state: LedgerState) -> None:
        """They are on their way, or there."""
        assert refuses(TERMS, {"backup": state}, "backup") is False

    def test_only_what_was_written_and_is_gone_was_withdrawn(self) -> None:
        """In order, each once."""
        ledger: dict[str, LedgerState] = {
            "b": "written",
            "a": "written",
            "there": "written",
            "planned": "planned",
            "undone": "undone",
            "withdrawn": "withdrawn",
        }

        assert withdrawn_labels(ledger, {"there"}) == ("a", "b")


def planned(
    choices: list[LabelChoice],
    on_page: set[str],
    ledger: Mapping[str, LedgerState],
    max_labels: int,
) -> Plan:
    answer = Completion(
        labels=tuple(choices), summary="", language="uk", provider="p", model="m"
    )
    return plan_labels(
        answer,
        on_page=on_page,
        ledger=ledger,
        vocabulary=ANY,
        bar=FixedBar(),
        max_labels=max_labels,
    )


EVERYTHING = given(
    choices=CHOICES,
    on_page=st.sets(NAMES),
    ledger=LEDGERS,
    max_labels=st.integers(0, 6),
)


class TestPlanProperties:
    """What holds for every page, answer and history."""

    @EVERYTHING
    @settings(max_examples=150, deadline=None)
    def test_withdrawn_label_is_never_added(
        self,
        choices: list[LabelChoice],
        on_page: set[str],
        ledger: dict[str, LedgerState],
        max_labels: int,
    ) -> None:
        """A person wins, always."""
        made = planned(choices, on_page, ledger, max_labels)

        taken_off = {
            name for name, state in ledger.items() if state in ("withdrawn", "undone")
        }
        taken_off |= set(made.withdrawn)
        assert taken_off.isdisjoint(made.labels("add"))

    @EVERYTHING
    @settings(max_examples=150, deadline=None)
    def test_page_never_holds_more_of_ours_than_allowed(
        self,
        choices: list[LabelChoice],
        on_page: set[str],
        ledger: dict[str, LedgerState],
        max_labels: int,
    ) -> None:
        """What was over the limit before is not taken off, but nothing is added."""
        made = planned(choices, on_page, ledger, max_labels)

        before = {
            name
            for name, state in ledger.items()
            if state in ("planned", "written") and name in on_page
        }
        after = before | set(made.labels("add"))
        assert len(after) <= max(max_labels, len(before))

    @EVERYTHING
    @settings(max_examples=150, deadline=None)
    def test_planning_again_after_applying_adds_nothing(
        self,
        choices: list[LabelChoice],
        on_page: set[str],
        ledger: dict[str, LedgerState],
        max_labels: int,
    ) -> None:
        """A page run is idempotent."""
        first = planned(choices, on_page, ledger, max_labels)
        applied: dict[str, LedgerState] = dict(ledger)
        applied.update(dict.fromkeys(first.withdrawn, "withdrawn"))
        applied.update(dict.fromkeys(first.labels("add"), "written"))

        again = planned(
            choices, on_page | set(first.labels("add")), applied, max_labels
        )

        assert again.labels("add") == ()
        assert again.withdrawn == ()

    @EVERYTHING
    @settings(max_examples=100, deadline=None)
    def test_each_label_is_planned_at_most_once(
        self,
        choices: list[LabelChoice],
        on_page: set[str],
        ledger: dict[str, LedgerState],
        max_labels: int,
    ) -> None:
        """No label has two actions."""
        made = planned(choices, on_page, ledger, max_labels)

        names = [item.label for item in made.items]
        assert len(names) == len(set(names))
