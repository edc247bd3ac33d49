"""Values and rules of the house; pure: no I/O, no clock, no library but the standard one."""

from __future__ import annotations
