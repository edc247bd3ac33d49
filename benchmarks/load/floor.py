"""The floor: the same server and the same verification as the app, and nothing else.

Run by `benchmarks.ingest` as `python -m benchmarks.load.floor --port N --keys FILE`.
What the app needs beyond this is the price of its routing, logs and database.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.clock import utc_now
from app.connect import tokens
from app.connect.requests import SignedRequest, token_of
from app.forge import invocations
from app.forge.manifest import EVENTS
from benchmarks.load.host import APP_ID, EVENTS_PATH, Published


class Floor:
    """Verifies what comes, and forgets it."""

    def __init__(self, keys: Published) -> None:
        self._keys = keys

    def app(self) -> Starlette:
        """Return the application."""
        hook = "/connect/webhooks/{event}"
        return Starlette(
            routes=[
                Route("/ready", self._nothing),
                Route("/nothing", self._nothing, methods=["POST"]),
                Route(hook, self._webhook, methods=["POST"]),
                Route(EVENTS_PATH, self._event, methods=["POST"]),
            ]
        )

    async def _nothing(self, _: Request) -> Response:
        return Response(status_code=204)

    async def _webhook(self, request: Request) -> Response:
        signed = SignedRequest(
            method=request.method,
            raw_path=request.scope["raw_path"].decode("latin-1"),
            raw_query=request.scope["query_string"].decode("latin-1"),
            authorization=request.headers.get("authorization"),
        )
        tokens.verify_symmetric(
            token_of(signed),
            signed,
            client_key=self._keys.client_key,
            shared_secret=self._keys.shared_secret,
            base_path="",
            now=utc_now(),
        )
        await request.body()
        return Response(status_code=204)

    async def _event(self, request: Request) -> Response:
        invocations.verify(
            invocations.bearer_of(request.headers.get("authorization")),
            key=self._keys.jwk,
            app_id=APP_ID,
            environments=["PRODUCTION"],
            api_hosts=["api.atlassian.com"],
            module_keys=[EVENTS],
            now=utc_now(),
        )
        await request.body()
        return Response(status_code=204)


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--keys", type=Path, required=True)
    options = arguments.parse_args()
    keys = Published(**json.loads(options.keys.read_text(encoding="utf-8")))
    # The same flags as in app.launch, so that only what lies above them differs.
    config = uvicorn.Config(
        Floor(keys).app(),
        host="127.0.0.1",
        port=options.port,
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
