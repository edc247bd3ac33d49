"""HTTP: routes, who calls, and how failures are told; knows Starlette, no SQL."""

from __future__ import annotations
