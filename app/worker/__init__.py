"""Background work: leases jobs, runs them, settles them; knows no page and no SQL."""

from __future__ import annotations
