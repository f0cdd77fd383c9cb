"""A pretend Harbour."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.vendors.base import PretendVendor, VendorRefusal, base_url, utc_now

_BODIES = {status: json.dumps({"error": "no"}).encode() for status in (401, 403, 429, 500)}


@dataclass(eq=False, slots=True)
class HarbourApp:
    id: str
    name: str
    bundle_id: str
    builds: dict[str, "HarbourBuild"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class HarbourBuild:
    id: str
    app: HarbourApp
    version: str
    number: str
    platform: str
    state: str
    notes: str
    content: bytes = field(repr=False)
    uploaded_at: datetime


class PretendHarbour(PretendVendor):
    """One berth and its `token`."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        apps = "/v1/apps"
        build = apps + "/{app}/builds/{build}"
        routes = [
            Route(apps, self.list_apps),
            Route(apps + "/{app}/builds", self.list_builds),
            Route(build, self.get_build),
            Route(build + "/links", self.mint_link, methods=["POST"]),
            Route("/files/{ticket}", self.download),
        ]
        super().__init__(routes, bodies=_BODIES, clock=clock, seed="harbour")
        self.token = f"berth-{self.new_hex(40)}"
        self.apps: dict[str, HarbourApp] = {}
        self._tickets: dict[str, HarbourBuild] = {}

    def add_app(self, name: str, bundle_id: str = "") -> HarbourApp:
        app = HarbourApp(self.new_hex(), name, bundle_id)
        self.apps[app.id] = app
        return app

    def upload(
        self,
        app: HarbourApp,
        version: str,
        number: str,
        *,
        platform: str = "android",
        state: str = "moored",
        notes: str = "",
        uploaded_at: datetime | None = None,
    ) -> HarbourBuild:
        content = f"{app.name} {version} ({number})".encode() * 100
        moment = uploaded_at or self.clock()
        build = HarbourBuild(self.new_hex(), app, version, number, platform, state, notes, content, moment)
        app.builds[build.id] = build
        return build

    def name_credential(self, authorization: str) -> str:
        return "berth token" if authorization == f"Bearer {self.token}" else "unknown"

    async def list_apps(self, request: Request) -> Response:
        self._require_token(request)
        return _page(request, "apps", [_app_json(app) for app in self.apps.values()])

    async def list_builds(self, request: Request) -> Response:
        builds = sorted(self._app(request).builds.values(), key=lambda build: build.uploaded_at, reverse=True)
        return _page(request, "builds", [_build_json(build) for build in builds])

    async def get_build(self, request: Request) -> Response:
        return JSONResponse(_build_json(self._build(request)))

    async def mint_link(self, request: Request) -> Response:
        build = self._build(request)
        if build.state != "moored":
            raise VendorRefusal(409, {"error": "not moored"})
        ticket = self.new_hex(32)
        self._tickets[ticket] = build
        ends = (self.clock() + timedelta(minutes=5)).isoformat()
        return JSONResponse({"url": f"{base_url(request)}/files/{ticket}", "expires_at": ends})

    async def download(self, request: Request) -> Response:
        """Spends the ticket."""
        build = self._tickets.pop(request.path_params["ticket"], None)
        return Response(build.content, media_type="application/octet-stream") if build else Response(status_code=404)

    def _require_token(self, request: Request) -> None:
        if self.name_credential(request.headers.get("authorization", "")) != "berth token":
            raise VendorRefusal(401, {"error": "who are you"})

    def _app(self, request: Request) -> HarbourApp:
        self._require_token(request)
        app = self.apps.get(request.path_params["app"])
        if app is None:
            raise VendorRefusal(404, {"error": "no such app"})
        return app

    def _build(self, request: Request) -> HarbourBuild:
        build = self._app(request).builds.get(request.path_params["build"])
        if build is None:
            raise VendorRefusal(404, {"error": "no such build"})
        return build


def _page(request: Request, name: str, items: list[dict[str, Any]]) -> Response:
    start, limit = int(request.query_params.get("after", 0)), int(request.query_params.get("limit", 100))
    end = start + limit
    return JSONResponse({name: items[start:end], "next": str(end) if end < len(items) else None})


def _app_json(app: HarbourApp) -> dict[str, Any]:
    return {"id": app.id, "name": app.name, "package": app.bundle_id}


def _build_json(build: HarbourBuild) -> dict[str, Any]:
    return {
        "id": build.id,
        "version": build.version,
        "number": build.number,
        "platform": build.platform,
        "berth": "two",
        "state": build.state,
        "notes": build.notes,
        "size": len(build.content),
        "created_at": build.uploaded_at.isoformat(),
    }
