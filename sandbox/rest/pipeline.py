"""What every REST request goes through, whichever operation it asks for."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import points
from sandbox.auth import Authentication, scheme_of
from sandbox.faults import Fault, Target
from sandbox.principals import CredentialsRefused, Principal
from sandbox.refusals import Refusal
from sandbox.request_log import RequestEntry
from sandbox.rest import problems, scopes
from sandbox.rest.broken_answers import broken_answer
from sandbox.rest.calls import Answer, Call, Operation
from sandbox.site import Site

#: A page's body may have five megabytes; JSON around it takes some more.
MAX_REQUEST_BYTES = 12 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sender:
    """The proved sender, or the answer for one that is not proved."""

    principal: Principal | None
    refusal: Response | None = None

    @property
    def kind(self) -> str:
        return "anonymous" if self.principal is None else self.principal.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    response: Response
    points: int = 0


class Pipeline:
    """Authenticates, lets ordered faults strike, does the work, charges and logs."""

    def __init__(self, site: Site, authentication: Authentication) -> None:
        self._site = site
        self._authentication = authentication

    async def respond(
        self, request: Request, operation: Operation, *, gateway: bool
    ) -> Response:
        """Answer one request for `operation`."""
        started = time.perf_counter()
        sender = self._sender(request, operation, gateway=gateway)
        fault = self._site.faults.strike(
            Target(
                method=request.method,
                path=request.url.path,
                principal=sender.kind,
                page_id=self._page_id(request),
            )
        )
        outcome = await self._outcome(request, operation, sender, fault)
        self._log(
            request,
            operation,
            sender,
            outcome,
            fault=fault,
            seconds=time.perf_counter() - started,
        )
        return outcome.response

    async def _outcome(
        self,
        request: Request,
        operation: Operation,
        sender: _Sender,
        fault: Fault | None,
    ) -> _Outcome:
        if fault is None:
            return await self._honest(request, operation, sender)
        if not fault.answer.does_the_work:
            return _Outcome(response=await broken_answer(fault.answer, honest=None))
        honest = await self._honest(request, operation, sender)
        broken = await broken_answer(fault.answer, honest=honest.response)
        return replace(honest, response=broken)

    async def _honest(
        self, request: Request, operation: Operation, sender: _Sender
    ) -> _Outcome:
        principal = sender.principal
        if principal is None:
            assert sender.refusal is not None  # noqa: S101 - one of both is there
            return _Outcome(response=sender.refusal)
        refusal = self._refusal(request, operation, principal)
        if refusal is not None:
            return _Outcome(response=refusal)
        body = await _read(request)
        if body is None:
            return _Outcome(response=problems.body_too_large_response(operation.family))
        return self._work(request, operation, principal, body)

    def _work(
        self, request: Request, operation: Operation, principal: Principal, body: bytes
    ) -> _Outcome:
        call = Call(
            site=self._site,
            principal=principal,
            method=request.method,
            path=_path_on_site(request),
            params=request.path_params,
            query=request.query_params,
            raw_body=body,
        )
        try:
            answer = operation.handler(call)
        except Refusal as refusal:
            answer = Answer()
            response: Response = problems.refusal_response(refusal, operation.family)
        else:
            response = self._response(answer)
        cost = points.price(
            objects=answer.objects,
            identities=answer.identities,
            write=operation.write,
        )
        return self._charged(response, operation, principal, cost)

    def _charged(
        self, response: Response, operation: Operation, principal: Principal, cost: int
    ) -> _Outcome:
        if principal.app is None:
            return _Outcome(response=response)
        self._site.points.charge(principal.app, operation.name, cost)
        response.headers.update(self._site.points.headers(principal.app))
        return _Outcome(response=response, points=cost)

    def _response(self, answer: Answer) -> Response:
        headers = dict(answer.headers)
        if answer.next_link is not None:
            headers["Link"] = (
                f'<{answer.next_link}>; rel="next", '
                f'<{self._site.origin}/wiki>; rel="base"'
            )
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, answer.status, headers)

    def _sender(
        self, request: Request, operation: Operation, *, gateway: bool
    ) -> _Sender:
        if gateway and request.path_params["cloud_id"] != self._site.cloud_id:
            return _Sender(principal=None, refusal=_no_such_site())
        try:
            principal = self._authentication.principal(request, gateway=gateway)
        except CredentialsRefused as refused:
            response = problems.credentials_response(
                refused,
                family=operation.family,
                scheme=scheme_of(request),
                gateway=gateway,
            )
            return _Sender(principal=None, refusal=response)
        return _Sender(principal=principal)

    def _refusal(
        self, request: Request, operation: Operation, principal: Principal
    ) -> Response | None:
        """Return why the operation is not even begun, if it is not."""
        if not scopes.are_enough(principal.scopes, operation.scopes):
            return problems.scope_response()
        if principal.app is not None and self._site.points.is_exhausted(principal.app):
            response = problems.quota_response()
            response.headers.update(self._site.points.headers(principal.app))
            response.headers.update(self._site.points.refusal_headers(principal.app))
            return response
        checked = operation.family == "v1" and operation.write
        if checked and request.headers.get("x-atlassian-token") != "no-check":
            return problems.xsrf_response()
        return None

    @staticmethod
    def _page_id(request: Request) -> str | None:
        path = request.url.path
        about_page = "/pages/" in path or "/content/" in path
        return request.path_params.get("id") if about_page else None

    def _log(
        self,
        request: Request,
        operation: Operation,
        sender: _Sender,
        outcome: _Outcome,
        *,
        fault: Fault | None,
        seconds: float,
    ) -> None:
        principal = sender.principal
        log = self._site.requests
        log.add(
            RequestEntry(
                number=log.next_number(),
                method=request.method,
                path=request.url.path,
                query=request.url.query,
                operation=operation.name,
                principal="" if principal is None else principal.account_id,
                app=None if principal is None else principal.app,
                status=outcome.response.status_code,
                points=outcome.points,
                seconds=round(seconds, 6),
                fault=None if fault is None else fault.id,
            )
        )


def _path_on_site(request: Request) -> str:
    path = request.url.path
    return path[path.index("/wiki/") :]


def _no_such_site() -> Response:
    body = {"code": 404, "message": "No site is linked to this cloud id"}
    return JSONResponse(body, status_code=404)


async def _read(request: Request) -> bytes | None:
    """Return the request's body, or None if it is over the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_REQUEST_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
