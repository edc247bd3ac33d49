"""How each kind of change is carried out; `app.usecases.apply_changes` alone calls it."""

from __future__ import annotations
