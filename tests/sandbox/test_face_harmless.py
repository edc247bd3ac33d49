"""Tests for hostile content in the web face."""

from __future__ import annotations

import pytest

from sandbox import view
from tests.fakes.sandbox_face import HOSTILE, face, page_path
from tests.fakes.sandbox_site import (
    add_page,
    eng,
    make_site,
)

pytestmark = pytest.mark.anyio


class TestHarmless:
    """Tests for hostile content."""

    async def test_a_hostile_title_is_text(self) -> None:
        """Markup in titles, labels' makers and messages stays text everywhere."""
        site = make_site()
        page_id = add_page(site, HOSTILE)
        site.update_page(page_id, version=2, message=HOSTILE, actor=site.admin)

        async with face(site) as browser:
            texts = [
                (await browser.get(path)).text
                for path in (
                    "/wiki",
                    "/wiki/spaces/ENG",
                    page_path(page_id),
                    f"{page_path(page_id)}/edit",
                    f"/wiki/spaces/ENG/create?parent={page_id}",
                    f"/wiki/spaces/ENG/pages/{HOSTILE}",
                )
            ]

        assert all("<script>alert" not in text for text in texts)
        assert all("&lt;script&gt;alert" in text for text in texts[:3])

    async def test_headers(self) -> None:
        """Nothing but the site's own styles and script may be used."""
        site = make_site()

        async with face(site) as browser:
            answer = await browser.get(page_path(str(eng(site).homepage_id)))

        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        ("body", "html"),
        [
            ("<script>alert(1)</script>x", "x"),
            ('<p onclick="x()" style="a">y</p>', "<p>y</p>"),
            ('<a href="javascript:alert(1)">t</a>', "t"),
            ('<a href="java&#10;script:alert(1)">t</a>', "t"),
            ('<a href="//evil.example">t</a>', "t"),
            ('<a href="http://[">t</a>', "t"),
            ('<img src="http://x/y.png" alt="pic" />', None),
            ("<iframe>z</iframe>", ""),
            ("<svg><b>bold</b></svg>", "<b>bold</b>"),
            ('<td colspan="1;x">c</td>', "<td>c</td>"),
            ("a &amp; b &lt;i&gt;", "a &amp; b &lt;i&gt;"),
        ],
    )
    def test_the_whitelist(self, body: str, html: str | None) -> None:
        """Only named elements, attributes and addresses reach the browser."""
        rendered = view.render(body)

        if html is None:
            assert "http://" not in rendered
        else:
            assert rendered == html

    def test_ordinary_links_stay(self) -> None:
        """Web addresses stay links that tell nobody where they stand."""
        rendered = view.render('<a href="https://x.example/?a=1&amp;b=2">t</a>')

        assert rendered == (
            '<a href="https://x.example/?a=1&amp;b=2" '
            'rel="noopener noreferrer nofollow">t</a>'
        )

    def test_macros(self) -> None:
        """Panels, code, expands, status, tasks and links are shown as such."""
        rendered = view.render(
            '<ac:structured-macro ac:name="info"><ac:parameter ac:name="title">T'
            "</ac:parameter><ac:rich-text-body><p>in</p></ac:rich-text-body>"
            '</ac:structured-macro><ac:structured-macro ac:name="code">'
            "<ac:plain-text-body><![CDATA[<b>&amp;]]></ac:plain-text-body>"
            "</ac:structured-macro><ac:task-list><ac:task><ac:task-id>7</ac:task-id>"
            "<ac:task-status>complete</ac:task-status><ac:task-body>do</ac:task-body>"
            '</ac:task></ac:task-list><ac:structured-macro ac:name="status">'
            '<ac:parameter ac:name="title">ok</ac:parameter></ac:structured-macro>'
            '<ac:link><ri:page ri:content-title="Other" /></ac:link>'
        )

        assert '<div class="panel info"><strong>T</strong><p>in</p></div>' in rendered
        assert "<pre><code>&lt;b&gt;&amp;amp;</code></pre>" in rendered
        assert "disabled checked> <span>do</span>" in rendered
        assert '<span class="lozenge grey">ok</span>' in rendered
        assert '<span class="link">Other</span>' in rendered

    def test_deep_nesting_is_rendered(self) -> None:
        """The deepest body that can be saved can be shown, too."""
        body = "<div>" * 110 + "x" + "</div>" * 110

        assert "x" in view.render(body)
