"""The web face: spaces and pages for people, in the manner of Confluence.

It reads and writes the same `Site` as the APIs do, as the person chosen at the top
right, and shows what apps put on pages: labels, and their line below the title.
"""

from __future__ import annotations
