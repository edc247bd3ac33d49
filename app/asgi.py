"""For ASGI servers: `uvicorn app.asgi:app`. Reads the environment when imported."""

from __future__ import annotations

from app.launch import configure_logs, web_app
from app.settings import from_environ

_settings = from_environ()
configure_logs(_settings)
app = web_app(_settings)
