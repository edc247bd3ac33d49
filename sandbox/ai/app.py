"""The web application: both providers' APIs, and control under `/_sandbox/ai`."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope
from typing_extensions import override

from sandbox.ai.answerer import answer
from sandbox.ai.calls import Answerer
from sandbox.ai.clock import ProviderClock
from sandbox.ai.config import AiConfig, ProviderConfig, ProviderName, configured
from sandbox.ai.gemini_api import GeminiApi, model_entry
from sandbox.ai.openai_api import CREATED, ChatApi, ResponsesApi
from sandbox.ai.provider import Provider
from sandbox.json_routes import json_route, read_json
from sandbox.refusals import Malformed
from sandbox.same_origin import SameOrigin


class Providers:
    """The providers of one process, on one clock."""

    def __init__(
        self,
        config: AiConfig,
        answerer: Answerer = answer,
        clock: ProviderClock | None = None,
    ) -> None:
        self.seed = config.seed
        self.clock = clock or ProviderClock(config.scale)
        self.by_name: dict[ProviderName, Provider] = {
            name: Provider(one, self.clock, answerer, config.seed)
            for name, one in config.providers.items()
        }

    def reset(self) -> None:
        """Begin anew at the time zero, with the settings as they are."""
        self.clock.restart()
        for provider in self.by_name.values():
            provider.reset()

    def report(self, *, calls: bool) -> dict[str, Any]:
        """Return the figures of all."""
        return {
            "now": self.clock.now(),
            "scale": self.clock.scale,
            "seed": self.seed,
            **{name: one.report(calls=calls) for name, one in self.by_name.items()},
        }

    def configure(self, changes: Any) -> None:
        """Change settings: all that are named, or none.

        Raises:
            Malformed: A name or a value that there is not.
        """
        if not isinstance(changes, dict):
            raise Malformed("settings must be an object")
        unknown = sorted(set(changes) - {"scale", *self.by_name})
        if unknown:
            raise Malformed(f"no such settings: {', '.join(unknown)}")
        scale = changes.get("scale", self.clock.scale)
        if not isinstance(scale, int | float) or isinstance(scale, bool) or scale <= 0:
            raise Malformed("scale must be a number above zero")
        read: list[tuple[Provider, ProviderConfig]] = [
            (one, configured(one.config, changes[name]))
            for name, one in self.by_name.items()
            if name in changes
        ]
        self.clock.rescale(scale)
        for provider, config in read:
            provider.configure(config)

    def nobody_listens(self) -> bool:
        """Whether all providers refuse connections at present, and not for ever.

        Control is behind the same door: who shut it for good could not open it again.
        """
        now = self.clock.now()
        faults = [one.faults.at_the_door(now) for one in self.by_name.values()]
        return bool(faults) and all(
            fault is not None and fault.kind == "refused" and fault.until is not None
            for fault in faults
        )


def create_app(providers: Providers) -> Starlette:
    """Return the application that answers for `providers`."""
    control = _Control(providers)
    routes: list[BaseRoute] = [
        json_route("/_sandbox/ai/stats", control.stats, ["GET"]),
        json_route("/_sandbox/ai/reset", control.reset, ["POST"]),
        json_route("/_sandbox/ai/set", control.change, ["POST"]),
    ]
    # Gemini's come first: under /v1 they are told apart by their key's header.
    if "gemini" in providers.by_name:
        routes += _gemini_routes(providers.by_name["gemini"])
    if "openai" in providers.by_name:
        routes += _openai_routes(providers.by_name["openai"])
    return Starlette(routes=routes, middleware=[Middleware(SameOrigin)])


class _Control:
    """What tests and benchmarks order and ask."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def stats(self, request: Request) -> Response:
        """Return figures; `?log=false` leaves the calls out."""
        calls = request.query_params.get("log") != "false"
        return JSONResponse(self._providers.report(calls=calls))

    async def reset(self, _: Request) -> Response:
        """Forget all calls."""
        self._providers.reset()
        return Response(status_code=204)

    async def change(self, request: Request) -> Response:
        """Change settings."""
        self._providers.configure(await read_json(request))
        return Response(status_code=204)


def _openai_routes(provider: Provider) -> list[BaseRoute]:
    responses = ResponsesApi()

    async def respond(request: Request) -> Response:
        if provider.config.chat_only:
            return JSONResponse({"detail": "Not Found"}, 404)
        return await provider.ask(request, responses)

    async def chat(request: Request) -> Response:
        return await provider.ask(request, ChatApi(provider.config.schema_status))

    async def models(request: Request) -> Response:
        refusal = provider.look_up(request, responses, None)
        listed = [_openai_model(model) for model in provider.config.models]
        return refusal or JSONResponse({"object": "list", "data": listed})

    async def model(request: Request) -> Response:
        name = request.path_params["model"]
        refusal = provider.look_up(request, responses, name)
        return refusal or JSONResponse(_openai_model(name))

    return [
        Route("/v1/responses", respond, methods=["POST"]),
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/{model:path}", model, methods=["GET"]),
    ]


class _KeyedRoute(Route):
    """A route for those alone who send a key as Gemini's clients do."""

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match by path and by key."""
        request = Request(scope)
        if "x-goog-api-key" in request.headers or "key" in request.query_params:
            return super().matches(scope)
        return Match.NONE, {}


def _openai_model(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "system"}


def _gemini_routes(provider: Provider) -> list[BaseRoute]:
    api = GeminiApi()

    async def generate(request: Request) -> Response:
        return await provider.ask(request, api)

    async def models(request: Request) -> Response:
        refusal = provider.look_up(request, api, None)
        listed = [model_entry(model) for model in provider.config.models]
        return refusal or JSONResponse({"models": listed})

    async def model(request: Request) -> Response:
        name = request.path_params["model"]
        refusal = provider.look_up(request, api, name)
        return refusal or JSONResponse(model_entry(name))

    routes: list[BaseRoute] = []
    kinds: dict[str, type[Route]] = {"/v1beta": Route, "/v1": _KeyedRoute}
    for version, kind in kinds.items():
        routes += [
            Route(
                f"{version}/models/{{model}}:generateContent",
                generate,
                methods=["POST"],
            ),
            kind(f"{version}/models", models, methods=["GET"]),
            kind(f"{version}/models/{{model}}", model, methods=["GET"]),
        ]
    return routes
