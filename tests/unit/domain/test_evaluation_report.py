"""Tests for the answers, figures and report of app.domain.evaluation."""

from __future__ import annotations

import json

import pytest

from app.domain.completions import Completion, LabelChoice, Usage
from app.domain.evaluation.answers import Trial, answered, failed
from app.domain.evaluation.baselines import first_sentence, name_match, popularity
from app.domain.evaluation.report import Report, report
from app.domain.evaluation.sites import Site
from tests.unit.domain.evaluated import make_answer, make_sample, make_trial


def overall(*trials: Trial) -> dict[str, object]:
    found = report(trials, models={"ai": "m"})["providers"]["ai"]["overall"]
    assert isinstance(found, dict)
    return found


def told(*trials: Trial, names: tuple[str, ...] = ("ai",)) -> Report:
    return report(trials, models=dict.fromkeys(names, "m"))


class TestAnswered:
    """Tests for answered()."""

    def test_the_rest_follows_what_was_chosen(self) -> None:
        """Surest first, each once; strangers are told and count for nothing."""
        completion = Completion(
            labels=(
                LabelChoice(name="b", confidence=0.3),
                LabelChoice(name="new", confidence=0.99),
                LabelChoice(name="c", confidence=0.9),
                LabelChoice(name="b", confidence=0.6),
            ),
            summary="Речення.",
            language="uk",
            provider="ai",
            model="m",
        )

        found = answered(
            completion, ["a", "b", "c"], vocabulary={"a", "b", "c"}, milliseconds=2.0
        )

        assert found.ranked == ("c", "b", "a")
        assert [(one.name, one.confidence) for one in found.choices] == [
            ("c", 0.9),
            ("b", 0.6),
        ]
        assert found.strangers == ("new",)
        assert found.at_least(0.61) == {"c"}

    def test_no_more_than_five_are_applied(self) -> None:
        """However sure the provider is."""
        answer = make_answer(*((name, 0.9) for name in "abcdefg"))

        assert answer.at_least(0.5) == set("abcde")


class TestBaselines:
    """Tests for what a provider has to beat."""

    def test_popularity_counts_the_other_pages(self) -> None:
        """The page's own labels do not make themselves popular."""
        pages = [make_sample(*of) for of in (("1", "a"), ("2", "b"), ("3", "b", "c"))]
        known = Site.of("site", pages).without(pages[0])

        found = popularity(pages[0], known)

        assert found.ranked == ("b", "c", "a")
        assert [one.confidence for one in found.choices] == [1.0, 0.5]

    def test_names_on_the_page_are_matched_in_any_form(self) -> None:
        """In the title before the text, the rest by name."""
        page = make_sample(
            "1",
            "a",
            title="Мережева політика",
            text="Про шлюзи та мережеві політики.",
            language="uk",
        )
        labels = ["шлюз", "шлюзи", "мережева-політика", "___"]
        site = Site.of("site", [page], vocabulary=labels)

        found = name_match(page, site.without(page))

        assert found.ranked is not None
        assert found.ranked[:2] == ("мережева-політика", "шлюзи")
        assert found.at_least(0.5) == {"мережева-політика"}

    def test_first_sentence_or_else_the_title(self) -> None:
        """A page always has one of them."""
        page = make_sample("1", "a", text="One is here. Two is there.")
        bare = make_sample("2", "a", text="", title="Only a title")
        known = Site.of("site", [page]).without(page)

        assert first_sentence(page, known).summary == "One is here."
        assert first_sentence(bare, known).summary == "Only a title"


class TestFigures:
    """The numbers of a report, made by hand from two pages."""

    #: Applied {a, x} of {a, b}, then {c} of {c}.
    TRIALS = (
        make_trial(
            make_sample("1", "a", "b", summary="The backup runs"),
            learnable=frozenset("a"),
            ai=make_answer(
                ("a", 0.9),
                ("x", 0.6),
                ("y", 0.3),
                then=("b",),
                summary="The backup runs every night.",
                milliseconds=10.0,
                usage=Usage(input_tokens=100, output_tokens=10, micro_usd=500),
            ),
        ),
        make_trial(
            make_sample("2", "c", language="uk"),
            ai=make_answer(
                ("c", 0.5),
                summary="Робить Олена",
                milliseconds=30.0,
                usage=Usage(input_tokens=50, thinking_tokens=5, micro_usd=1_500),
            ),
        ),
    )

    def test_labels(self) -> None:
        """Averages over pages, and over labels where they say so."""
        found = overall(*self.TRIALS)

        expected = {
            "n": 2,
            "map": ((1 + 2 / 4) / 2 + 1) / 2,
            "p_at_1": 1.0,
            "p_at_5": (2 / 5 + 1 / 5) / 2,
            "r_at_5": 1.0,
            "r_at_5_learnable": 1.0,
            "f1_at_5": (4 / 7 + 2 / 6) / 2,
            "f1_at_5_ceiling": (4 / 7 + 2 / 6) / 2,
            "applied_precision": (1 / 2 + 1) / 2,
            "applied_recall": (1 / 2 + 1) / 2,
            "applied_f1": (1 / 2 + 1) / 2,
            "applied_precision_micro": 2 / 3,
            "applied_recall_micro": 2 / 3,
            "applied_f1_micro": 2 / 3,
            "applied_per_page": 1.5,
            "suggested_f1": (2 / 5 + 1) / 2,
            "out_of_vocabulary": 0.0,
            "calibration_error": (0.1 + 0.3 + 2 * 0.05) / 4,
        }
        assert {name: found[name] for name in expected} == pytest.approx(
            expected, abs=1e-4
        )

    def test_summaries(self) -> None:
        """A page that nobody summed up has no ROUGE; its words are looked at."""
        found = overall(*self.TRIALS)

        assert found["rouge1"] == pytest.approx(6 / 8)
        assert found["rouge2"] == pytest.approx(4 / 6, abs=1e-4)
        assert found["summary_words"] == 3.5
        assert found["title_overlap"] == 0.5
        assert found["invented_words"] == 0.5

    def test_time_and_money(self) -> None:
        """Tokens are added up, money is told for a thousand pages too."""
        found = overall(*self.TRIALS)

        assert (found["p50_ms"], found["p95_ms"]) == (10.0, 30.0)
        assert found["tokens"] == {
            "input": 150,
            "cached": 0,
            "output": 10,
            "thinking": 5,
        }
        assert found["cost_usd"] == 0.002
        assert found["cost_usd_per_1000_pages"] == 1.0

    def test_groups_are_told_apart(self) -> None:
        """By language and by site, each with all figures."""
        provider = told(*self.TRIALS)["providers"]["ai"]

        assert {name: one["n"] for name, one in provider["lang"].items()} == {
            "en": 1,
            "uk": 1,
        }
        assert provider["lang"]["uk"]["map"] == 1.0
        assert provider["lang"]["uk"]["rouge1"] is None
        assert provider["source"]["site"] == provider["overall"]
        assert provider["lang"]["en"].keys() == provider["overall"].keys()

    def test_inventions_are_shown_worst_first(self) -> None:
        """With what a reader would be misled by."""
        provider = told(*self.TRIALS)["providers"]["ai"]

        assert provider["inventions"] == [
            {"page": "2", "share": 1.0, "numbers_and_names": ["Робить", "Олена"]}
        ]

    @pytest.mark.parametrize(
        ("language", "match"), [("en", 0.5), ("en-GB", 0.5), ("fr", 0.0), ("und", None)]
    )
    def test_a_summary_in_another_language_is_seen(
        self, language: str, match: float | None
    ) -> None:
        """Where so few words, and the page, tell it at all."""
        sample = make_sample("1", "a", language=language)
        wrong = "Ця сторінка розповідає про їжу та її приготування."
        trials = [
            make_trial(sample, ai=make_answer(summary=text))
            for text in (wrong, "42", "This is what the page says of the backup.")
        ]

        assert overall(*trials)["language_match"] == match

    def test_a_failure_scores_nothing_and_is_counted(self) -> None:
        """It cannot hide behind the ranker or the draft, and what it cost is told."""
        sample = make_sample("3", "a", summary="Backup")
        lost = make_trial(sample, ai=failed("timeout", Usage(micro_usd=1_000)))
        found = overall(lost, self.TRIALS[1])

        assert (found["failures"], found["failure_kinds"]) == (1, {"timeout": 1})
        assert (found["map"], found["applied_f1"], found["rouge1"]) == (0.5, 0.5, 0.0)
        assert (found["p50_ms"], found["cost_usd"]) == (30.0, 0.0025)
        assert found["invented_words"] == 1.0

    def test_no_pages_no_figures(self) -> None:
        """A group of nothing is not zero: it is not known."""
        found = overall()

        assert (found["n"], found["map"], found["applied_f1_micro"]) == (0, None, None)


class TestReport:
    """What stands around the figures."""

    def test_it_is_json(self) -> None:
        """Plain values all the way down, no number that JSON does not know."""
        found = told(*TestFigures.TRIALS)

        assert json.loads(json.dumps(found, allow_nan=False)) == found

    def test_data_are_described(self) -> None:
        """Labels that no remembered page carries could not have been learned."""
        data = told(*TestFigures.TRIALS)["data"]

        assert data == {
            "pages": 2,
            "sites": 1,
            "labels_per_page": 1.5,
            "labels_unseen": 0.3333,
            "summaries": 1,
        }

    def test_whoever_does_not_beat_a_baseline_is_flagged(self) -> None:
        """As good is not better."""
        sample = make_sample("1", "a", summary="The backup runs every night")
        poor = make_answer(("x", 0.9), then=("a",), summary="Nothing")
        trial = make_trial(
            sample,
            ai=poor,
            popularity=make_answer(("x", 0.9), then=("a",)),
            name_match=make_answer(then=("x", "y", "a")),
            first_sentence=make_answer(summary="The backup runs every night."),
        )

        warnings = told(trial)["providers"]["ai"]["warnings"]

        assert len(warnings) == 2
        assert warnings[0].startswith("labels do not beat the baseline popularity")
        assert warnings[1].startswith("summaries do not beat the baseline first_sent")

    def test_labels_outside_the_vocabulary_and_failures_are_flagged(self) -> None:
        """Neither may ever happen."""
        completion = Completion(
            labels=(LabelChoice(name="new", confidence=0.9),),
            summary="",
            language="en",
            provider="ai",
            model="m",
        )
        stranger = answered(completion, ["a"], vocabulary={"a"}, milliseconds=1.0)
        trials = [
            make_trial(make_sample("1", "a"), ai=stranger),
            make_trial(make_sample("2", "a"), ai=failed("blocked", Usage())),
        ]

        found = told(*trials)["providers"]["ai"]

        assert found["overall"]["out_of_vocabulary"] == 1.0
        assert found["warnings"] == [
            "100.0% of its labels are outside the vocabulary",
            "1 of 2 answers failed and score nothing",
        ]

    def test_providers_are_compared_page_by_page(self) -> None:
        """In pairs, in what both were measured in; the seed decides the interval."""
        trials = [
            make_trial(
                make_sample(str(at), "a"),
                one=make_answer(("a", 0.9)),
                two=make_answer(("x", 0.9), then=("a",)),
            )
            for at in range(10)
        ]

        found = told(*trials, names=("one", "two"))["differences"]

        assert found == [
            {
                "of": "one",
                "over": "two",
                "measure": measure,
                "n": 10,
                "difference": gain,
                "low": gain,
                "high": gain,
            }
            for measure, gain in (("map", 0.5), ("applied_f1", 1.0))
        ]
