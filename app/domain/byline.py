"""The byline: the content property from which the site draws our line under a title."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

#: Named in both descriptors and written by the page run; one spelling for all three.
BYLINE_PROPERTY_KEY = "confluence-ai-byline"

#: Characters of the byline's title: it shares a line with author and date.
_TITLE = 80


def byline_value(
    *,
    summary: str,
    labels: Collection[str],
    waiting: int,
    page_version: int,
    model: str,
    fallback: bool = False,
) -> dict[str, Any]:
    """Return the content property that the byline shows.

    `title` and `tooltip` are read by the host; the rest is for our own pages. The
    page version is told so that a summary older than the page can say so.
    https://developer.atlassian.com/cloud/confluence/changing-a-byline-dynamically
    """
    return {
        **_words(summary),
        "labels": sorted(labels),
        "waiting": waiting,
        "page_version": page_version,
        "model": model,
        "fallback": fallback,
        "schema": 1,
    }


def summarised_as(value: dict[str, Any], summary: str) -> dict[str, Any]:
    """Return the property with a summary that a person wrote."""
    words = _words(summary)
    return {**value, **words, "tooltip": summary, "model": "", "fallback": False}


def _words(summary: str) -> dict[str, str]:
    title = summary if len(summary) <= _TITLE else summary[: _TITLE - 1].rstrip() + "…"
    return {
        "title": title,
        "tooltip": f"{summary} (summary by AI)" if summary else "",
        "summary": summary,
    }
