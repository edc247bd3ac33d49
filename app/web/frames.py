"""Plain pages for Connect's frames: an admin sees how the app does, a reader little."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

#: Where the host's script is: it makes a frame as high as its `ac-content`.
#: https://developer.atlassian.com/cloud/confluence/about-the-connect-javascript-api/
SCRIPT_SOURCE = "https://connect-cdn.atl-paas.net"

_STYLE = """
:root { color-scheme: light dark; --line: #091e4224; --soft: #626f86; }
@media (prefers-color-scheme: dark) { :root { --line: #a6c5e229; --soft: #8c9bab; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 24px; max-width: 46rem; }
h1 { font-size: 20px; } h2 { font-size: 14px; margin: 24px 0 8px; }
p { color: var(--soft); } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 6px 8px; border-bottom: 1px solid var(--line); }
th { width: 40%; font-weight: 500; } td { font-variant-numeric: tabular-nums; }
"""

_GUARDS = {
    "TEST": "Nothing is ever written (TEST).",
    "SAFE_TEST": "Only whitelisted places are written to (SAFE_TEST).",
    "PROD": "Pages are labelled wherever policy allows (PROD).",
}


def status_page(status: Mapping[str, Any]) -> str:
    """Return the page for a site's admin; every value is escaped."""
    provider = f"{status['provider']} ({status['model']})"
    facts = {
        "Guard": _GUARDS[status["guard"]],
        "Policy": status["policy"],
        "AI provider": provider,
        "Pages remembered": status["pages_remembered"],
    }
    hosts = {one["host"].title(): one["status"] for one in status["installations"]}
    return _page(
        "<p>Labels and summaries for every page of this site.</p>"
        + _table("How it is set up", facts)
        + _table("Installed through", hosts)
        + _table("Jobs", status["jobs"])
        + _table("Runs by outcome", status["runs"])
    )


def reader_page(where: str) -> str:
    """Return the page for readers: what was done elsewhere is not for their eyes."""
    return _page(f"<p>Confluence AI is at work {escape(where)}.</p>")


def _page(content: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>Confluence AI</title><style>{_STYLE}</style>"
        f"<script src='{SCRIPT_SOURCE}/all.js' async></script></head>"
        "<body><main id='ac-content' class='ac-content'><h1>Confluence AI</h1>"
        f"{content}</main></body></html>"
    )


def _table(title: str, rows: Mapping[str, Any]) -> str:
    if not rows:
        return (
            f"<h2>{escape(title)}</h2><p>Nothing yet: edit a page and look again.</p>"
        )
    cells = "".join(
        f"<tr><th scope='row'>{escape(str(name)).replace('_', ' ')}</th>"
        f"<td>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<h2>{escape(title)}</h2><table>{cells}</table>"
