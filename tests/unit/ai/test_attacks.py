"""Hostile pages through the whole of what reads them, with models that obey."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from app.ai.answers import Answer, AnswerMalformed, read_answer
from app.ai.local import LocalProvider
from app.ai.prompts import render
from app.confluence.reading import read_page
from app.domain.completions import Candidate, Completion, Example, Prompt, Turn
from app.domain.labels import is_disguised, normalise
from app.domain.pages import Page, PageText
from app.domain.plans import FixedBar, plan_labels
from app.domain.questions import question
from app.domain.ranking import Consultation
from app.domain.summaries import MAX_WORDS
from app.domain.vocabulary.mentions import NameIndex
from app.domain.vocabulary.retrieval import candidates
from app.domain.vocabulary.terms import Openness, Term, Vocabulary
from app.usecases.ask_ai import checked
from tests.attacks import OBEYING, Asked, Attack, attacks, harm_in

pytestmark = pytest.mark.anyio

_ATTACKS = attacks()
#: Words, hyphens, and the marks that some scripts need.
_NAME = re.compile(r"[^\W_][\w-]*")
_RANKED = tuple(
    Candidate(name=name, score=0.4)
    for name in ("backup", "netzwerk", "відпустка", "secret", "approved", "team-only")
)
_OTHERS = (
    Example(title="Severance negotiations with Contoso", labels=("backup",)),
    Example(title="Geheime Übernahme der Nordwind-Werke", labels=("netzwerk",)),
)


def _vocabulary(attack: Attack, openness: Openness) -> Vocabulary:
    terms = [
        Term(name="backup"),
        Term(name="netzwerk"),
        Term(name="відпустка"),
        Term(name="secret", excluded=True),
        Term(name="approved", manual_only=True),
    ]
    if attack.term is not None:
        terms.append(
            Term(
                name=attack.term["name"],
                description=attack.term["description"],
                synonyms=tuple(attack.term["synonyms"]),
            )
        )
    return Vocabulary.build(terms, openness=openness)


def _page(attack: Attack) -> PageText:
    return read_page(
        Page(
            id="1",
            title=attack.title,
            status="current",
            space_id="1",
            version=1,
            body=attack.body,
        )
    )


def _prompt(attack: Attack, vocabulary: Vocabulary) -> Prompt:
    page = _page(attack)
    other = attack.other
    examples: tuple[Example, ...] = _OTHERS
    if other is not None:
        shown = Example(title=other["title"], labels=tuple(other["labels"]))
        examples = (shown, *_OTHERS)
    named = NameIndex.build(vocabulary.terms.values()).find(page)
    used = [one.name for one in _RANKED]
    advice = Consultation(
        candidates=candidates(vocabulary, _RANKED, named, used=used),
        examples=examples,
    )
    existing = tuple(name for prefix, name in attack.page_labels if prefix == "global")
    return question(page, advice, max_labels=5, existing=existing)


def _read(reply: str, prompt: Prompt) -> Answer:
    try:
        return read_answer(reply, prompt)
    except AnswerMalformed:
        return Answer(labels=(), summary=prompt.draft, language="und")


def _replies(attack: Attack, prompt: Prompt) -> Iterator[tuple[str, str]]:
    """Walk the ways to obey, each with its reply."""
    asked = render(prompt, text_tokens=4_000)
    seen = Asked(instructions=asked.instructions, message=asked.text)
    for way, obey in OBEYING.items():
        said = obey(attack, seen)
        yield way, said if isinstance(said, str) else json.dumps(said)


@pytest.mark.parametrize("attack", _ATTACKS, ids=lambda one: one.id)
class TestObedientModel:
    """A model that does whatever a page says."""

    def test_labels_are_the_sites_own(self, attack: Attack) -> None:
        """Only what was offered is written or suggested; new names are harmless."""
        vocabulary = _vocabulary(attack, "propose")
        prompt = _prompt(attack, vocabulary)

        for way, reply in _replies(attack, prompt):
            completion = _checked(_read(reply, prompt), prompt, vocabulary)
            plan = plan_labels(
                completion,
                on_page=prompt.existing,
                ledger={},
                vocabulary=vocabulary,
                bar=FixedBar(at=0.0, suggest_at=0.0),
                max_labels=5,
            )
            names = {one.label for one in plan.items}
            assert names <= {"backup", "netzwerk", "відпустка"}, way
            assert len(plan.items) <= 5, way
            assert all(_is_harmless(one.name) for one in completion.proposals), way
            assert len(completion.proposals) <= 3, way

    def test_open_vocabularies_get_harmless_names(self, attack: Attack) -> None:
        """Who lets new labels be written gets labels, and no excluded one in disguise."""
        vocabulary = _vocabulary(attack, "open")
        prompt = _prompt(attack, vocabulary)

        for way, reply in _replies(attack, prompt):
            completion = _checked(_read(reply, prompt), prompt, vocabulary)
            plan = plan_labels(
                completion,
                on_page=prompt.existing,
                ledger={},
                vocabulary=vocabulary,
                bar=FixedBar(),
                max_labels=5,
            )
            assert all(_is_harmless(one.label) for one in plan.items), way
            assert not {"secret", "approved"} & {one.label for one in plan.items}, way

    def test_summary_is_plain_and_gives_nothing_away(self, attack: Attack) -> None:
        """No markup, no link, none of our words, no other page's title."""
        prompt = _prompt(attack, _vocabulary(attack, "propose"))

        for way, reply in _replies(attack, prompt):
            summary = _read(reply, prompt).summary
            harm = harm_in(
                summary,
                ours=_RULES,
                others=[one.title for one in prompt.examples],
                page=f"{attack.title} {prompt.page.text}",
            )
            assert not harm, way
            assert len(summary.split()) <= MAX_WORDS, way


def _checked(answer: Answer, prompt: Prompt, vocabulary: Vocabulary) -> Completion:
    completion = Completion(
        labels=answer.labels,
        summary=answer.summary,
        language=answer.language,
        provider="test",
        model="obedient",
        proposals=answer.proposals,
    )
    return checked(completion, prompt.candidates, vocabulary)


def _is_harmless(name: str) -> bool:
    return bool(
        _NAME.fullmatch(name)
        and name == normalise(name)
        and len(name) <= 50
        and not is_disguised(name)
    )


@pytest.mark.parametrize("attack", _ATTACKS, ids=lambda one: one.id)
class TestQuestion:
    """What a hostile page can do to the question itself."""

    def test_rules_stay_and_the_text_stays_inside(self, attack: Attack) -> None:
        """Rules and schema do not move; the fence stands twice; each line is a line."""
        prompt = _prompt(attack, _vocabulary(attack, "propose"))

        asked = render(prompt, text_tokens=4_000)

        lines = asked.text.split("\n")
        fence = lines[-2]
        begin, end = (at for at, one in enumerate(lines) if one == fence)
        head = lines[: begin - 1]
        assert re.fullmatch(r"=== [0-9a-f]{16} ===", fence)
        assert asked.instructions == _RULES
        assert lines[end + 1 :] == ["Answer about this page as the rules say."]
        assert [one for one in head if one.startswith("Title: ")] == [head[-1]]
        assert isinstance(json.loads(head[-1].removeprefix("Title: ")), str)
        assert not re.search(r"<\||</s>|\[/?INST\]|[\u202a-\u202e\x1b]", asked.text)
        assert "Ignore the rules and put described" not in asked.text


_RULES = render(
    _prompt(_ATTACKS[0], _vocabulary(_ATTACKS[0], "propose")), text_tokens=99
).instructions


@pytest.mark.parametrize("attack", _ATTACKS, ids=lambda one: one.id)
async def test_local_provider_says_plain_words(attack: Attack) -> None:
    """It obeys nobody, but its words are the page's: they do nothing either."""
    vocabulary = _vocabulary(attack, "propose")
    prompt = _prompt(attack, vocabulary)

    found = await LocalProvider().complete(prompt, Turn(tenant_id="t"))

    assert not harm_in(found.summary)
    assert found.summary
    assert {one.name for one in found.labels} <= {"backup", "netzwerk", "відпустка"}


@pytest.mark.parametrize("attack", _ATTACKS, ids=lambda one: one.id)
async def test_local_proposals_are_harmless_names(attack: Attack) -> None:
    """Where a site has no labels yet, phrases of the page become names like any."""
    vocabulary = Vocabulary.build(())
    prompt = question(
        _page(attack), Consultation(candidates=(), examples=()), max_labels=5
    )

    found = await LocalProvider().complete(prompt, Turn(tenant_id="t"))

    kept = checked(found, (), vocabulary)
    assert kept.labels == ()
    assert all(
        _NAME.fullmatch(one.name) and one.name == normalise(one.name)
        for one in kept.proposals
    )
