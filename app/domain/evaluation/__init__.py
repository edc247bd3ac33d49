"""How good a provider is on pages that people labelled: pure measures, no I/O."""

from __future__ import annotations
