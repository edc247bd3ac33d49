"""A Confluence Cloud site in one process, for the demo, development and tests."""

from __future__ import annotations
