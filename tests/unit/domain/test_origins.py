"""Tests for app.domain.origins."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from app.domain.origins import Origin, is_allowed_url, is_pattern, origin_of

PATTERNS = ("*.atlassian.net", "api.atlassian.com", "http://127.0.0.1:8090")


class TestIsAllowedUrl:
    """Tests for app.domain.origins.is_allowed_url()."""

    @pytest.mark.parametrize(
        "url",
        [
            "https://kvitka.atlassian.net",
            "https://kvitka.atlassian.net/wiki",
            "https://kvitka.atlassian.net:443/wiki/",
            "HTTPS://Kvitka.Atlassian.NET/wiki",
            "https://xn--80ak6aa92e.atlassian.net/wiki",
            "https://api.atlassian.com/ex/confluence/7",
            "http://127.0.0.1:8090",
            "http://127.0.0.1:8090/wiki",
        ],
    )
    def test_allowed(self, url: str) -> None:
        """Sites, the gateway and the one named origin are ours to call."""
        assert is_allowed_url(url, PATTERNS)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "https://",
            "http://kvitka.atlassian.net",
            "ftp://kvitka.atlassian.net",
            "//kvitka.atlassian.net",
            "https://atlassian.net",
            "https://.atlassian.net",
            "https://a.b.atlassian.net",
            "https://evilatlassian.net",
            "https://kvitka.atlassian.net.evil.com",
            "https://kvitka.atlassian.net.",
            "https://kvitka.atlassian.net:8443",
            "https://kvitka.atlassian.net:",
            "https://kvitka.atlassian.net:0",
            "https://kvitka.atlassian.net:99999",
            "https://kvitka.atlassian.net:443:443",
            "https://user@kvitka.atlassian.net",
            "https://kvitka.atlassian.net@evil.com",
            "https://kvitka.atlassian.net:443@evil.com",
            "https://evil.com#.atlassian.net",
            "https://evil.com?.atlassian.net",
            "https://evil.com/.atlassian.net",
            "https://evil.com\\.atlassian.net",
            "https:\\\\kvitka.atlassian.net",
            "https:kvitka.atlassian.net",
            "https:///kvitka.atlassian.net",
            " https://kvitka.atlassian.net",
            "https://kvitka.atlassian.net\n",
            "https://kvitka.atlassian.net\t.evil.com",
            "https://квітка.atlassian.net",
            "https://kvitka。atlassian。net",
            "https://kvitka.atlassian.net/wiki/../..",
            "https://kvitka.atlassian.net/%2e%2e/x",
            "https://kvitka.atlassian.net/wiki?x=1",
            "https://kvitka.atlassian.net/wiki#x",
            "https://-kvitka.atlassian.net",
            "https://kvit_ka.atlassian.net",
            "https://*.atlassian.net",
            "https://" + "a" * 64 + ".atlassian.net",
            "https://x.api.atlassian.com",
            "https://api.atlassian.com:8443",
            "http://api.atlassian.com",
            "https://127.0.0.1:8090",
            "http://127.0.0.1",
            "http://127.0.0.1:80900",
            "http://127.0.0.2:8090",
            "http://localhost:8090",
            "http://[::1]:8090",
            "http://2130706433:8090",
            "http://0x7f.1:8090",
            "http://169.254.169.254",
            "https://kvitka.atlassian.net/" + "a" * 3_000,
        ],
    )
    def test_refused(self, url: str) -> None:
        """No spelling of another address gets through."""
        assert not is_allowed_url(url, PATTERNS)

    def test_nothing_is_allowed_by_an_empty_list(self) -> None:
        """No list, no calls."""
        assert not is_allowed_url("https://kvitka.atlassian.net", ())

    @pytest.mark.parametrize(
        "pattern", ["*", "*.*", "*.net", "", "**.atlassian.net", "k*.atlassian.net"]
    )
    def test_careless_patterns_match_nothing(self, pattern: str) -> None:
        """A star stands for one label below two others, or for nothing."""
        assert not is_allowed_url("https://kvitka.atlassian.net", (pattern,))

    def test_full_origin_of_https(self) -> None:
        """An origin in the list is matched whole."""
        allowed = ("https://gateway.example.com:8443",)

        assert is_allowed_url("https://gateway.example.com:8443/x", allowed)
        assert not is_allowed_url("https://gateway.example.com/x", allowed)

    def test_origin_of_ipv6(self) -> None:
        """A loopback address of IPv6 can be named, too."""
        assert is_allowed_url("http://[::1]:8090/wiki", ("http://[::1]:8090",))

    @given(st.text())
    def test_any_text_is_judged(self, url: str) -> None:
        """No text raises, and no random text is a site."""
        assert not is_allowed_url(url, PATTERNS)


class TestOriginOf:
    """Tests for app.domain.origins.origin_of()."""

    def test_defaults(self) -> None:
        """The port follows from the scheme where it is not given."""
        assert origin_of("https://A.example/x") == Origin(
            scheme="https", host="a.example", port=443
        )


class TestIsPattern:
    """Tests for app.domain.origins.is_pattern()."""

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ("*.atlassian.net", True),
            ("api.atlassian.com", True),
            ("http://127.0.0.1:8090", True),
            ("https://127.0.0.1", True),
            ("http://127.0.0.1:8090/", False),
            ("http://127.0.0.1:8090/wiki", False),
            ("*", False),
            ("*.net", False),
            ("api.atlassian.com:443", False),
            ("", False),
        ],
    )
    def test_spelling(self, entry: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
        """The settings can tell an entry that would never match."""
        assert is_pattern(entry) is expected
