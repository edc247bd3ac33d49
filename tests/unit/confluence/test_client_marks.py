"""Tests for labels and content properties of app.confluence.client."""

from __future__ import annotations

import json

import pytest

from app.domain.pages import ContentProperty
from app.errors import VersionConflict
from tests.unit.confluence.doubles import Script, answer, client, listing

pytestmark = pytest.mark.anyio


def _label(number: int) -> dict[str, str]:
    return {"id": str(number), "name": f"l{number}", "prefix": "global"}


def _property(**changes: object) -> dict[str, object]:
    return {"id": "11", "key": "ai", "value": 1, "version": {"number": 3}, **changes}


class TestLabels:
    """Tests for add_labels() and remove_label()."""

    async def test_all_labels_come_back(self) -> None:
        """The answer to a write is what the page has then."""
        site = Script(answer(data={"results": [_label(1), _label(2)], "size": 2}))
        confluence = client(site)

        labels = await confluence.add_labels("1", ["l2"])

        assert [label.name for label in labels] == ["l1", "l2"]
        assert confluence.meter.points == 1
        assert site.requests[0].headers["x-atlassian-token"] == "no-check"

    async def test_no_names_write_nothing(self) -> None:
        """Adding nothing only reads."""
        site = Script(listing([_label(1)]))

        labels = await client(site).add_labels("1", [])

        assert [label.name for label in labels] == ["l1"]
        assert site.requests[0].method == "GET"


class TestProperties:
    """Tests for get_property() and put_property()."""

    async def test_only_the_exact_key_counts(self) -> None:
        """A site that ignores the filter does not fool us."""
        site = Script(listing([_property(key="AI"), _property(value=2)]))

        found = await client(site).get_property("1", "ai")

        assert found == ContentProperty(id="11", key="ai", value=2, version=3)

    async def test_absent_property_is_none(self) -> None:
        """No such key is no error."""
        assert await client(Script(listing([]))).get_property("1", "ai") is None

    async def test_next_version_is_written(self) -> None:
        """What was written comes back with its new version."""
        site = Script(answer(data=_property(version={"number": 4})))
        current = ContentProperty(id="11", key="ai", value=0, version=3)

        written = await client(site).put_property("1", "ai", 1, current=current)

        assert written.version == 4
        assert json.loads(site.requests[0].content)["version"] == {"number": 4}

    async def test_conflict(self) -> None:
        """A property that came into being meanwhile is a conflict."""
        with pytest.raises(VersionConflict):
            await client(Script(answer(409))).put_property("1", "ai", 1, current=None)
