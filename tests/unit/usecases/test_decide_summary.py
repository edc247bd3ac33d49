"""Where a summary goes, and what of ours goes from where it stood."""

from __future__ import annotations

from typing import Any

import pytest

from app.confluence.markup import StorageMarkup
from app.domain.byline import BYLINE_PROPERTY_KEY, byline_value, summarised_as
from app.domain.changes import Change, ChangeKind, Item, ItemState
from app.domain.completions import Completion, Passage
from app.domain.pages import OWN_EXCERPT, ContentProperty, Page
from app.domain.plans import NOTHING
from app.domain.policy import SummaryPlace
from app.usecases.complete_page import Answer
from app.usecases.decide_summary import SUMMARY_COMMENT, SummarySight, summary_changes

MARKUP = StorageMarkup()
TEXT = "Резервну копію роблять щоночі."
OLD = "Копію роблять."
BODY = "<h1>Копії</h1><p>Резервну копію роблять щоночі.</p>"
PLACES: tuple[SummaryPlace, ...] = ("property", "excerpt", "comment", "nowhere")
COMMENT = {"id": "7", "version": 1, "text": TEXT}


def byline(summary: str = TEXT, version: int = 3) -> dict[str, Any]:
    """Return the property as we write it."""
    return byline_value(
        summary=summary, labels=(), waiting=0, page_version=version, model="m"
    )


def with_block(text: str, body: str = BODY) -> str:
    """Return a body that has our block."""
    return MARKUP.with_excerpt(body, OWN_EXCERPT, text)


def item(
    kind: ChangeKind,
    after: Any,
    *,
    value: str = "",
    state: ItemState = "applied",
    reason: str = "",
) -> Item:
    """Return an item of the page's history."""
    change = Change(kind=kind, page_id="1", value=value, after=after)
    return Item(id=1, plan_id=1, change=change, state=state, reason=reason)


def block_item(text: str | None, **more: Any) -> Item:
    """Return an item of our excerpt block."""
    after = None if text is None else {"text": text}
    return item("excerpt", after, value=OWN_EXCERPT, **more)


def comment_item(after: Any, **more: Any) -> Item:
    """Return an item of our comment."""
    return item("comment", after, value=SUMMARY_COMMENT, **more)


def decide(
    place: SummaryPlace,
    *history: Item,
    body: str | None = BODY,
    value: Any = None,
    text: str = TEXT,
    body_format: Any = "storage",
) -> list[Change]:
    """Return what would be done to a page."""
    properties: tuple[ContentProperty, ...] = ()
    if value is not None:
        properties = (
            ContentProperty(id="1", key=BYLINE_PROPERTY_KEY, value=value, version=1),
        )
    page = Page(
        id="1",
        title="Копії",
        status="current",
        space_id="9",
        version=3,
        body=body,
        body_format=body_format,
        properties=properties,
    )
    source = Passage(sentence=text, quote="Копію роблять.", section="Копії")
    completion = Completion(
        labels=(),
        summary=text,
        language="uk",
        provider="p",
        model="m",
        sources=(source,),
    )
    answer = Answer(completion=completion, key="k", is_fallback=False)
    sight = SummarySight(
        page=page,
        place=place,
        answer=answer if text else None,
        plan=NOTHING,
        history=history,
    )
    return list(summary_changes(MARKUP, sight, waiting=0))


class TestPlaces:
    """What is written anew."""

    @pytest.mark.parametrize(
        ("place", "kind", "value", "agent"),
        [
            ("property", "summary", "", "summary"),
            ("excerpt", "excerpt", OWN_EXCERPT, "summary"),
            ("comment", "comment", SUMMARY_COMMENT, "summary"),
        ],
    )
    def test_a_new_summary(
        self, place: SummaryPlace, kind: str, value: str, agent: str
    ) -> None:
        """It goes to its place, with the passage that speaks for it."""
        (change,) = decide(place)

        assert (change.kind, change.value, change.by) == (kind, value, agent)
        assert change.before is None
        assert TEXT in (change.after.get("summary"), change.after.get("text"))
        assert change.evidence == "Копії: “Копію роблять.”"

    def test_nowhere(self) -> None:
        """Nothing is written."""
        assert decide("nowhere") == []

    def test_twice_is_once(self) -> None:
        """What stands there already is not written again, wherever it stands."""
        assert decide("property", item("summary", byline()), value=byline()) == []
        assert decide("excerpt", block_item(TEXT), body=with_block(TEXT)) == []
        assert decide("comment", comment_item(COMMENT)) == []
        assert decide("excerpt", body=with_block(TEXT)) == []

    def test_a_newer_summary_replaces_ours(self) -> None:
        """What is written over is remembered."""
        (value,) = decide("property", value=byline(OLD, 2))
        (block,) = decide("excerpt", block_item(OLD), body=with_block(OLD))
        (copied,) = decide("excerpt", body=with_block(OLD))
        (comment,) = decide("comment", comment_item({**COMMENT, "text": OLD}))

        assert value.before == byline(OLD, 2)
        assert block.before == copied.before == {"text": OLD}
        assert comment.before == {**COMMENT, "text": OLD}

    def test_a_block_that_was_sent_in_a_crash_is_ours(self) -> None:
        """Nobody told that it was written, but its words are ours."""
        sent = block_item(OLD, state="planned")

        (change,) = decide("excerpt", sent, body=with_block(OLD))

        assert change.before == {"text": OLD}

    @pytest.mark.parametrize(
        ("body", "form"),
        [
            (None, "storage"),
            (BODY, "atlas_doc_format"),
            ("<p>", "storage"),
            (with_block(TEXT) + with_block(OLD, ""), "storage"),
        ],
        ids=["unread", "live", "damaged", "two blocks"],
    )
    def test_where_no_block_can_be(self, body: str | None, form: str) -> None:
        """Nothing is moved either: the page keeps the summary that it has."""
        history = item("summary", byline())

        found = decide("excerpt", history, body=body, body_format=form, value=byline())

        assert found == []
        assert len(decide("property", body=body, body_format=form)) == 1


class TestPeople:
    """What people did stays."""

    def test_a_summary_in_a_person_s_words(self) -> None:
        """Of this version of the page it stays; a newer version is summed up anew."""
        words = summarised_as(byline(), "Коротко.")
        older = summarised_as(byline(version=2), "Коротко.")

        assert decide("property", value=words) == []
        (change,) = decide("property", value=older)
        assert change.after["summary"] == TEXT

    def test_a_block_that_people_changed(self) -> None:
        """It is theirs from then on."""
        body = with_block("Своїми словами.")

        assert decide("excerpt", block_item(OLD), body=body) == []
        assert decide("property", block_item(OLD), body=body, value=byline()) == []

    def test_a_block_that_people_took_off(self) -> None:
        """The same words do not come back; others do, and what we took off ourselves."""
        assert decide("excerpt", block_item(TEXT)) == []
        assert len(decide("excerpt", block_item(OLD))) == 1
        assert len(decide("excerpt", block_item(None), block_item(TEXT))) == 1

    @pytest.mark.parametrize("reason", ["changed_since", "not_there"])
    def test_a_comment_that_people_changed_or_deleted(self, reason: str) -> None:
        """It is neither written over nor posted again, nor taken away."""
        seen = comment_item({**COMMENT, "text": "x"}, state="skipped", reason=reason)
        ours = comment_item({**COMMENT, "text": OLD})

        assert decide("comment", seen, ours) == []
        assert decide("nowhere", seen, ours) == []

    def test_a_comment_that_only_could_not_be_written(self) -> None:
        """Some other reason makes it nobody else's."""
        seen = comment_item(COMMENT, state="skipped", reason="page_changed")

        assert len(decide("comment", seen)) == 1

    @pytest.mark.parametrize("state", ["undone", "rejected"])
    def test_what_people_said_no_to(self, state: ItemState) -> None:
        """Just these words are not said again at that place."""
        assert decide("property", item("summary", byline(), state=state)) == []
        assert decide("excerpt", block_item(TEXT, state=state)) == []
        assert decide("comment", comment_item(COMMENT, state=state)) == []
        assert len(decide("comment", comment_item({"text": OLD}, state=state))) == 1


class TestMoving:
    """A policy that changes its mind."""

    @pytest.mark.parametrize("place", ["excerpt", "comment", "nowhere"])
    def test_our_property_goes(self, place: SummaryPlace) -> None:
        """It is planned for removal, with what stands there."""
        found = decide(place, item("summary", byline()), value=byline())

        change = next(one for one in found if one.kind == "summary")
        assert (change.before, change.after) == (byline(), None)

    @pytest.mark.parametrize("place", ["property", "comment", "nowhere"])
    def test_our_block_goes(self, place: SummaryPlace) -> None:
        """As long as it says what we wrote."""
        found = decide(place, block_item(OLD), body=with_block(OLD))

        change = next(one for one in found if one.kind == "excerpt")
        assert (change.before, change.after) == ({"text": OLD}, None)

    @pytest.mark.parametrize("place", ["property", "excerpt", "nowhere"])
    def test_our_comment_goes(self, place: SummaryPlace) -> None:
        """By its id, in the version that we left."""
        found = decide(place, comment_item(COMMENT))

        change = next(one for one in found if one.kind == "comment")
        assert (change.before, change.after, change.by) == (COMMENT, None, "summary")

    @pytest.mark.parametrize("place", PLACES)
    def test_what_is_not_ours_stays(self, place: SummaryPlace) -> None:
        """Neither a property that nobody knows, nor a copied block, is taken away."""
        body = with_block(TEXT)

        found = decide(place, value=byline(), body=body)

        assert [one for one in found if one.after is None] == []

    def test_a_person_s_words_stay(self) -> None:
        """A summary that a person wrote is not ours to take away."""
        words = summarised_as(byline(), "Коротко.")

        assert decide("nowhere", item("summary", words), value=words) == []

    def test_a_removal_that_was_refused_is_not_asked_for_again(self) -> None:
        """Who wants to keep it keeps it."""
        no = item("summary", None, state="rejected")

        assert decide("nowhere", no, item("summary", byline()), value=byline()) == []

    def test_a_page_without_text(self) -> None:
        """What we said of it is outdated, wherever it stands."""
        (value,) = decide("property", value=byline(), text="")
        (block,) = decide("excerpt", block_item(TEXT), body=with_block(TEXT), text="")
        (comment,) = decide("comment", comment_item(COMMENT), text="")

        assert value.after["summary"] == ""
        assert block.after is None
        assert comment.after is None
        assert decide("property", text="") == []
