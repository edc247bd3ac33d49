"""Outlines: calm where a space is well kept, and right where it is not."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.outline.merges import merges, movable, retitles
from app.domain.outline.missing import missing
from app.domain.outline.moves import moves, orphans
from app.domain.outline.nearness import Nearness
from app.domain.outline.outline import Outline, outline, propose
from app.domain.outline.pages import OutlinePage, folded_title, outline_page
from app.domain.outline.proposals import Proposal
from app.domain.outline.splits import new_page_title, splits
from app.domain.outline.tree import Tree
from app.domain.pages import PageText
from tests.unit.domain.outlined import (
    branches,
    long_page,
    page,
    tree_of,
    words_on,
)

_THREE = ("apple", "brick", "cloud")


def moved(*pages: OutlinePage) -> list[Proposal]:
    tree = tree_of(*pages)
    return moves(tree, Nearness(tree.pages.values()))


class TestTree:
    """Trees of bad data."""

    def test_circles_are_cut(self) -> None:
        """At the smallest id; a page that is its own parent stands at the top."""
        tree = Tree(
            [page("5", "a", "", "7"), page("7", "b", "", "5"), page("3", "c", "", "3")]
        )

        assert tree.children(None) == ("5", "3")
        assert tree.children("5") == ("7",)
        assert list(tree.above("7")) == ["5"]
        assert tree.is_below("7", "5")
        assert not tree.is_below("5", "7")
        assert tree.homepage_id is None

    def test_deep_chains_are_no_trouble(self) -> None:
        """Ten thousand pages below one another."""
        chain = [
            page(str(at), f"P {at}", "", str(at - 1) if at > 1 else None)
            for at in range(1, 2_001)
        ]

        found = outline(tree_of(*chain), propose(tree_of(*chain)))

        assert len(found.lines) == 1_000
        assert found.left_out == 999
        assert found.lines[0].below == 1_999

    def test_unknown_parents(self) -> None:
        """A folder's page stands at the top, and is known to hang elsewhere."""
        tree = tree_of(page("1", "Home", "", None), page("2", "In a folder", "", "99"))

        assert tree.hangs_elsewhere("2")
        assert not tree.hangs_elsewhere("1")
        assert tree.siblings("2") == ("1",)
        assert tree.title(None) == ""

    def test_part_knows_all_titles(self) -> None:
        """A part has its pages, and the titles of the others."""
        part = tree_of(*branches(*_THREE)).part("10")

        assert list(part.pages) == ["10", "11", "12", "13", "14", "15"]
        assert "brick no 1" in part.taken
        assert part.hangs_elsewhere("10")


class TestPropose:
    """All of it together."""

    def test_well_kept_space(self) -> None:
        """Nothing is proposed."""
        assert propose(tree_of(*branches(*_THREE))) == ()

    @pytest.mark.parametrize("count", [0, 1])
    def test_hardly_a_space(self, count: int) -> None:
        """No pages, or the homepage alone."""
        tree = tree_of(*branches()[:count])

        found = outline(tree, propose(tree))

        assert found.proposals == ()
        assert len(found.lines) == count

    def test_same_in_any_order(self) -> None:
        """Whatever the order of the pages."""
        copy = words_on("apple", 77, 200)
        pages = [
            *branches(*_THREE),
            page("90", "Lost", words_on("brick", 50), "10"),
            page("91", "One", copy, "10"),
            page("92", "Two", copy, "20"),
        ]
        shuffled = list(pages)
        random.Random(3).shuffle(shuffled)  # noqa: S311 - no secret

        found = propose(tree_of(*pages))

        assert [one.kind for one in found] == ["merge", "move"]
        assert propose(tree_of(*shuffled)) == found

    def test_kept_as_json(self) -> None:
        """And read back as it was; what is new and what moves is marked."""
        pages = [
            *branches(*_THREE),
            page("90", "Lost", words_on("brick", 50), "10"),
        ]
        tree = tree_of(*pages)
        extra = Proposal(
            kind="missing", page_id=None, title="New", reason="r", confidence=0.5
        )

        found = outline(tree, (*propose(tree), extra.with_items(1, 2)))
        again = Outline.from_json(json.loads(json.dumps(found.as_json())))

        assert again == found
        assert again.proposals[-1].item_ids == (1, 2)
        assert [(one.title, one.mark) for one in found.lines if one.mark] == [
            ("Lost", "moved"),
            ("New", "new"),
        ]

    def test_hostile_titles(self) -> None:
        """Markup, direction marks, 255 letters, none at all, unknown ids."""
        pages = [
            page("1", "Home", "", None),
            page("2", "<b>&amp;\u202e" + "ї" * 300),
            page("x", ""),
            page("3", "\u200b"),
            page("4", "C++"),
            page("5", "C#"),
        ]

        assert propose(tree_of(*pages)) == ()
        assert max(len(one.title) for one in pages) == 255


class TestMoves:
    """Pages that belong elsewhere."""

    def test_lost_page(self) -> None:
        """Its neighbours stand elsewhere, all of them."""
        (one,) = moved(
            *branches(*_THREE), page("90", "Lost", words_on("brick", 50), "10")
        )

        assert (one.page_id, one.parent_id) == ("90", "20")
        assert one.evidence
        assert 0.5 < one.confidence <= 0.95
        assert "none below “All of apple”" in one.reason

    def test_labels_speak(self) -> None:
        """Ones shared with the other branch make it surer; with the own, it stays."""
        there = [
            replace(one, labels=frozenset({"bricks"})) if one.parent_id == "20" else one
            for one in branches(*_THREE)
        ]
        here = [
            replace(one, labels=frozenset({"ours"})) if one.parent_id == "10" else one
            for one in branches(*_THREE)
        ]
        text = words_on("brick", 50)

        plain = moved(*branches(*_THREE), page("90", "Lost", text, "10"))
        surer = moved(*there, page("90", "Lost", text, "10", labels=["bricks"]))
        stays = moved(*here, page("90", "Lost", text, "10", labels=["ours"]))

        assert surer[0].confidence > plain[0].confidence
        assert "its label bricks" in surer[0].reason
        assert stays == []

    @pytest.mark.parametrize(
        "lost",
        [
            page("90", "Lost", "too short", "10"),
            page("90", "Template", words_on("brick", 50), "10"),
            page("90", "Lost apple", words_on("brick", 50), "10"),
            page("90", "Lost", words_on("dust", 50), "10"),
            page("90", "Lost", words_on("brick", 50), "20"),
            page("90", "Lost", words_on("brick", 50), "21"),
            page("90", "Lost", f"{words_on('brick', 5)} {words_on('apple', 9)}", "10"),
        ],
        ids=["short", "template", "title", "no home", "at home", "below", "both"],
    )
    def test_stays(self, lost: OutlinePage) -> None:
        """Unless it is quite clear."""
        assert moved(*branches(*_THREE), lost) == []

    def test_never_below_itself_nor_the_homepage(self) -> None:
        """A branch whose pages stand below it is no home for it."""
        pages = branches(*_THREE)
        turned = [
            replace(one, parent_id="90") if one.parent_id == "20" else one
            for one in pages
        ]
        above = page("90", "Lost", words_on("brick", 50), "10")
        home = replace(pages[0], stems=above.stems, shares=above.shares, words=99)

        assert "90" not in {one.page_id for one in moved(*turned, above)}
        assert moved(home, *pages[1:]) == []

    def test_whole_branches_do_not_move(self) -> None:
        """A page with many pages below it stays, and so do many of one branch."""
        pages = branches(*_THREE)
        train = [page(f"9{at}", f"W {at}", "", "90") for at in range(11)]
        many = [
            page(f"8{at}", f"Lost {at}", words_on("brick", 60 + at), "10")
            for at in range(4)
        ]

        assert (
            moved(*pages, page("90", "Lost", words_on("brick", 5), "10"), *train) == []
        )
        assert moved(*pages, *many) == []

    def test_orphan(self) -> None:
        """Below its neighbours' branch if that is clear, else below the homepage."""
        tree = tree_of(
            *branches(*_THREE),
            page("90", "Alone", words_on("brick", 50), None),
            page("91", "Lonely", "Hello.", None),
            page("92", "In a folder", "Hello.", "999"),
        )

        found = orphans(tree, Nearness(tree.pages.values()))

        assert [(one.title, one.parent_title) for one in found] == [
            ("Alone", "All of brick"),
            ("Lonely", "Home"),
        ]
        assert all(one.by_hand for one in found)

    def test_spaces_of_many_tops_have_no_orphans(self) -> None:
        """Nor do spaces without a homepage, or of a few pages."""
        tops = [page(f"9{at}", f"Top {at}", "", None) for at in range(4)]
        many = tree_of(*branches(*_THREE), *tops)
        few = tree_of(page("1", "Home", "", None), page("2", "Top", "", None))
        none = Tree([*branches(*_THREE)[1:], *tops[:1]])

        for tree in (many, few, none):
            assert orphans(tree, Nearness(tree.pages.values())) == []

    def test_moves_do_not_depend_on_one_another(self) -> None:
        """A branch that moves itself is no home for another page."""
        pages = branches(*_THREE)
        nested = [
            *pages,
            page("40", "Deep", words_on("brick", 77), "10"),
            *(
                page(f"4{at}", f"D {at}", words_on("dust", at), "40")
                for at in (1, 2, 3)
            ),
            page("90", "Lost", words_on("dust", 50), "30"),
        ]

        alone = [one.page_id for one in moved(*nested)]
        found = propose(tree_of(*nested))

        assert alone == ["40", "90"]
        assert [one.page_id for one in found] == ["40"]

    def test_close_relative(self) -> None:
        """A page that is near to one of its siblings stays with it."""
        near = words_on("brick", 50)
        pages = [
            page(f"9{at}", f"Lost {word}", f"{near} {word}", "10")
            for at, word in enumerate(("one", "two"))
        ]

        assert moved(*branches(*_THREE), *pages) == []


class TestMerges:
    """Pages that say the same."""

    COPY = words_on("apple", 7, 200)

    def merged(self, *pages: OutlinePage) -> list[Proposal]:
        return merges(tree_of(*branches(*_THREE), *pages))

    def test_copies(self) -> None:
        """The longer one stays, and lacks what only the other has."""
        (one,) = self.merged(
            page("90", "One", f"{self.COPY} and so on", "10", headings=["A"]),
            page("91", "Two", self.COPY, "20", headings=["a", "B"]),
        )

        assert (one.page_id, one.other_ids) == ("90", ("91",))
        assert one.sections == ("B",)
        assert "“Two”" in one.reason

    def test_survivor(self) -> None:
        """Has pages below it, or was edited last, or was there first."""
        pages = [page("90", "One", self.COPY, "10"), page("91", "Two", self.COPY, "20")]
        later = replace(pages[1], edited_at=datetime(2026, 1, 1, tzinfo=UTC))

        (first,) = self.merged(*pages)
        (edited,) = self.merged(pages[0], later)
        (parent,) = self.merged(*pages, page("92", "Below", "x", "91"))

        assert (first.page_id, edited.page_id, parent.page_id) == ("90", "91", "91")

    def test_part_of_another(self) -> None:
        """A page that is the beginning of a longer one."""
        (one,) = self.merged(
            page("90", "Long", f"{self.COPY} {words_on('brick', 55, 240)}", "10"),
            page("91", "Short", self.COPY, "20"),
        )

        assert (one.page_id, one.other_ids) == ("90", ("91",))

    @pytest.mark.parametrize(
        ("titles", "texts"),
        [
            (("Week 1", "Week 2"), (COPY, COPY)),
            (("One", "Template"), (COPY, COPY)),
            (("One", "Two"), ("few words " * 3, "few words " * 3)),
            (("One", "Two"), (COPY, words_on("apple", 8, 200))),
            (
                ("One", "Two"),
                (
                    f"{COPY[:700]} {words_on('brick', 55, 200)}",
                    f"{COPY[:700]} {words_on('cloud', 55, 200)}",
                ),
            ),
            (("A", "B"), ("same " * 50, "same " * 50)),
        ],
        ids=["series", "template", "short", "subject", "half", "monotonous"],
    )
    def test_alike_by_nature(self, titles: tuple[str, ...], texts: Any) -> None:
        """Series, templates, short pages, a common subject: nobody merges those."""
        pages = [
            page(f"9{at}", title, text, "10")
            for at, (title, text) in enumerate(zip(titles, texts, strict=True))
        ]

        assert self.merged(*pages) == []

    def test_templates_nobody_marked(self) -> None:
        """What stands on many pages is no copy; three copies are."""
        pages = [page(f"9{at}", f"P{'x' * at}", self.COPY, "10") for at in range(5)]

        assert self.merged(*pages) == []
        (one,) = self.merged(*pages[:3])
        assert len(one.other_ids) == 2

    def test_little_of_their_own(self) -> None:
        """Two of many pages that say the same have a few more words in common."""
        same, more = words_on("apple", 7, 60), words_on("brick", 7, 13)
        pages = [page(f"9{at}", f"P{'x' * at}", same, "10") for at in range(5)]
        alike = [
            page(f"8{at}", f"Q{'x' * at}", f"{same} {more}", "10") for at in (1, 2)
        ]

        assert self.merged(*pages, *alike) == []

    def test_chains_are_no_group(self) -> None:
        """Four pages of which each is like the next."""
        texts = [words_on("apple", at, 60) for at in range(5)]
        pages = [
            page(f"9{at}", f"P{'x' * at}", " ".join(texts[at : at + 2]), "10")
            for at in range(4)
        ]
        linked = [
            page(f"9{at}", f"P{'x' * at}", " ".join(texts[at:] + texts[:at]), "10")
            for at in range(4)
        ]

        assert self.merged(*pages) == []
        assert self.merged(*linked) == []

    def test_what_may_be_brought_together(self) -> None:
        """Not the homepage, not from the top, no branch, nothing below itself."""
        tree = tree_of(
            *branches(*_THREE),
            page("90", "Top", "", None),
            page("91", "Folder", "", "999"),
        )
        one = Proposal(
            kind="merge",
            page_id="11",
            title="",
            reason="",
            confidence=1,
            other_ids=("1", "10", "90", "91", "12", "20", "21"),
        )

        assert movable(tree, one) == ["12", "21"]
        assert [line.page_id for line in outline(tree, [one]).lines if line.mark] == [
            "12",
            "21",
        ]

    def test_titles_nobody_can_tell_apart(self) -> None:
        """The later one is named after its parent; a merged one keeps its title."""
        tree = tree_of(
            *branches(*_THREE),
            page("90", "Backup Plan", "", "10"),
            page("91", "backup  plan\u200b", "", "20"),
            page("92", "BACKUP PLAN", "", "20"),
            page("93", "Backup plan", "", None),
            page("94", "backup plan ", "", "30"),
        )

        found = retitles(tree, merged={"94"})

        assert [(one.page_id, one.new_title) for one in found] == [
            ("91", "backup plan\u200b (All of brick)"),
            ("92", ""),
            ("93", ""),
        ]
        assert [bool(one.by_hand) for one in found] == [False, True, True]


class TestSplits:
    """Pages of several subjects."""

    def split(self, *pages: OutlinePage) -> list[Proposal]:
        tree = tree_of(*branches(*_THREE), *pages)
        return splits(tree, Nearness(tree.pages.values()))

    def sections(self, *subjects: str, words: int = 700) -> list[tuple[str, str]]:
        return [
            (f"On {subject}", words_on(subject, 5, words).replace("common", subject))
            for subject in subjects
        ]

    def test_strange_sections_become_pages(self) -> None:
        """The first keeps the page."""
        book = long_page("90", "Book", *self.sections("brick", "cloud"))
        (one,) = self.split(book)
        tree = tree_of(*branches(*_THREE), book)

        marked = [line.title for line in outline(tree, [one]).lines if line.mark]

        assert (one.page_id, one.sections) == ("90", ("On cloud",))
        assert marked == ["On cloud"]
        assert one.by_hand == ""
        assert one.evidence == ("On cloud (700 words)",)

    def test_all_of_them_where_enough_stays(self) -> None:
        """The rest of the page is long enough by itself."""
        lead = ("", words_on("book", 1, 150))

        (one,) = self.split(
            long_page("90", "Book", lead, *self.sections("brick", "cloud"))
        )

        assert one.sections == ("On brick", "On cloud")

    @pytest.mark.parametrize(
        "other",
        [
            long_page("90", "Book", ("A", words_on("brick", 1, 1500))),
            long_page(
                "90",
                "Book",
                ("A", words_on("brick", 1, 700)),
                ("B", words_on("brick", 2, 700)),
            ),
            long_page(
                "90",
                "Book",
                ("A", words_on("brick", 1, 1200)),
                ("B", words_on("cloud", 2, 100)),
            ),
            page("90", "Book", words_on("brick", 1, 1500)),
        ],
        ids=["one section", "one subject", "small", "no sections"],
    )
    def test_stays(self, other: OutlinePage) -> None:
        """A page on one subject stays one."""
        assert self.split(other) == []

    def test_subject_of_the_title_stays(self) -> None:
        """So do templates and sections of one heading."""
        two = self.sections("brick", "cloud")
        (named,) = self.split(long_page("90", "Book", *self.sections("brick", "book")))
        twice = long_page("90", "Book", *((f"{'On'}", text) for _, text in two))
        template = long_page("90", "Book template", *two)

        assert named.sections == ("On brick",)
        assert [self.split(one) for one in (twice, template)] == [[], []]

    def test_by_hand(self) -> None:
        """Pictures stay behind; titles may be taken."""
        whole = long_page("90", "Book", *self.sections("brick", "cloud"))
        parts = (whole.parts[0], replace(whole.parts[1], can_leave=False))
        taken = [page("91", "On cloud"), page("92", "Book: On cloud")]

        (pictures,) = self.split(replace(whole, parts=parts))
        (titles,) = self.split(whole, *taken)

        assert "pictures" in pictures.by_hand
        assert "no free title" in titles.by_hand
        assert new_page_title("Book", "On cloud", {"on cloud"}) == "Book: On cloud"
        assert new_page_title("Book", "x" * 256, ()) is None


class TestMissing:
    """Pages that are not there."""

    def test_linked(self) -> None:
        """By three pages or more; below the parent of most of them."""
        link = '<ri:page ri:content-title="{}" />'
        body = "".join(map(link.format, ("Gloss &amp; Co", "all of APPLE")))
        pages = [
            page(
                f"9{at}",
                f"L{at}",
                "",
                "10" if at else "20",
                body=body + (link.format("Rare") if at else ""),
            )
            for at in range(3)
        ]

        (one,) = missing(tree_of(*branches(*_THREE), *pages))

        assert (one.title, one.parent_id) == ("Gloss & Co", "10")
        assert one.related == ("L0", "L1", "L2")

    def test_links_that_are_none(self) -> None:
        """To other spaces, without titles, too many of them, from the top."""
        odd = (
            '<ri:page ri:space-key="X" ri:content-title="There" />'
            '<ri:page ri:version-at-save="1" /><ri:page ri:content-title=" " />'
        )
        many = "".join(f'<ri:page ri:content-title="T{at}"/>' for at in range(300))
        top = [page(f"9{at}", f"L{at}", "", None, body=odd + many) for at in range(3)]

        found = missing(tree_of(page("1", "Home", "", None), *top))

        assert len(found) == 100
        assert {one.parent_id for one in found} == {"1"}
        assert "There" not in {one.title for one in found}

    def services(self, *names: str, titles: str = "{} runbook") -> list[OutlinePage]:
        found = [page("1", "Home", "Read.", None), page("2", "Services")]
        for place, name in enumerate(names, start=3):
            found.append(page(f"{place}", name, "", "2"))
            found.append(
                page(f"{place}0", titles.format(name), "", f"{place}", ["Steps", "Own"])
            )
        return found

    @pytest.mark.parametrize(
        ("titles", "wanted"),
        [
            ("{} runbook", "Print runbook"),
            ("Runbook: {}", "Runbook: Print"),
            ("Інструкція ({})", "Інструкція (Print)"),
        ],
    )
    def test_what_all_siblings_have(self, titles: str, wanted: str) -> None:
        """With the headings that they share and links to them."""
        pages = self.services("Mail", "Files", "Queue", titles=titles)

        (one,) = missing(tree_of(*pages, page("99", "Print", "", "2")))

        assert (one.title, one.parent_id) == (wanted, "99")
        assert one.sections == ("Steps", "Own")
        assert one.related[0] == "Print"
        assert "3 branches" in one.reason

    def test_no_title_twice(self) -> None:
        """One that is linked to and that all siblings have is wanted once."""
        body = '<ri:page ri:content-title="print RUNBOOK" />'
        linking = [page(f"9{at}", f"L{at}", "", "1", body=body) for at in range(5)]
        pages = self.services("Mail", "Files", "Queue")

        (one,) = missing(tree_of(*pages, page("99", "Print", "", "2"), *linking))

        assert one.title == "print RUNBOOK"

    def test_names_in_part(self) -> None:
        """A team is called by its name alone in its pages' titles."""
        pages = [page("1", "Home", "", None), page("2", "Teams")]
        for at, name in enumerate(("Falcon", "Eagle", "Heron"), start=3):
            pages.append(page(f"{at}", f"Team {name}", "", "2"))
            pages.append(page(f"{at}0", f"{name} onboarding", "", f"{at}"))

        (one,) = missing(tree_of(*pages, page("9", "Team Robin", "", "2")))

        assert one.title == "Team Robin: onboarding"
        assert one.sections == ()

    def test_no_pattern(self) -> None:
        """Two of four are none; all of four lack nothing; an overview is no branch."""
        two = self.services("Mail", "Files")
        bare = [page("98", "Print", "", "2"), page("99", "Clock", "", "2")]
        all_four = self.services("Mail", "Files", "Queue", "Print")
        overview = page("99", "Services overview", "", "2")
        other = page("97", "Something else", "", "3")

        assert missing(tree_of(*two, *bare)) == []
        assert missing(tree_of(*all_four, overview, other)) == []

    def many(self, title: str, names: str) -> list[OutlinePage]:
        below = [page(f"5{at}", f"{names} {at}", "", "2") for at in range(12)]
        return [page("1", "Home", "", None), page("2", title, "Here."), *below]

    @pytest.mark.parametrize(
        ("title", "names", "wanted"),
        [
            ("Notes", "Minutes of the day and of the week", "Overview: Notes"),
            ("Notes", "Протокол зустрічі", "Overview: Notes"),
            ("Зустрічі", "Протокол зустрічі", "Огляд: Зустрічі"),
            (
                "Protokolle",
                "Was in der Woche und an dem Tag war",
                "Überblick: Protokolle",
            ),
        ],
    )
    def test_overview(self, title: str, names: str, wanted: str) -> None:
        """Of a branch of many pages whose own page says nothing."""
        (one,) = missing(tree_of(*self.many(title, names)))

        assert (one.title, one.parent_id, len(one.related)) == (wanted, "2", 12)

    @pytest.mark.parametrize(
        "change",
        [
            {"lists": True},
            {"words": 30},
            {"links": ("Minutes 1", "Minutes 2", "Minutes 3")},
        ],
    )
    def test_page_that_is_one_already(self, change: dict[str, Any]) -> None:
        """It lists, says or links something; or an overview stands below."""
        home, parent, *below = self.many("Notes", "Minutes")

        assert missing(tree_of(home, replace(parent, **change), *below)) == []
        index = page("99", "Index", "", "2")
        assert missing(tree_of(home, parent, *below, index)) == []


class TestPages:
    """What is kept of a page."""

    def test_macros_that_list(self) -> None:
        """A page with one needs no overview."""
        text = PageText(title="T", paragraphs=())
        body = '<ac:structured-macro ac:name="children" />'

        assert outline_page("2", text, body=body).lists
        assert not outline_page("2", text, body="<p>children</p>").lists

    def test_folded(self) -> None:
        """One case, single spaces, nothing invisible; signs stay."""
        assert folded_title(" Ä\u200b  ÖÜ\u00a0C++ ") == "ä öü c++"

    def test_likeness_to_nobody(self) -> None:
        """Is none."""
        nearness = Nearness([page("1", "Home", "words", None)])

        assert nearness.likeness("1", ()) == 0.0
        assert nearness.nearest("1", most=3) == []
        assert nearness.of("1")
