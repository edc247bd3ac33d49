"""Every URL on one screen."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from app.connect.descriptor import (
    ADMIN_PAGE_KEY,
    BYLINE_KEY,
    CONTENT_ACTION_KEY,
    LIFECYCLE_PATHS,
    SPACE_PAGE_KEY,
    UI_PATHS,
)
from app.forge.manifest import (
    EVENTS_PATH,
    LIFECYCLE_PATH,
    SCHEDULE_PATH,
    UI_PATH,
    UNINSTALL_PATH,
)
from app.web import connect, forge, health


def routes() -> list[BaseRoute]:
    """Return the routes of the host-facing side and of health."""
    return [
        Route("/atlassian-connect.json", connect.get_descriptor),
        Route(LIFECYCLE_PATHS["installed"], connect.installed, methods=["POST"]),
        Route(LIFECYCLE_PATHS["uninstalled"], connect.uninstalled, methods=["POST"]),
        Route(LIFECYCLE_PATHS["enabled"], connect.enabled, methods=["POST"]),
        Route(LIFECYCLE_PATHS["disabled"], connect.disabled, methods=["POST"]),
        Route("/connect/webhooks/{event}", connect.webhook, methods=["POST"]),
        Route(UI_PATHS[ADMIN_PAGE_KEY], connect.admin_frame),
        Route(UI_PATHS[SPACE_PAGE_KEY], connect.space_frame),
        Route(UI_PATHS[BYLINE_KEY], connect.page_frame),
        Route(UI_PATHS[CONTENT_ACTION_KEY], connect.page_frame),
        Route(EVENTS_PATH, forge.events, methods=["POST"]),
        Route(LIFECYCLE_PATH, forge.lifecycle, methods=["POST"]),
        Route(SCHEDULE_PATH, forge.schedule, methods=["POST"]),
        Route(UNINSTALL_PATH, forge.uninstall, methods=["POST"]),
        Route(f"{UI_PATH}/status", forge.ui_status),
        Route("/health", health.ready),
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
        Route("/metrics", health.metrics),
    ]
