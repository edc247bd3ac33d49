"""Tests for app.connect.qsh."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from atlassian_jwt.url_utils import canonicalize_request
from hypothesis import given, strategies as st

from app.connect.qsh import canonical_request, query_string_hash

SAMPLES = Path(__file__).parents[2] / "samples" / "qsh"
VECTORS = [
    json.loads(line)
    for line in (SAMPLES / "vectors.jsonl").read_text("utf-8").splitlines()
]
#: Atlassian's JavaScript library cuts the base path inside a segment; we do not.
BASE_PATH_BOUNDARY = "/basement/x"

unreserved = st.text(string.ascii_letters + string.digits + "-._~", min_size=1)
pairs = st.lists(st.tuples(st.text(), st.text()))


def query_of(items: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(key, safe='')}={quote(v, safe='')}" for key, v in items)


class TestVectors:
    """Tests for app.connect.qsh against Atlassian's own encoder."""

    @pytest.mark.parametrize(
        ("method", "target", "canonical", "digest"),
        [vector for vector in VECTORS if vector[1] != BASE_PATH_BOUNDARY],
        ids=lambda value: value if "/" in value and len(value) < 60 else "",
    )
    def test_every_vector_passes(
        self, method: str, target: str, canonical: str, digest: str
    ) -> None:
        """Canonical text and hash are what Atlassian's library answers."""
        path, _, query = target.partition("?")

        made = canonical_request(method, path, query, base_path="/base")
        hashed = query_string_hash(method, path, query, base_path="/base")

        assert (made, hashed) == (canonical, digest)

    def test_all_vectors_but_the_exception_are_tried(self) -> None:
        """The table is whole: 23 vectors, one of them a deliberate exception."""
        exceptions = [vector for vector in VECTORS if vector[1] == BASE_PATH_BOUNDARY]

        assert (len(VECTORS), len(exceptions)) == (23, 1)

    def test_base_path_is_cut_at_a_segment_only(self) -> None:
        """`/base` is no part of `/basement`, unlike in Atlassian's library."""
        made = canonical_request("GET", "/basement/x", "", base_path="/base")

        assert made == "GET&/basement/x&"


class TestCanonicalRequest:
    """Tests for app.connect.qsh.canonical_request()."""

    @pytest.mark.parametrize(
        ("path", "base_path", "expected"),
        [
            ("/wiki/rest/api/content", "/wiki", "/rest/api/content"),
            ("/wiki", "/wiki/", "/"),
            ("/a", "/", "/a"),
            ("", "", "/"),
            ("//evil.example.com", "", "//evil.example.com"),
            ("/сторінка", "", "/сторінка"),
        ],
    )
    def test_paths(self, path: str, base_path: str, expected: str) -> None:
        """The base path and one trailing slash go, all else stays as sent."""
        made = canonical_request("get", path, "", base_path=base_path)

        assert made == f"GET&{expected}&"

    def test_undecodable_bytes_stay_apart(self) -> None:
        """Two broken escapes do not fold into one replacement character."""
        first = query_string_hash("GET", "/a", "x=%ff")
        second = query_string_hash("GET", "/a", "x=%fe")

        assert first != second

    def test_an_encoded_token_parameter_is_left_out_too(self) -> None:
        """`%6Awt` is the same parameter as `jwt`."""
        assert canonical_request("GET", "/a", "%6Awt=abc&b=1") == "GET&/a&b=1"

    def test_lone_surrogates_do_not_break_it(self) -> None:
        """Text that is no Unicode still has some hash."""
        assert len(query_string_hash("GET", "/\ud800", "x=\udfff")) == 64

    @given(items=pairs, seed=st.randoms())
    def test_order_of_parameters_does_not_matter(
        self, items: list[tuple[str, str]], seed: object
    ) -> None:
        """A proxy that shuffles the query does not break the signature."""
        shuffled = list(items)
        seed.shuffle(shuffled)  # type: ignore[attr-defined]

        assert canonical_request("GET", "/a", query_of(items)) == canonical_request(
            "GET", "/a", query_of(shuffled)
        )

    @given(query=st.text(), path=st.text())
    def test_any_text_has_a_hash(self, query: str, path: str) -> None:
        """Nothing a sender writes into a URL raises."""
        digest = query_string_hash("GET", path, query, base_path="/base")

        assert re.fullmatch(r"[0-9a-f]{64}", digest)

    @given(items=pairs)
    def test_canonical_queries_are_a_fixed_point(
        self, items: list[tuple[str, str]]
    ) -> None:
        """Distinct keys, once canonical, are canonical for good."""
        distinct = [(key, v) for key, v in dict(items).items() if key != "jwt"]
        once = canonical_request("GET", "/a", query_of(distinct))

        again = canonical_request("GET", "/a", once.removeprefix("GET&/a&"))

        assert again == once

    @given(
        items=st.lists(
            st.tuples(unreserved, st.text(string.printable, max_size=20)), max_size=6
        ),
        segments=st.lists(unreserved, max_size=4),
    )
    def test_agrees_with_the_library_that_signs_our_calls(
        self, items: list[tuple[str, str]], segments: list[str]
    ) -> None:
        """For ordinary ASCII URLs atlassian-jwt makes the same text."""
        path, query = "/" + "/".join(segments), query_of(items)

        made = canonical_request("GET", path, query)

        assert made == canonicalize_request("GET", f"{path}?{query}")
