"""The table of contents of everything that Purser answers over HTTP."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan

from bot.domain.ports import Clock, Jobs, Provider
from bot.services.links import Links
from bot.web.downloads import DownloadPage
from bot.web.errors import exception_handlers
from bot.web.files import FileTransfer
from bot.web.headers import SecurityHeaders, security_headers
from bot.web.health import Check, Readiness, alive
from bot.web.manifest import InstallManifest
from bot.web.metrics import Exposition, RequestMetrics
from bot.web.qr import QrCode
from bot.web.requests import RequestLog
from bot.web.webhooks import Webhooks

MAX_BODY = 1024 * 1024

SlackEndpoint = ASGIApp | Callable[[Request], Awaitable[Response]]


def build_web(
    *,
    links: Links,
    providers: Mapping[str, Provider],
    jobs: Jobs,
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    clock: Clock,
    public_url: str | None,
    slack: SlackEndpoint | None = None,
    refresh_metrics: Callable[[], Awaitable[None]] | None = None,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """`providers` by account name; `checks` decide /readyz; without `slack` (Socket Mode) there is no /slack/events."""
    webhooks = Webhooks(providers, jobs)
    routes: list[BaseRoute] = [
        Route("/webhooks/{account}", webhooks.receive, methods=["POST"], max_body_size=MAX_BODY),
        # For vendors that sign nothing: what follows is the secret.
        Route("/webhooks/{account}/{secret:path}", webhooks.receive, methods=["POST"], max_body_size=MAX_BODY),
        Route("/d/{token}", DownloadPage(links, clock).show),
        Route("/d/{token}/file", FileTransfer(links), methods=["GET"]),
        Route("/d/{token}/manifest.plist", InstallManifest(links).show),
        Route("/d/{token}/qr.svg", QrCode(links).show),
        *_operations(checks, registry, refresh_metrics),
    ]
    if slack is not None:
        routes.insert(0, Route("/slack/events", slack, methods=["POST"], max_body_size=MAX_BODY))
    return _app(routes, registry, jobs, public_url, lifespan)


def build_operations(
    *,
    jobs: Jobs,
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    refresh_metrics: Callable[[], Awaitable[None]] | None = None,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """Health and metrics alone, of a process that answers nobody else."""
    return _app(_operations(checks, registry, refresh_metrics), registry, jobs, None, lifespan)


def _operations(
    checks: Mapping[str, Check], registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]] | None
) -> Sequence[BaseRoute]:
    return (
        Route("/healthz", alive),
        Route("/readyz", Readiness(checks).show),
        Route("/metrics", Exposition(registry, refresh).show),
    )


def _app(
    routes: Sequence[BaseRoute],
    registry: CollectorRegistry,
    jobs: Jobs,
    public_url: str | None,
    lifespan: Lifespan[Starlette] | None,
) -> Starlette:
    headers = security_headers(public_url)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestLog, metrics=RequestMetrics(registry)),
            Middleware(SecurityHeaders, headers=headers),
        ],
        exception_handlers=exception_handlers(headers, jobs),
        lifespan=lifespan,
    )
    # A redirect to or from a trailing slash would repeat the token, and trust the Host header.
    app.router.redirect_slashes = False
    return app
