"""The byline: the content property from which the site draws our line under a title."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.domain.sentences import sentences

#: Named in both descriptors and written by the page run; one spelling for all three.
BYLINE_PROPERTY_KEY = "confluence-ai-byline"

#: Characters of the byline's title: it shares a line with author and date.
_TITLE = 80
#: Behind a first sentence that is not the last one.
_MORE = " …"


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


def is_in_persons_words(value: dict[str, Any]) -> bool:
    """Whether the summary in the property is one that a person wrote."""
    return bool(value.get("summary")) and not value.get("model")


def _title(summary: str) -> str:
    """Return as much of a summary as fits on the line: a whole sentence if one does."""
    if len(summary) <= _TITLE:
        return summary
    first = next(sentences(summary), "")
    if len(first) + len(_MORE) <= _TITLE:
        return first + _MORE
    kept = summary[: _TITLE - 1]
    at_word = kept.rpartition(" ")[0]
    return (at_word if len(at_word) * 2 > _TITLE else kept).rstrip(" ,;:–—-") + "…"


def _words(summary: str) -> dict[str, str]:
    return {
        "title": _title(summary),
        "tooltip": f"{summary} (summary by AI)" if summary else "",
        "summary": summary,
    }
