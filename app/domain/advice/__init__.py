"""What would make a page better: rules that would rather say nothing than be wrong."""

from __future__ import annotations
