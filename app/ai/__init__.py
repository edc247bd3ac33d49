"""AI providers, one module each, behind the one port that use cases know."""

from __future__ import annotations
