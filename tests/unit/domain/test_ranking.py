"""Which labels a page gets, and why."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from app.domain.choosing import decide
from app.domain.completions import Example
from app.domain.memory import SiteMemory
from app.domain.plans import APPLY_AT
from app.domain.ranking import chance, consult, rank
from app.domain.ranking_weights import RankWeights
from tests.unit.domain.site_pages import (
    make_text,
    remember,
    sample_lines,
    sample_site,
    sample_text,
)

_BACKUP = make_text("Backup", "Restore the database from a nightly backup.")
_LUNCH = make_text("Lunch", "The canteen serves soup and salad at noon.")


def _office() -> SiteMemory:
    return SiteMemory.build(
        [
            *(
                remember(
                    f"b{at}", make_text(f"Backup {at}", *_BACKUP.paragraphs), "ops"
                )
                for at in range(4)
            ),
            *(
                remember(f"l{at}", make_text(f"Lunch {at}", *_LUNCH.paragraphs), "food")
                for at in range(4)
            ),
        ]
    )


class TestRank:
    """Tests for app.domain.ranking.rank()."""

    def test_similar_pages_decide(self) -> None:
        """A label of pages with the same words comes first, with their titles."""
        found = rank(_office(), make_text("Nightly restore", *_BACKUP.paragraphs))

        assert [one.name for one in found] == ["ops", "food"]
        assert found[0].score > 0.5
        assert found[1].score < 0.1
        assert found[0].evidence.startswith("on 4 of ")
        assert "Backup 0, Backup 1" in found[0].evidence

    def test_score_is_told_part_by_part(self) -> None:
        """What the features added makes up the score; the weightiest comes first."""
        page = make_text("Nightly restore", *_BACKUP.paragraphs)

        for one in rank(_office(), page):
            values = [value for _, value in one.parts]
            assert chance(sum(values)) == pytest.approx(one.score, abs=0.02)
            assert values == sorted(values, key=abs, reverse=True)
            assert "bias" in dict(one.parts)
            assert 0.0 not in values

    def test_a_name_in_the_title_counts(self) -> None:
        """A label that no page has yet is found by its name, in any inflection."""
        memory = SiteMemory.build((), vocabulary=["мережева-політика", "кава"])

        found = rank(memory, make_text("Про мережеві політики кластера"))

        assert found[0].name == "мережева-політика"
        assert found[0].score > found[1].score
        assert found[0].evidence == "in the title"
        assert found[1].evidence == "in the site's vocabulary"

    def test_apostrophes_do_not_hide_a_name(self) -> None:
        """A label without an apostrophe meets text with any apostrophe."""
        memory = SiteMemory.build((), vocabulary=["компютер", "звязок"])

        found = rank(memory, make_text("", "Як під’єднати комп’ютер? Компʼютером."))

        assert found[0].name == "компютер"
        assert found[0].evidence == "in the text"

    def test_the_parent_and_the_siblings_count(self) -> None:
        """A label of the pages around is likelier than without them, and says so."""
        memory = SiteMemory.build(
            [
                remember("top", make_text("Guides"), "guide"),
                *(
                    remember(
                        f"c{at}", make_text(f"Child {at}"), "guide", parent_id="top"
                    )
                    for at in range(3)
                ),
                *(remember(f"o{at}", make_text(f"Other {at}"), "o") for at in range(5)),
            ]
        )
        page = make_text("Something new")

        alone = {one.name: one for one in rank(memory, page)}
        inside = {one.name: one for one in rank(memory, page, parent_id="top")}

        assert inside["guide"].score > alone["guide"].score
        assert inside["guide"].evidence == (
            "on its parent page; on 3 of 3 pages beside it"
        )
        assert alone["guide"].evidence == "on 4 pages of this site"

    @pytest.mark.parametrize("vocabulary", [(), ("unique",)])
    def test_a_label_that_only_this_page_has_is_as_if_unseen(
        self, vocabulary: tuple[str, ...]
    ) -> None:
        """Leave-one-out: the page's own labels and words tell the ranker nothing."""
        others = list(_office().traces)
        office = _office().with_vocabulary(vocabulary)
        page = make_text("Backup again", *_BACKUP.paragraphs)

        known = office.with_page(
            remember("own", page, "unique", "ops", parent_id=others[0])
        )

        left_out = rank(known, page, page_id="own", parent_id=others[0])
        assert left_out == rank(office, page, page_id="own", parent_id=others[0])
        assert ("unique" in {one.name for one in left_out}) == bool(vocabulary)

    def test_leave_one_out_holds_on_real_pages(self) -> None:
        """Each real page scores as in a site that has never seen it."""
        lines = [line for line in sample_lines() if line["source"] == "istio-uk"]
        site = sample_site("istio-uk")

        for line in lines:
            inside = rank(site, sample_text(line), page_id=line["id"])
            outside = rank(site.without_page(line["id"]), sample_text(line))

            assert [one.name for one in inside] == [one.name for one in outside]
            assert [one.score for one in inside] == pytest.approx(
                [one.score for one in outside], abs=1e-4
            )

    def test_real_pages_get_their_labels(self) -> None:
        """Of ten Ukrainian pages on telemetry, nearly all find a label of their own."""
        lines = [line for line in sample_lines() if line["source"] == "istio-uk"]
        site = sample_site("istio-uk")

        right = sum(
            rank(site, sample_text(line), page_id=line["id"])[0].name in line["labels"]
            for line in lines
        )

        assert right >= 9

    def test_an_empty_memory_has_no_candidates(self) -> None:
        """Nothing learned, nothing to choose from."""
        found = rank(SiteMemory.build(()), _BACKUP, page_id="p1", parent_id="p0")

        assert found == ()

    def test_a_site_of_one_page_knows_nothing_about_it(self) -> None:
        """The only page cannot teach about itself, but about the next one."""
        memory = SiteMemory.build([remember("only", _BACKUP, "ops")])

        itself = rank(memory, _BACKUP, page_id="only")
        another = rank(memory, _BACKUP, page_id="next")

        assert itself == ()
        assert [one.name for one in another] == ["ops"]

    def test_ties_go_by_name(self) -> None:
        """Labels with equal chances come in the order of their names."""
        memory = SiteMemory.build([remember("p1", make_text("Cat"), "b", "c", "a")])

        found = rank(memory, make_text("Dog"))

        assert [one.name for one in found] == ["a", "b", "c"]

    @pytest.mark.parametrize(("limit", "count"), [(-1, 0), (0, 0), (1, 1), (9, 2)])
    def test_the_limit_holds(self, limit: int, count: int) -> None:
        """No more candidates than asked for."""
        assert len(rank(_office(), _BACKUP, limit=limit)) == count

    def test_long_titles_are_cut_in_evidence(self) -> None:
        """Evidence stays a line, and pages without a title are not named."""
        text = make_text("", "Restore the nightly backup")
        memory = SiteMemory.build(
            [
                remember("p1", text, "ops", title="T" * 300),
                remember("p2", text, "food", title=" "),
            ]
        )

        found = {one.name: one.evidence for one in rank(memory, text)}

        assert found["ops"] == f"on 1 of 2 similar pages: {'T' * 59}…"
        assert found["food"] == "on 1 of 2 similar pages"

    @pytest.mark.parametrize(
        "text",
        ["word " * 200_000, "x" * 1_000_000, "🙂" * 300_000],
        ids=["one word", "no spaces", "emoji"],
    )
    def test_hostile_text_gets_an_answer(self, text: str) -> None:
        """A megabyte of nonsense is ranked like any page."""
        found = rank(_office(), make_text("", text))

        assert {one.name for one in found} == {"food", "ops"}

    @settings(deadline=None)
    @given(
        st.text(max_size=40),
        st.lists(
            st.tuples(st.text(max_size=20), st.lists(st.text(max_size=8), max_size=3)),
            max_size=6,
        ),
        st.sampled_from(["p0", "p3", "", None]),
    )
    def test_any_site_gets_sound_candidates(
        self, title: str, site: list[tuple[str, list[str]]], own: str | None
    ) -> None:
        """Scores lie within 0..1, evidence is told, names are the site's own."""
        memory = SiteMemory.build(
            (
                remember(f"p{at}", make_text(text), *labels, parent_id="p0")
                for at, (text, labels) in enumerate(site)
            ),
            vocabulary=["known"],
        )

        found = rank(memory, make_text(title), page_id=own, parent_id="p0")

        assert all(0.0 <= one.score <= 1.0 and one.evidence for one in found)
        assert {one.name for one in found} <= memory.labels
        assert found == rank(memory, make_text(title), page_id=own, parent_id="p0")


class TestConsult:
    """Tests for app.domain.ranking.consult()."""

    def test_examples_are_the_nearest_labelled_pages(self) -> None:
        """Nearest first, with sorted labels; the page itself and the rest left out."""
        page = make_text("Backup", *_BACKUP.paragraphs)
        memory = SiteMemory.build(
            [
                remember("own", page, "mine"),
                remember("far", make_text("Tapes", "A nightly walk"), "walks"),
                remember("near", page, "ops", "duty", title="Backups at night"),
                remember("unnamed", page, "ops", title=" "),
                remember("bare", page),
                remember("other", _LUNCH, "food"),
            ]
        )

        found = consult(memory, page, page_id="own")

        assert found.examples == (
            Example(title="Backups at night", labels=("duty", "ops")),
            Example(title="Tapes", labels=("walks",)),
        )
        assert found.candidates == rank(memory, page, page_id="own")

    def test_no_more_than_five_examples(self) -> None:
        """A prompt has room for a few."""
        assert len(consult(_office(), make_text("All", "backup soup")).examples) <= 5

    def test_chances_add_up_to_what_similar_pages_carry(self) -> None:
        """The same evidence is worth more where pages carry many labels."""
        flat = RankWeights(always={"bias": -2.0}, learned={})

        def chances(*labels: str) -> float:
            memory = SiteMemory.build(
                (remember(f"p{at}", _BACKUP, *labels) for at in range(40)),
                vocabulary=["a", "b", "c", "d"],
            )
            found = rank(memory, _BACKUP, weights=flat)
            return sum(one.score for one in found)

        assert chances("a", "b", "c") > chances("a") > 0.0
        assert chances("a") == pytest.approx(1.0, abs=0.2)

    def test_a_site_without_labelled_pages_moves_nothing(self) -> None:
        """Nothing is known of how many labels a page carries: the model alone speaks."""
        memory = SiteMemory.build((), vocabulary=["backup", "soup"])

        found = rank(memory, _BACKUP)

        assert [one.name for one in found] == ["backup", "soup"]
        assert found[0].score > found[1].score


_FOREIGN = [
    (
        "pl",
        ("kopie-zapasowe", "Kopia zapasowa bazy danych jest wykonywana każdej nocy."),
        ("obiady", "Stołówka podaje zupę i sałatkę w południe."),
        "Odtwarzanie bazy danych z kopii zapasowej wykonanej nocą.",
    ),
    (
        "fr",
        ("sauvegarde", "La sauvegarde de la base de données a lieu chaque nuit."),
        ("cantine", "La cantine sert une soupe et une salade à midi."),
        "Restaurer la base de données depuis la sauvegarde de la nuit.",
    ),
    (
        "ja",
        ("バックアップ", "データベースのバックアップは毎晩作成されます。"),
        ("食堂", "食堂では正午にスープとサラダを提供します。"),
        "毎晩のバックアップからデータベースを復元する方法。",
    ),
]


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [row[1:] for row in _FOREIGN],
    ids=[row[0] for row in _FOREIGN],
)
def test_languages_without_a_list_of_words_work(
    first: tuple[str, str], second: tuple[str, str], asked: str
) -> None:
    """Rarity alone tells which words matter: the right label is found and applied."""
    memory = SiteMemory.build(
        remember(f"{label}{at}", make_text(f"{at}", text), label)
        for label, text in (first, second)
        for at in range(4)
    )

    found = rank(memory, make_text("", asked))
    put = [one.name for one in decide(found, 5) if one.confidence >= APPLY_AT]

    assert put == [first[0]]
