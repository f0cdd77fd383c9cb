"""Prometheus text, and the web's own measurements. Labels are routes, never addresses."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response


class RequestMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "purser_http_request_seconds",
            "Time from a request's first line to the end of its answer.",
            ["route", "status"],
            registry=registry,
        )

    def observe(self, route: str, status: int, seconds: float) -> None:
        self._seconds.labels(route, str(status)).observe(seconds)


class Exposition:
    """`refresh` brings up to date, before each reading, what is not counted as it happens."""

    def __init__(self, registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]] | None = None) -> None:
        self._registry = registry
        self._refresh = refresh

    async def show(self, request: Request) -> Response:
        if self._refresh:
            await self._refresh()
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
