"""Rate control of AI providers: pure rules, one state a (provider, key, model)."""

from __future__ import annotations
