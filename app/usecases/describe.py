"""The Connect descriptor as served: the template with our address and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.connect.descriptor import render
from app.usecases.services import Services

_TEMPLATE = Path(__file__).resolve().parents[2] / "atlassian-connect.json"


def descriptor(services: Services) -> dict[str, Any]:
    """Return the descriptor that a site installs from."""
    return render(
        _TEMPLATE.read_text(encoding="utf-8"),
        base_url=services.rules.app_base_url,
        app_key=services.rules.app_key,
    )
