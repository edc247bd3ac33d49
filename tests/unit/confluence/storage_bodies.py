"""Generated storage format: well-formed bodies with all that makes splicing hard."""

from __future__ import annotations

import html

from hypothesis import strategies as st

#: Text that XML can hold: no control characters, surrogates or noncharacters.
TEXTS = st.text(
    st.one_of(
        st.sampled_from("aя<>&\"' \u00a0ї🙂👩‍💻]\u200f"),
        st.characters(
            exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"
        ),
    ),
    max_size=12,
)
#: Plain text of several lines.
LINES = st.lists(TEXTS, min_size=1, max_size=4).map("\n".join)

_ENTITIES = st.sampled_from(
    ["&nbsp;", "&amp;", "&#1111;", "&#x1F642;", "&mdash;", "&lt;p&gt;"]
)
_CHARACTERS = TEXTS.map(lambda text: html.escape(text, quote=False))
_CDATA = TEXTS.map(lambda text: text.replace("]]>", "")).map(
    lambda text: f'<![CDATA[{text} </p> ac:name="excerpt" <p>]]>'
)
#: Looks like a block of ours, and is plain text.
_DECOYS = st.sampled_from(
    [
        '<!-- <ac:structured-macro ac:name="excerpt"> -->',
        (
            '<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA['
            '<ac:structured-macro ac:name="excerpt"><ac:parameter ac:name="name">'
            "ours</ac:parameter></ac:structured-macro>]]></ac:plain-text-body>"
            "</ac:structured-macro>"
        ),
        (
            '<ac:structured-macro ac:name="excerpt"><ac:parameter ac:name="name">'
            "theirs</ac:parameter><ac:rich-text-body><p>x</p></ac:rich-text-body>"
            "</ac:structured-macro>"
        ),
        (
            '<ac:structured-macro ac:name="excerpt" ac:macro-id="1"><ac:rich-text-body>'
            "<p>unnamed</p></ac:rich-text-body></ac:structured-macro>"
        ),
    ]
)
_REFERENCES = st.sampled_from(
    [
        '<ac:inline-comment-marker ac:ref="8f-1">мітка</ac:inline-comment-marker>',
        (
            '<ac:link><ri:page ri:content-title="a &gt; b" /><ac:plain-text-link-body>'
            "<![CDATA[t]]></ac:plain-text-link-body></ac:link>"
        ),
        "<ac:link><ri:user ri:account-id='1:\"2'/></ac:link>",
        '<ac:image ac:alt="x > y"><ri:attachment ri:filename="ї.png"/></ac:image>',
        '<ac:emoticon ac:emoji-fallback="🙂" ac:name="smile"   />',
        '<time datetime="2026-11-23" />',
        "<br/>",
        "<hr />",
    ]
)
_LEAVES = st.one_of(_CHARACTERS, _ENTITIES, _CDATA, _DECOYS, _REFERENCES)


def _wrapped(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    content = st.lists(inside, max_size=3).map("".join)
    wrapping = st.sampled_from(
        [
            ("<p>", "</p>"),
            ('<p local-id="a">', "</p >"),
            ("<h2>", "</h2>"),
            ("<ul><li>", "</li></ul>"),
            ("<table><tbody><tr><td>", "</td></tr></tbody></table>"),
            (
                (
                    '<ac:structured-macro ac:name="panel" ac:macro-id="3f">'
                    '<ac:parameter ac:name="title">T</ac:parameter><ac:rich-text-body>'
                ),
                "</ac:rich-text-body></ac:structured-macro>",
            ),
            (
                "<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-body>",
                "</ac:task-body></ac:task></ac:task-list>",
            ),
        ]
    )
    return st.builds(lambda tags, text: tags[0] + text + tags[1], wrapping, content)


_BLOCKS = st.recursive(_LEAVES, _wrapped, max_leaves=12)
FLAT_BODIES = st.lists(_BLOCKS, max_size=4).map("".join)


def _layout(cells: list[list[str]]) -> str:
    sections = "".join(
        '<ac:layout-section ac:type="two_equal">'
        + "".join(f"<ac:layout-cell>{cell}</ac:layout-cell>" for cell in row)
        + "</ac:layout-section>\n"
        for row in cells
    )
    return f"<ac:layout>{sections}</ac:layout>"


_LAYOUTS = st.lists(
    st.lists(FLAT_BODIES, min_size=1, max_size=2), min_size=1, max_size=2
).map(_layout)
#: Bodies as sites hold them, none with an excerpt block called `ours`.
BODIES = st.one_of(FLAT_BODIES, _LAYOUTS)
