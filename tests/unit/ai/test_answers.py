"""What models reply, and what of it may be used."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from app.ai.answers import Answer, AnswerMalformed, read_answer
from app.domain.completions import Candidate, LabelChoice, Prompt
from app.domain.pages import PageText
from app.domain.summaries import MAX_WORDS, MOST_CHARACTERS

_DRAFT = "The draft is a sentence of the page itself."
_TEXT = (
    "The backup of the wiki is made every night. It is kept for thirty days.\n\n"
    "See https://wiki.example.com/backup for the keys."
)
_SUMMARY = "How the nightly backup of the wiki is made and how long it is kept."
KUBERNETES = "How to set up a Kubernetes Deployment and a Service in a cluster."
_CANDIDATES = (
    Candidate(name="backup", score=0.6, evidence="similar pages carry it"),
    Candidate(name="ops", score=0.3, evidence="common on this site"),
    Candidate(name="мережева-політика", score=0.1),
)


def _prompt(
    *,
    candidates: tuple[Candidate, ...] = _CANDIDATES,
    max_labels: int = 5,
    asked: str = "en",
    language: str = "en",
    sentences: int = 1,
    existing: tuple[str, ...] = (),
    text: str = _TEXT,
) -> Prompt:
    return Prompt(
        page=PageText(title="Backups", paragraphs=(text,), text=text),
        language=language,
        candidates=candidates,
        max_labels=max_labels,
        summary_language=asked,
        existing=existing,
        draft=_DRAFT,
        sentences=sentences,
    )


def _value(**changed: Any) -> dict[str, Any]:
    return {
        "language": "en",
        "summary": _SUMMARY,
        "labels": [
            {"name": "backup", "evidence": "made every night", "confidence": 0.9}
        ],
        "proposals": [],
        **changed,
    }


def _reply(**changed: Any) -> str:
    return json.dumps(_value(**changed), ensure_ascii=False)


def _read(reply: str, prompt: Prompt | None = None) -> Answer:
    return read_answer(reply, prompt or _prompt())


def _labels(*entries: Any, prompt: Prompt | None = None) -> Answer:
    return _read(_reply(labels=list(entries)), prompt)


_GOOD = LabelChoice(name="backup", confidence=0.9, evidence="made every night")


class TestForm:
    """Where the answer stands in a reply."""

    def test_a_plain_answer_is_taken_as_it_is(self) -> None:
        """A valid reply has nothing odd."""
        answer = _read(_reply())

        assert answer == Answer(
            labels=(_GOOD,), summary=_SUMMARY, language="en", sources=answer.sources
        )
        (source,) = answer.sources
        assert source.sentence == _SUMMARY
        assert source.quote == "The backup of the wiki is made every night."

    @pytest.mark.parametrize(
        "wrapped",
        [
            "\ufeff{}",
            "```json\n{}\n```",
            "```\n{}\n```",
            "Sure! Here is the answer:\n{}\nHope it helps {{smile}}.",
            '<think>Maybe {{"labels": []}}?\nNo.</think>{}',
            "<think>one</think>\n<think>two</think>\n{}",
            "the page says</think>{}",
            "<think>It is about backups, so {}",
            "<thinking>hm</thinking>{}",
            '{{"answer": {}}}',
            "[{}]",
            "{{not json}} {}",
            "{}{}",
        ],
    )
    def test_wrapping_is_taken_off(self, wrapped: str) -> None:
        """Thoughts, fences, prose and wrappers around the object do not matter."""
        reply = wrapped.replace("{}", _reply()).replace("{{", "{").replace("}}", "}")

        answer = _read(reply)

        assert answer.labels == (_GOOD,)
        assert answer.summary == _SUMMARY

    def test_trailing_commas_are_forgiven(self) -> None:
        """A comma before a bracket is dropped, one inside a string stays."""
        reply = (
            '{"summary": "Backups, made nightly,] are kept for a month,} in a safe.",'
            ' "labels": [{"name": "backup", "confidence": 0.9,},],}'
        )

        answer = _read(reply)

        assert "nightly,] are" in answer.summary
        assert [one.name for one in answer.labels] == ["backup"]

    def test_raw_line_breaks_in_strings_are_forgiven(self) -> None:
        """Small models write line breaks into strings."""
        reply = '{"labels": [], "summary": "The backup is made\nevery night."}'

        assert _read(reply).summary == "The backup is made every night."

    def test_a_page_about_thoughts_is_no_thought(self) -> None:
        """A closing tag inside the summary does not cut the object."""
        reply = _reply(summary="The tag </think> ends what the model thinks.")

        assert _read(reply).labels == (_GOOD,)

    def test_extra_fields_are_ignored(self) -> None:
        """Nobody asked for them, nobody reads them."""
        assert _read(_reply(mood="good")).oddities == ()

    @pytest.mark.parametrize(
        ("reply", "reason"),
        [
            ("", "empty"),
            (" \n\ufeff", "empty"),
            ("I cannot help with that.", "no_json"),
            ('{"labels": [', "no_json"),
            ("[]", "no_json"),
            ('{"error": "overloaded"}', "not_asked"),
            ("{}", "not_asked"),
        ],
    )
    def test_no_answer_is_told_by_a_word(self, reply: str, reason: str) -> None:
        """What holds no labels and no summary is malformed."""
        with pytest.raises(AnswerMalformed) as caught:
            _read(reply)

        assert caught.value.reason == reason

    @pytest.mark.parametrize(
        "reply",
        [
            "{" * 10_000_000,
            '{"a":' * 2_000_000,
            '{"labels":' + "[" * 5_000_000,
            "<think>" * 1_400_000,
            "</think>" * 1_200_000,
            '{"labels": "' + "x" * 10_000_000,
            '{"' + '\\"' * 5_000_000,
            "{" + ", " * 5_000_000,
            '{"summary":' + "9" * 5_000 + "}",
        ],
        ids=[
            "braces", "nested", "lists", "thoughts", "ends", "string", "quotes",
            "commas", "digits",
        ],
    )  # fmt: skip
    def test_hostile_replies_end_quickly(self, reply: str) -> None:
        """Ten megabytes of anything are refused in a moment."""
        began = time.process_time()

        with pytest.raises(AnswerMalformed):
            _read(reply)

        assert time.process_time() - began < 20  # quadratic work would take minutes

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=300))
    def test_any_text_is_an_answer_or_malformed(self, reply: str) -> None:
        """Nothing else than the named exception ever leaves."""
        try:
            answer = _read(reply)
        except AnswerMalformed as error:
            assert error.reason in {"empty", "no_json", "not_asked"}  # noqa: PT017 - either outcome is right
        else:
            assert answer.summary


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["backup", "OPS", "name", "confidence"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "confidence", "evidence", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def _nine_tenths(**changed: Any) -> dict[str, Any]:
    return {
        "name": "backup",
        "evidence": "made every night",
        "confidence": 0.9,
        **changed,
    }


class TestOddAnswers:
    """Right JSON that says odd things."""

    @pytest.mark.parametrize(
        "labels",
        [
            None,
            "backup, ops",
            7,
            [None, 7, True, 1.5],
            [[["backup"]], [[]]],
            [{"name": None}, {"name": 5}, {"name": ["backup"]}, {"title": "backup"}],
            [{"name": f"label-{number}", "confidence": 1} for number in range(90)],
            {"labels": [{"name": "backup"}]},
        ],
        ids=[
            "null", "a string", "a number", "no objects", "nested", "no names",
            "ninety strangers", "an object",
        ],
    )  # fmt: skip
    def test_what_names_no_candidate_chooses_none(self, labels: object) -> None:
        """The summary is used all the same."""
        answer = _read(_reply(labels=labels))

        assert (answer.labels, answer.summary) == ((), _SUMMARY)
        assert answer.oddities

    def test_of_ninety_candidates_five_are_taken(self) -> None:
        """The surest, and none twice."""
        many = tuple(Candidate(name=f"label-{n}", score=0.5) for n in range(90))
        named = [{"name": one.name, "confidence": 0.5} for one in many] * 2

        answer = _labels(*named, prompt=_prompt(candidates=many))

        assert [one.name for one in answer.labels] == [
            f"label-{n}" for n in (0, 1, 10, 11, 12)
        ]
        assert {"label_repeated", "too_many_labels"} <= set(answer.oddities)

    @pytest.mark.parametrize(
        ("written", "confidence"),
        [("NaN", 0.6), ("1e308", 0.6), ("-1", 0.0), ('"high"', 0.6), ("150", 0.6),
         ('"0.4"', 0.4), ("-Infinity", 0.6), ("null", 0.6), ("[0.9]", 0.6)],
    )  # fmt: skip
    def test_confidences_as_they_are_written(
        self, written: str, confidence: float
    ) -> None:
        """What no JSON should hold, and what JSON holds in the wrong type."""
        reply = '{"summary": "x", "labels": [{"name": "backup", "confidence": %s}]}'

        (label,) = _read(reply % written).labels

        assert label.confidence == confidence

    @pytest.mark.parametrize(
        "reply",
        [
            "\ufeff \ufeff" + _reply(),
            _reply() + "\n\nI hope that helps! {labels: maybe}",
            _reply() + _reply(labels=[{"name": "ops", "confidence": 1}]),
            '{"note": "first"} ' + _reply(),
            json.dumps({"deep": json.loads("[" * 500 + "]" * 500)}) + _reply(),
            "[" * 10_000 + "]" * 10_000 + _reply(),
            _reply(padding="x" * 150_000),
        ],
        ids=["marks", "prose", "two", "notes", "deep", "deeper", "long"],
    )
    def test_the_first_object_that_answers_is_the_answer(self, reply: str) -> None:
        """Whatever stands around it."""
        answer = _read(reply)

        assert (answer.labels, answer.summary) == ((_GOOD,), _SUMMARY)

    def test_five_megabytes_are_no_answer(self) -> None:
        """Nobody's answer has so many; what is cut off is not guessed."""
        began = time.process_time()

        with pytest.raises(AnswerMalformed):
            _read(_reply(summary="слово " * 1_000_000))

        assert time.process_time() - began < 2

    def test_half_a_character_goes_no_further(self) -> None:
        """Lone surrogates are valid JSON, and no text that a database takes."""
        label = _nine_tenths(evidence="made \ud800every night")
        answer = _read(
            json.dumps(
                _value(
                    summary="How the \udc00backup is\ud83d made.",
                    labels=[label],
                    proposals=[{"name": "new\ud800name", "evidence": "\udfff"}],
                    language="e\ud800n",
                )
            )
        )

        said = [
            answer.summary,
            answer.language,
            *(one.name for one in answer.proposals),
        ]
        assert answer.summary == "How the backup is made."
        assert "".join(said).encode("utf-8")
        assert answer.labels == (_GOOD,)


class TestLabels:
    """Which labels are taken, and how sure they are."""

    @settings(max_examples=200, deadline=None)
    @given(_JSON, _JSON, _JSON, _JSON)
    def test_whatever_the_types_the_substance_holds(
        self, labels: Any, summary: Any, proposals: Any, language: Any
    ) -> None:
        """Labels are candidates, each once, 0 to 1; there is always a summary."""
        answer = _read(
            _reply(
                labels=labels, summary=summary, proposals=proposals, language=language
            )
        )

        names = [one.name for one in answer.labels]
        assert len(names) == len(set(names))
        assert set(names) <= {one.name for one in _CANDIDATES}
        assert all(0 <= one.confidence <= 1 for one in answer.labels)
        assert len(answer.proposals) <= 3
        assert answer.summary

    def test_strangers_are_dropped_and_told(self) -> None:
        """A label that is no candidate never passes."""
        answer = _labels({"name": "evil"}, {"name": "backup", "confidence": 1}, {}, 7)

        assert [one.name for one in answer.labels] == ["backup"]
        assert answer.dropped == ("evil", "")
        assert "label_unknown" in answer.oddities

    def test_case_and_composition_are_the_sites(self) -> None:
        """A label is found in another case or Unicode form, and gets its spelling."""
        decomposed = unicodedata.normalize("NFD", "Мережева-Політика")
        prompt = _prompt(candidates=(*_CANDIDATES, Candidate(name="Über", score=0.1)))

        answer = _labels(
            {"name": "BACKUP", "confidence": 0.9},
            {"name": decomposed, "confidence": 0.8},
            {"name": " über ", "confidence": 0.7},
            prompt=prompt,
        )

        names = [one.name for one in answer.labels]
        assert names == ["backup", "мережева-політика", "Über"]
        assert answer.oddities == ("label_respelled",)

    def test_the_exact_spelling_goes_first(self) -> None:
        """Where a site has two spellings, each is found as it is written."""
        prompt = _prompt(
            candidates=(
                Candidate(name="API", score=0.2),
                Candidate(name="api", score=0.1),
            )
        )

        answer = _labels("api", "API", "Api", prompt=prompt)

        assert {one.name for one in answer.labels} == {"API", "api"}

    def test_the_surest_stay(self) -> None:
        """Of too many labels the surest are taken, in order."""
        answer = _labels(
            {"name": "ops", "confidence": 0.2},
            {"name": "мережева-політика", "confidence": 0.7},
            {"name": "backup", "confidence": 0.9},
            prompt=_prompt(max_labels=2),
        )

        assert [one.name for one in answer.labels] == ["backup", "мережева-політика"]
        assert answer.oddities == ("too_many_labels",)

    def test_no_room_no_labels(self) -> None:
        """With no labels allowed none are taken."""
        assert _labels("backup", prompt=_prompt(max_labels=0)).labels == ()

    def test_the_surer_of_two_equal_ones_stays(self) -> None:
        """A label named twice counts once, at its higher confidence."""
        answer = _labels(
            {"name": "backup", "confidence": 0.4}, {"name": "Backup", "confidence": 0.8}
        )

        assert [one.confidence for one in answer.labels] == [0.8]
        assert "label_repeated" in answer.oddities

    @pytest.mark.parametrize(
        ("written", "confidence"),
        [
            (0.9, 0.9),
            ("0.9", 0.9),
            ("0,9", 0.9),
            ("90%", 0.9),
            (" 90 % ", 0.9),
            (90, 0.9),
            ("90", 0.9),
            (1, 1.0),
            (1.2, 1.0),
            (100, 1.0),
            (0, 0.0),
            (-3, 0.0),
        ],
    )
    def test_confidence_is_understood(self, written: object, confidence: float) -> None:
        """Strings, percent and slips become a chance."""
        answer = _labels({"name": "backup", "confidence": written})

        assert answer.labels[0].confidence == pytest.approx(confidence)
        assert answer.oddities == ()

    @pytest.mark.parametrize(
        "written",
        [
            *(None, "high", "", [], {}, True),
            *(101, 10**400, -(10**400), float("nan"), float("inf")),
            *("nan", "inf", "1e999"),
        ],
    )
    def test_where_it_says_nothing_the_ranker_does(self, written: object) -> None:
        """A confidence without sense is replaced by our own estimate."""
        answer = _labels({"name": "backup", "confidence": written})

        assert answer.labels[0].confidence == 0.6
        assert answer.oddities == ("confidence_unusable",)

    def test_other_shapes_of_lists_are_read(self) -> None:
        """Bare names, and names that map to confidences, count as labels."""
        bare = _labels("backup", {"label": "ops", "confidence": 0.5})
        mapped = _read(_reply(labels={"ops": 0.8}))

        assert [one.name for one in bare.labels] == ["backup", "ops"]
        assert [(one.name, one.confidence) for one in mapped.labels] == [("ops", 0.8)]

    @pytest.mark.parametrize("labels", [None, "backup", 5, True])
    def test_no_list_is_no_labels(self, labels: object) -> None:
        """What is no list is told, and the summary stands."""
        answer = _read(_reply(labels=labels))

        assert answer.labels == ()
        assert answer.summary == _SUMMARY
        assert answer.oddities == ("labels_missing",)

    @pytest.mark.parametrize(
        "evidence",
        ["Made  every NIGHT", "“every night.”", "backup of the wiki ... thirty days"],
    )
    def test_quotes_of_the_page_are_evidence(self, evidence: str) -> None:
        """Case, white space, quotation marks and gaps do not matter."""
        answer = _labels({"name": "backup", "evidence": evidence, "confidence": 1})

        assert "evidence_not_on_page" not in answer.oddities
        assert answer.labels[0].evidence == " ".join(evidence.strip("“”").split())

    @pytest.mark.parametrize("evidence", ["made every hour", "x" * 100_000])
    def test_invented_evidence_gives_way_to_ours(self, evidence: str) -> None:
        """What the page does not say is no evidence; the ranker's stands."""
        answer = _labels({"name": "backup", "evidence": evidence, "confidence": 1})

        assert answer.labels[0].evidence == "similar pages carry it"
        assert "evidence_not_on_page" in answer.oddities


class TestSummary:
    """What becomes of the summary."""

    @pytest.mark.parametrize(
        ("written", "summary"),
        [
            ("The **backup** is `nightly` made.", "The backup is nightly made."),
            ("# The backup is made.", "The backup is made."),
            ("- The backup is made.", "The backup is made."),
            ("The <b>backup</b> is made.", "The backup is made."),
            ("The backup &amp; the keys.", "The backup & the keys."),
            (
                "&lt;script&gt;x&lt;/script&gt; The backup is made.",
                "x The backup is made.",
            ),
            ("The [backup](https://evil.example/x) is made.", "The backup is made."),
            ("The ![backup](x.png) is made.", "The backup is made."),
            ("The \u202ebackup\u200b is\x00 made.", "The backup is made."),
            ("The\n\nbackup \t is made.", "The backup is made."),
            ("The <!-- hidden --> backup is made.", "The backup is made."),
        ],
    )
    def test_markup_is_taken_off(self, written: str, summary: str) -> None:
        """A summary is plain text on one line."""
        assert _read(_reply(summary=written)).summary == summary

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/x?y=1",
            "www.evil.example",
            "HTTP://EVIL.example",
            "mailto:a@evil.example",
            "evil.example/x",
            "javascript://evil.example",
        ],
    )
    def test_foreign_addresses_are_dropped(self, address: str) -> None:
        """An address that the page does not have is no part of its summary."""
        answer = _read(_reply(summary=f"The backup is made with {address}, nightly."))

        assert "evil" not in answer.summary.lower()
        assert "summary_had_address" in answer.oddities

    def test_places_that_the_page_names_stay(self) -> None:
        """A path may stand in a summary; a link never does, on the page or not."""
        path = "The keys of the backup are in wiki.example.com/backup."
        link = "The keys of the backup are at https://wiki.example.com/backup."

        assert _read(_reply(summary=path)).summary == path
        assert _read(_reply(summary=link)).summary == "The keys of the backup are at ."

    @pytest.mark.parametrize("most", [1, 2, 3])
    def test_no_more_sentences_than_asked_for(self, most: int) -> None:
        """Whole sentences stay as far as they fit; short forms end none."""
        said = "The wiki's backup, e.g. of ver. 2, is kept approx. thirty days. "
        page = f"{_TEXT} The backup e.g. of ver. 2 is kept approx. thirty days."

        answer = _read(_reply(summary=said * 9), _prompt(text=page, sentences=most))

        assert answer.summary == (said * most).strip()
        assert len(answer.sources) == most
        assert answer.oddities == ("summary_too_long",)

    @pytest.mark.parametrize(
        ("word", "code"),
        [("the backup of ", "en"), ("слово та ще ", "uk"), ("字", "zh")],
    )
    def test_an_endless_sentence_is_cut(self, word: str, code: str) -> None:
        """One sentence without an end is cut with an ellipsis."""
        answer = _read(
            _reply(summary=word * 10_000),
            _prompt(language=code, asked=code, text=word * 300),
        )

        assert answer.summary.endswith("…")
        assert len(answer.summary.split()) <= MAX_WORDS
        assert len(answer.summary) <= MOST_CHARACTERS

    @pytest.mark.parametrize(
        "summary", [None, "", "  ", 5, [], "…", "<br/>", "https://evil.example"]
    )
    def test_without_a_summary_the_draft_stands(self, summary: object) -> None:
        """What says nothing is no summary."""
        answer = _read(_reply(summary=summary))

        assert answer.summary == _DRAFT
        assert answer.language == "en"
        assert "summary_missing" in answer.oddities

    @pytest.mark.parametrize(
        ("asked", "summary"),
        [
            ("en", "Як робиться нічна резервна копія бази даних."),
            ("en", "本页说明如何从备份中恢复数据库。"),
            ("de", _SUMMARY),
            ("uk", _SUMMARY),
            ("uk", "Nightly wiki backup"),
            ("uk", "На этой странице показано, как вернуть базу из копии."),
        ],
    )
    def test_another_language_gives_way_to_the_draft(
        self, asked: str, summary: str
    ) -> None:
        """Who answers in another language or script than asked is not shown."""
        answer = _read(_reply(summary=summary), _prompt(asked=asked))

        assert (answer.summary, answer.language) == (_DRAFT, "en")
        assert answer.oddities[0] == "summary_in_another_language"
        assert ("summary_not_translated" in answer.oddities) == (asked != "en")
        assert answer.labels == (_GOOD,)

    def test_ukrainian_is_kept_where_it_is_asked(self) -> None:
        """The asked language passes, short as it is and full of Latin names."""
        summary = "Як налаштувати Kubernetes Deployment і Service у кластері."

        answer = _read(_reply(summary=summary), _prompt(asked="uk", text=KUBERNETES))

        assert (answer.summary, answer.language) == (summary, "uk")
        assert answer.oddities == ("evidence_not_on_page",)

    @pytest.mark.parametrize(
        ("told", "language"),
        [("fi", "fi"), ("FI", "fi"), ("Finnish", "und"), (5, "und")],
    )
    def test_of_an_unknown_language_the_model_is_believed(
        self, told: object, language: str
    ) -> None:
        """Where we cannot tell the language, a plausible code is taken."""
        summary = "Tällä sivulla kerrotaan varmuuskopioiden palauttamisesta."

        answer = _read(
            _reply(summary=summary, language=told),
            _prompt(language="und", asked="und", text=f"{summary} Kopiot tehdään."),
        )

        assert (answer.summary, answer.language) == (summary, language)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                ["<", ">", "<b", "/b>", "&lt;", "&amp;lt;", "[a](", ")", "http://x.y/",
                 "www.", "**", "\u202e", "\x07", "слово", " ", "a", ". ", "!--", "-->"]
            ),
            max_size=40,
        ).map("".join)
    )  # fmt: skip
    def test_no_markup_or_foreign_address_ever_passes(self, summary: str) -> None:
        """However it is mixed, no tag, control character or address remains."""
        answer = _read(_reply(summary=summary), _prompt(asked="und"))

        assert not re.search(r"<[A-Za-z!/]|https?://|[\x00-\x1f\u202e]", answer.summary)


class TestProposals:
    """Names that the site does not have."""

    def test_names_become_confluences(self) -> None:
        """New names are spelled as Confluence spells labels, with evidence."""
        answer = _read(
            _reply(
                proposals=[
                    {"name": "Nightly Jobs!", "evidence": "every night"},
                    "Об'єкт",
                ]
            )
        )

        assert answer.proposals == (
            LabelChoice(name="nightly-jobs", confidence=0.05, evidence="every night"),
            LabelChoice(name="обєкт", confidence=0.05, evidence=""),
        )

    def test_known_names_are_no_proposals(self) -> None:
        """Candidates, labels of the page, repetitions and sentences are dropped."""
        answer = _read(
            _reply(proposals=["Backup", "OLD", "", "!", "new", "NEW", "word " * 20, 3]),
            _prompt(existing=("old",)),
        )

        assert [one.name for one in answer.proposals] == ["new"]
        assert answer.oddities == ("proposal_dropped",)

    def test_no_more_than_three(self) -> None:
        """Who proposes a hundred names is heard for three."""
        answer = _read(_reply(proposals=[f"name-{n}" for n in range(100)]))

        assert [one.name for one in answer.proposals] == ["name-0", "name-1", "name-2"]
