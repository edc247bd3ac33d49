"""AI providers on this machine: the APIs of OpenAI and Gemini with quotas that bind."""

from __future__ import annotations
