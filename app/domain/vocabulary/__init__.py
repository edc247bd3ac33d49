"""The labels that a site means to use: terms, their other names, and what to do of them."""

from __future__ import annotations
