"""What the app does, one verb a module; opens and closes the transactions."""

from __future__ import annotations
