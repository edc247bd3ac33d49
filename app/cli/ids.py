"""Numbers that name a run, a plan, an item: what the databases can hold, and no more."""

from __future__ import annotations

import click

#: Ids are signed 64-bit numbers in both databases, from 1 on.
ID = click.IntRange(1, 2**63 - 1)
