"""What operators watch: log files and metrics."""

from __future__ import annotations
