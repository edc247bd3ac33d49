"""The database: SQLAlchemy tables and one store a module; commits nothing itself."""

from __future__ import annotations
