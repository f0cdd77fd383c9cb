"""Gives each request an id and one line in the log. Addresses are logged as routes, so that no token is ever written."""

from secrets import token_hex
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.metrics import RequestMetrics

log = structlog.get_logger(__name__)

UNMATCHED = "unmatched"
POLLED = frozenset({"/healthz", "/readyz", "/metrics"})  # by machines, every few seconds
TOLD = frozenset({"/slack/events"})  # by a line `answered`, when all is well


class RequestLog:
    """Binds `request_id` (and features bind `grant`) to every log line of the request; counts it in the metrics."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, _begin(scope))
        started = perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            self._finish(scope, answer, perf_counter() - started)

    def _finish(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        self._metrics.observe(route, answer.status, seconds)
        is_quiet = route in POLLED or (route in TOLD and answer.status == 200)
        tell = log.debug if is_quiet else log.info
        tell(
            "http.request",
            method=scope["method"],
            route=route,
            status=answer.status,
            ms=round(seconds * 1000, 1),
            whole=answer.is_whole,
        )


class _Answer:
    """Watches a response go by. Until one begins, the status is that of an unforeseen error."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 500
        self.is_whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"].append((b"x-request-id", self._request_id.encode()))
        elif message["type"] == "http.response.body":
            self.is_whole = not message.get("more_body", False)
        await self._send(message)


def _begin(scope: Scope) -> str:
    """Clears what an earlier request on the same connection may have bound."""
    request_id = token_hex(6)
    scope.setdefault("state", {})["request_id"] = request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id
