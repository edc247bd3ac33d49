"""Confluence AI: labels and summaries for every page of a Confluence Cloud site."""

from __future__ import annotations

__version__ = "0.1.0"
