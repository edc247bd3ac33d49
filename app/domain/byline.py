"""The byline: the content property from which the site draws our line under a title."""

from __future__ import annotations

#: Named in both descriptors and written by the page run; one spelling for all three.
BYLINE_PROPERTY_KEY = "confluence-ai-byline"
