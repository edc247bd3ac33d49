"""Terms that are likely one label."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from app.domain.memory import PageMemory, SiteMemory
from app.domain.vocabulary.duplicates import Group, duplicates, likenesses, pair
from app.domain.vocabulary.terms import Term

NOBODY = SiteMemory.build(())
NAMES = st.lists(
    st.one_of(
        st.text("abcks8-_ ", min_size=1, max_size=9),
        st.sampled_from(
            [
                *("backup", "backups", "back-up", "Back_Up", "бекап", "bekap"),
                *("kubernetes", "k8s", "kubernets", "hr", "human-resources"),
                *("мережа", "мережі", "2023", "2024", "v1", "v2", "api", "app"),
            ]
        ),
    ),
    max_size=14,
    unique=True,
)


def remember(page_id: int, *labels: str, words: str = "word") -> PageMemory:
    return PageMemory(
        page_id=str(page_id),
        parent_id=None,
        space_id="1",
        language="und",
        weights=dict.fromkeys(words.split(), 1.0),
        labels=frozenset(labels),
    )


def found(*names: str, memory: SiteMemory = NOBODY) -> dict[str, float]:
    """Return the reasons for which two names are alike, with their scores."""
    terms = [Term(name=name) for name in names]
    return {one.reason: one.score for one in likenesses(terms, memory)}


def groups(
    *terms: Term | str, memory: SiteMemory = NOBODY, **said: object
) -> list[Group]:
    listed = [Term(name=one) if isinstance(one, str) else one for one in terms]
    return duplicates(listed, memory, **said)  # type: ignore[arg-type]


class TestLikenesses:
    """Tests for app.domain.vocabulary.duplicates.likenesses()."""

    @pytest.mark.parametrize(
        ("one", "other", "reason"),
        [
            ("Backup", "backup", "writing"),
            ("incident report", "incident-report", "writing"),
            ("incident_report", "incident-report", "writing"),
            ("back-up", "backup", "writing"),
            ("backup", "backups", "form"),
            ("back-up", "backups", "form"),
            ("api", "apis", "form"),
            ("network-policy", "network-policies", "form"),
            ("мережа", "мережі", "form"),
            ("rolle", "rollen", "form"),
            ("policy-network", "network-policy", "order"),
            ("kubernetes", "kubernets", "form"),
            ("onboarding", "onbording", "spelling"),
            ("documention", "documentation", "spelling"),
            ("team-onboarding", "team-onbording", "spelling"),
            ("k8s", "kubernetes", "short"),
            ("i18n", "internationalization", "short"),
            ("hr", "human-resources", "short"),
            ("sla", "service-level-agreement", "short"),
            ("eol", "end-of-life", "short"),
            ("бекап", "bekap", "letters"),
            ("бекап", "backup", "letters"),
            ("сервер", "server", "letters"),
            ("докер", "docker", "letters"),
            ("конфігурація", "konfiguratsiya", "letters"),
            ("безпека", "bezpeka", "letters"),
        ],
    )
    def test_likely_one_label(self, one: str, other: str, reason: str) -> None:
        """Each with its reason, whichever comes first."""
        assert list(found(one, other)) == [reason]
        assert found(one, other) == found(other, one)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("java", "javascript"),
            ("v1", "v2"),
            ("release-1-2", "release-12"),
            ("api", "app"),
            ("2023", "2024"),
            ("iso27001", "iso27002"),
            ("team-a", "team-b"),
            ("internal", "external"),
            ("import", "export"),
            ("test", "text"),
            ("aws", "aw"),
            ("cat", "car"),
            ("ci", "cd"),
            ("security", "безпека"),
            ("кіт", "cat"),
            ("release-2023", "реліз-2024"),
            ("internal-policy", "international-policy"),
            ("a", "a1b"),
            ("x-1", "x-2"),
            ("🙂", "🙃"),
        ],
    )
    def test_different_labels(self, one: str, other: str) -> None:
        """However alike they look."""
        assert found(one, other) == {}

    def test_slip_of_the_hand_is_rare(self) -> None:
        """A spelling that hardly anybody uses beside one that many do is likelier one."""
        pages = [remember(at, "onboarding") for at in range(12)]
        memory = SiteMemory.build([*pages, remember(99, "onbording")])

        assert found("onboarding", "onbording") == {"spelling": 0.6}
        assert found("onboarding", "onbording", memory=memory) == {"spelling": 0.8}

    def test_declared_synonym_that_is_a_term_itself(self) -> None:
        """Somebody has said that they are one; the surest reason there is."""
        terms = [Term(name="work", synonyms=("Job", "work")), Term(name="job")]

        (only,) = likenesses(terms, NOBODY)

        assert (only.reason, only.score) == ("synonym", 1.0)

    def test_labels_that_always_stand_together(self) -> None:
        """In two alphabets they may be translations; in one a thing and its part."""
        memory = SiteMemory.build(
            [
                *(remember(at, "backup", "копія", "tape") for at in range(18)),
                remember(50, "backup"),
                remember(51, "rare", "копія"),
                *(remember(at, "often") for at in range(60, 66)),
                remember(70, "often", "backup"),
            ]
        )

        reasons = {one.pair: one for one in likenesses([], memory)}
        together = reasons[pair("backup", "копія")]

        assert together.reason == "together"
        assert together.score > 0.7 > reasons[pair("backup", "tape")].score
        assert not any("rare" in names for names in reasons)

    def test_labels_of_two_alphabets_with_pages_alike(self) -> None:
        """Their nearest, if that is very near; others of one alphabet do not matter."""
        memory = SiteMemory.build(
            [
                *(remember(at, "storage", words="s3 bucket") for at in range(6)),
                *(remember(at, "сховище", words="s3 bucket") for at in range(10, 16)),
                *(remember(at, "люди", words="hr team s3") for at in range(20, 26)),
                *(remember(at, "people", words="office") for at in range(30, 36)),
            ]
        )

        (only,) = likenesses([], memory)

        assert only.pair == pair("storage", "сховище")
        assert only.reason == "pages"
        assert 0.7 <= only.score <= 0.75

    def test_what_everybody_shares_tells_nothing(self) -> None:
        """A stem of hundreds of labels, and a key of hundreds of names, are passed over."""
        pages = [
            remember(label * 10 + at, f"{letter}{label}", words="same")
            for label in range(250)
            for at in range(5)
            for letter in ("l" if label % 2 else "л",)
        ]
        lone = remember(9_999, words="other")

        assert likenesses([], SiteMemory.build([*pages, lone])) == []
        many = [Term(name=f"{'a' * at}bbb") for at in range(60)]
        assert "letters" not in {one.reason for one in likenesses(many, NOBODY)}


class TestDuplicates:
    """Tests for app.domain.vocabulary.duplicates.duplicates()."""

    def test_group_tells_what_holds_it_together(self) -> None:
        """Its reason and score are those of its weakest link."""
        (group,) = groups("backup", "backups", "back-up", "бекап")

        assert group.survivor == "бекап"
        assert group.merged == ("back-up", "backup", "backups")
        assert (group.reason, group.score) == ("letters", 0.75)
        assert {one.reason for one in group.likenesses} == {
            "form",
            "letters",
            "writing",
        }

    @pytest.mark.parametrize(
        ("terms", "survivor"),
        [
            ((Term(name="backups"), Term(name="backup")), "backup"),
            ((Term(name="backups", description="x"), Term(name="backup")), "backups"),
            (
                (Term(name="used-tapes", description="x"), Term(name="used-tape")),
                "used-tape",
            ),
            (
                (Term(name="used-tape", excluded=True), Term(name="used-tapes")),
                "used-tapes",
            ),
        ],
    )
    def test_survivor_is_what_people_use(
        self, terms: tuple[Term, ...], survivor: str
    ) -> None:
        """Then what is described, then the shortest; what is excluded comes last."""
        memory = SiteMemory.build([remember(1, "used-tape")])

        (group,) = groups(*terms, memory=memory)

        assert group.survivor == survivor

    def test_different_terms_stay_apart(self) -> None:
        """Though a third is like both of them."""
        different = {pair("backups", "back-up")}

        (group,) = groups("backup", "backups", "back-up", different=different)

        assert group.names == {"backup", "back-up"}

    def test_labels_in_use_need_not_be_terms(self) -> None:
        """What people write is looked at as well."""
        memory = SiteMemory.build([remember(1, "back-up")])

        (group,) = groups("backup", memory=memory)

        assert (group.survivor, group.merged) == ("back-up", ("backup",))

    def test_weak_likenesses_are_left_out(self) -> None:
        """Unless somebody asks for them."""
        assert groups("onboarding", "onbording") == []
        assert len(groups("onboarding", "onbording", lowest=0.5)) == 1

    @settings(max_examples=60, deadline=None)
    @given(NAMES, st.randoms(use_true_random=False))
    def test_groups_are_sound(self, names: list[str], chance: Random) -> None:
        """No term is in two, the survivor is in its own, order makes no difference."""
        different = {pair(*chance.sample(names, 2)) for _ in range(3) if len(names) > 1}
        shuffled = chance.sample(names, len(names))

        made = groups(*names, different=different, lowest=0.5)

        everybody = [name for one in made for name in one.names]
        assert len(everybody) == len(set(everybody))
        assert set(everybody) <= set(names)
        for one in made:
            assert one.survivor not in one.merged
            assert one.merged
            assert 0.5 <= one.score <= 1
            assert not any(both <= one.names for both in different)
        again = groups(*shuffled, different=different, lowest=0.5)
        assert [one.names for one in made] == [one.names for one in again]

    def test_thousands_take_seconds(self) -> None:
        """Nobody compares every term with every other."""
        chance = Random(5)  # noqa: S311 - no secret
        letters = "abcdefghiklmnoprstuvабвгдеклмнопрст"
        words = [
            "".join(chance.choices(letters, k=chance.randint(3, 12)))
            for _ in range(4_000)
        ]
        terms = [
            Term(name="-".join(chance.sample(words, chance.randint(1, 3))))
            for _ in range(5_000)
        ]

        began = time.process_time()
        duplicates(terms, NOBODY)

        assert time.process_time() - began < 10
