"""How a space's pages hang together, and what little would make it better."""

from __future__ import annotations
