"""`make demo` and `make demo-once`: the site and the app, installed and at work."""

from __future__ import annotations
