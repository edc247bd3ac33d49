"""The Connect protocol without I/O: bytes, headers and keys in; values or named errors out."""

from __future__ import annotations
