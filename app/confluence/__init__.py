"""The adapter to Confluence Cloud: REST over httpx, and readers of page bodies."""

from __future__ import annotations
