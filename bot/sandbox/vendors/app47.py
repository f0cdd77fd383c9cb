"""A pretend App47: API v2 as its support pages tell it. What they leave open is marked as a guess or is a switch."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.artefacts import DEFAULT_SIZE
from bot.sandbox.vendors.base import PretendVendor, T, VendorRefusal, shuffled, utc_now

PAGE_SIZE = 100
TYPES = {"private": "Private", "public": "Public", "web": "Web", "b2b": "B2B"}  # as filters have them, as answers have them
_SPELLINGS = {"ios": "iOS", "android": "Android", "windows": "Windows"}


def compact(results: Any) -> str:
    """The text over which the md5 is taken. Rails writes the same."""
    return json.dumps(results, separators=(",", ":"), ensure_ascii=False)


def envelope(results: Mapping[str, Any]) -> dict[str, Any]:
    return {"results": results, "md5": hashlib.md5(compact(results).encode(), usedforsecurity=False).hexdigest()}


def _failure(message: str) -> dict[str, Any]:
    return envelope({"message": message, "success": False})


_BODIES = {
    401: json.dumps(_failure("Invalid token")).encode(),
    403: json.dumps(_failure("You do not have permission to do this")).encode(),
    429: json.dumps(_failure("Too many requests")).encode(),
    500: json.dumps(_failure("An unexpected error occurred")).encode(),
}


@dataclass(eq=False, slots=True)
class App47App:
    """`type` as answers have it. A `hidden` app is one that the member has no permission to read (any more).

    `facts` are the fields of its type alone: `uri`, `apple_external_id`, ...
    """

    id: str
    name: str
    type: str
    created_at: datetime
    modified_at: datetime
    facts: dict[str, str] = field(default_factory=dict)
    hidden: bool = False
    builds: dict[str, "App47Build"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class App47Build:
    """`platform` is ios, android or windows. Processed builds are valid and can be activated."""

    id: str
    app: App47App
    version: str
    number: str
    platform: str
    environment: str
    uploaded_at: datetime
    notes: str
    size: int
    processed: bool
    active: bool = False


class PretendApp47(PretendVendor):
    """One account, seen by the member whose `access_token` it is.

    Switches: `wrong_md5`; `builds_status` (404 or 405: the account has no builds call, 200: it has); `shows_builds` (whether one
    build can be asked for); `newest_first` (the order of builds, which is not documented); `names` (what this App47 calls the
    version, the number and the size of a build; None leaves the fact out); `token_status` (what a bad token is answered with).
    """

    credential_header = "access-token"

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(self._routes(), bodies=_BODIES, clock=clock, seed="app47")
        self.access_token = f"mt_{self.new_hex(40)}"
        self.wrong_md5 = False
        self.builds_status = 200
        self.shows_builds = True
        self.newest_first = True
        self.names: dict[str, str | None] = {"version": "version", "number": "build_number", "size": "size"}
        self.token_status = 401
        self.apps: dict[str, App47App] = {}

    def _routes(self) -> list[Route]:
        apps = "/api/v2/apps"
        return [
            Route("/api/v2", self.ping),
            Route(apps, self.list_apps),
            Route(apps + "/{app}", self.get_app),
            Route(apps + "/{app}/builds", self.list_builds),
            Route(apps + "/{app}/builds/{build}", self.get_build),
        ]

    # --- what people at the vendor do ---

    def add_app(self, name: str, type: str = "private") -> App47App:
        """`type` is private or b2b; public and web apps have methods of their own."""
        return self._add(name, type)

    def add_web_app(self, name: str, uri: str, version: str = "1.0") -> App47App:
        return self._add(name, "web", uri=uri, version=version)

    def add_public_app(self, name: str, *, apple: str = "", google: str = "", windows: str = "") -> App47App:
        """The ids that the stores of Apple and Google know it by, and its address in that of Microsoft."""
        return self._add(name, "public", apple_external_id=apple, google_external_id=google, windows_external_url=windows)

    def _add(self, name: str, type: str, **facts: str) -> App47App:
        app = App47App(self.new_hex(), name, TYPES[type], self.clock(), self.clock(), facts)
        self.apps[app.id] = app
        return app

    def edit(self, app: App47App, **facts: str) -> None:
        app.facts.update(facts)
        app.modified_at = self.clock()

    def remove_app(self, app: App47App) -> None:
        del self.apps[app.id]

    def take_permission(self, app: App47App) -> None:
        """The member may no longer read this app: it is missing from now on, and nobody says why."""
        app.hidden = True

    def give_permission(self, app: App47App) -> None:
        app.hidden = False

    def upload(
        self,
        app: App47App,
        version: str,
        number: str,
        *,
        platform: str = "android",
        environment: str = "Production",
        processed: bool = True,
        make_active: bool = True,
        uploaded_at: datetime | None = None,
        notes: str = "",
        size: int = DEFAULT_SIZE,
    ) -> App47Build:
        """A new build, at once in use unless it is still processed or not to be."""
        build = App47Build(
            id=self.new_hex(),
            app=app,
            version=version,
            number=number,
            platform=platform,
            environment=environment,
            uploaded_at=uploaded_at or self.clock(),
            notes=notes,
            size=size,
            processed=processed,
        )
        app.builds[build.id] = build
        if processed and make_active:
            self.activate(build)
        return build

    def finish_processing(self, build: App47Build) -> None:
        build.processed = True

    def activate(self, build: App47Build) -> None:
        """There is one active build per platform and environment."""
        for other in build.app.builds.values():
            if (other.platform, other.environment) == (build.platform, build.environment):
                other.active = other is build
        build.processed = True

    def deactivate(self, build: App47Build) -> None:
        build.active = False

    def remove(self, build: App47Build) -> None:
        del build.app.builds[build.id]

    # --- the calls ---

    def name_credential(self, authorization: str) -> str:
        return "member token" if authorization == self.access_token else "unknown"

    async def ping(self, request: Request) -> Response:
        self._require_token(request)
        return self._answer({"message": "Valid token", "success": True})

    async def list_apps(self, request: Request) -> Response:
        self._require_token(request)
        wanted = request.query_params.get("type")
        if wanted is not None and wanted not in TYPES:
            raise self._refusal(400, f"Invalid app type ({wanted})")
        term = request.query_params.get("search_term", "").lower()
        apps = [app for app in shuffled(self.apps) if not app.hidden and term in app.name.lower()]
        apps = [app for app in apps if wanted is None or app.type == TYPES[wanted]]
        return self._page(request, [_app_json(app) for app in apps], total=len(self.apps))

    async def get_app(self, request: Request) -> Response:
        return self._answer({"app": _app_json(self._require_app(request)), "success": True})

    async def list_builds(self, request: Request) -> Response:
        """Paged like apps: a guess, and so is the shape of a build."""
        builds = self._require_builds(request)
        ordered = sorted(builds.values(), key=lambda build: build.uploaded_at, reverse=self.newest_first)
        return self._page(request, [self._build_json(build) for build in ordered], total=len(builds))

    async def get_build(self, request: Request) -> Response:
        builds = self._require_builds(request)
        build = self._found(builds.get(request.path_params["build"]) if self.shows_builds else None, "Build")
        return self._answer({"build": self._build_json(build), "success": True})

    # --- finding and paging ---

    def _require_token(self, request: Request) -> None:
        if request.headers.get(self.credential_header) != self.access_token:
            raise self._refusal(self.token_status, "Invalid token")

    def _require_app(self, request: Request) -> App47App:
        self._require_token(request)
        app = self._found(self.apps.get(request.path_params["app"]), "App")
        return self._found(None if app.hidden else app, "App")

    def _require_builds(self, request: Request) -> Mapping[str, App47Build]:
        builds = self._require_app(request).builds
        if self.builds_status != 200:
            raise VendorRefusal(self.builds_status)  # there is no such route: Rails answers before App47 does
        return builds

    def _found(self, item: T | None, what: str) -> T:
        if item is None:
            raise self._refusal(404, f"{what} not found")
        return item

    def _page(self, request: Request, items: Iterable[Any], total: int) -> Response:
        """`total` is the account's, whatever was asked for."""
        text = request.query_params.get("skip")
        if text is not None and not (text.isdecimal() and int(text) > 0):
            raise self._refusal(400, f"Invalid skip ({text})")
        skip = int(text or 0)
        listed = list(items)[skip : skip + PAGE_SIZE]
        return self._answer({"skip": skip, "total": total, "count": len(listed), "list": listed, "success": True})

    def _refusal(self, status: int, message: str) -> VendorRefusal:
        return VendorRefusal(status, self._envelope({"message": message, "success": False}))

    def _answer(self, results: Mapping[str, Any]) -> Response:
        return JSONResponse(self._envelope(results))

    def _envelope(self, results: Mapping[str, Any]) -> dict[str, Any]:
        whole = envelope(results)
        return {**whole, "md5": whole["md5"][::-1]} if self.wrong_md5 else whole

    def _build_json(self, build: App47Build) -> dict[str, Any]:
        facts = {"version": build.version, "number": build.number, "size": build.size}
        return {
            "id": build.id,
            "created": _time(build.uploaded_at),
            "modified": _time(build.uploaded_at),
            "platform": _SPELLINGS[build.platform],
            "environment": build.environment,
            "release_notes": build.notes,
            "active": build.active,
            "activateable": build.processed and not build.active,
            **{name: facts[fact] for fact, name in self.names.items() if name},
        }


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _app_json(app: App47App) -> dict[str, Any]:
    return {
        "id": app.id,
        "created": _time(app.created_at),
        "modified": _time(app.modified_at),
        "name": app.name,
        "icon_url": f"https://icons.example.com/{app.id}/original.png?1414504775",
        "description": "",
        "type": app.type,
        "vendor": "",
        "all_users": False,
        "featured": False,
        "rating": 0.0,
        "group_ids": [],
        "user_ids": [],
        "test_user_ids": [],
        "tag_ids": [],
        **app.facts,
    }
