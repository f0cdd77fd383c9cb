"""A pretend Akana portal: logins with cookies, CSRF, and RSS channels in JSON."""

import json
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.misbehaviour import RecordedRequest
from bot.sandbox.vendors.base import PretendVendor, VendorRefusal, utc_now

PACIFIC_SUMMER = timezone(timedelta(hours=-7), "PDT")
_JSON = frozenset({"application/json"} | {f"application/vnd.soa.v{version}+json" for version in (71, 72, 80, 81)})
_XML = frozenset(
    {"", "*/*", "application/xml", "text/xml"} | {f"application/vnd.soa.v{version}+xml" for version in (71, 72, 80, 81)}
)
_GUID = string.ascii_letters + string.digits


def _fault(text: str, code: str = "Server") -> dict[str, str]:
    return {"faultcode": code, "faultstring": text}


_BODIES = {
    401: json.dumps(_fault("Unauthorized", "Client")).encode(),
    403: json.dumps(_fault("You are not authorized to perform this operation.", "Client")).encode(),
    429: json.dumps(_fault("Too many requests")).encode(),
    500: json.dumps(_fault("An error occurred processing the call.")).encode(),
    503: b"",
}


class Shape(StrEnum):
    """How a portal writes what there is one of, or none."""

    ARRAYS = "arrays"  # as the vendor's pages show it
    OBJECTS = "objects"  # a list of one is that one
    BARE = "bare"  # EntityReference stands on the item, without its wrapper
    CAPITALS = "capitals"  # every name begins with a capital


@dataclass(eq=False, slots=True)
class PortalApp:
    """`public` apps are shown to everybody."""

    id: str
    name: str
    public: bool
    updated_at: datetime
    versions: dict[str, "AppVersion"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class AppVersion:
    """`state` is the last word of the category ("setup", "sandbox", "approved", "live")."""

    id: str
    app: PortalApp
    name: str
    notes: str
    environment: str
    state: str
    tags: tuple[str, ...]
    updated_at: datetime
    public: bool


@dataclass(frozen=True, slots=True)
class _Session:
    issued_at: datetime
    expires_at: datetime
    csrf: str | None


class PretendAkana(PretendVendor):
    """One tenant and its user, `username` and `password`.

    Switches: `session_lifetime`, `csrf_on_writes`, `csrf_on_reads`, `pending_tasks` (what the user must do before a login gives
    cookies), `locks_after` (so many failed logins in a row lock the user out), `shape`, `zone` (of dates), `count_max` (a longer
    page is cut down to it), `unknown_app_status` (404, or what some releases answer).
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now, tenant: str = "acmepaymentscorp") -> None:
        super().__init__(self._routes(), bodies=_BODIES, clock=clock, seed="akana")
        self.tenant = tenant
        self.username = "purser@acme.example.com"
        self.password = f"pw-{self.new_hex(16)}"
        self.session_lifetime = timedelta(minutes=30)
        self.csrf_on_writes = True
        self.csrf_on_reads = False
        self.pending_tasks: list[str] = []
        self.locks_after: int | None = None
        self.shape = Shape.ARRAYS
        self.zone = PACIFIC_SUMMER
        self.count_max = 100
        self.unknown_app_status = 404
        self.failed_logins = 0
        self.apps: dict[str, PortalApp] = {}
        self._user_id = self.new_guid()
        self._sessions: dict[str, _Session] = {}

    def _routes(self) -> list[Route]:
        return [
            Route("/api/login", self.log_in, methods=["POST"]),
            Route("/api/login/renewToken", self.renew_token, methods=["POST"]),
            Route("/api/search", self.search),
            Route("/api/apps/{app}/versions", self.list_versions),
            Route("/api/{rest:path}", self.refuse, methods=["GET", "POST"]),
        ]

    # --- what people at the vendor do ---

    def add_app(self, name: str, bundle_id: str = "", *, public: bool = False) -> PortalApp:
        """Bundle ids are unknown here; the parameter is there for callers who fill every vendor alike."""
        app = PortalApp(f"app{10033 + len(self.apps)}.{self.tenant}", name, public, self.clock())
        self.apps[app.id] = app
        return app

    def upload(
        self,
        app: PortalApp,
        version: str,
        number: str = "",
        *,
        platform: str = "",
        environment: str = "Sandbox",
        state: str = "sandbox",
        tags: Iterable[str] = (),
        notes: str = "",
        uploaded_at: datetime | None = None,
        public: bool = False,
    ) -> AppVersion:
        """A new version. Like everywhere; build numbers and platforms are unknown here."""
        guid = "".join(self._random.choices(_GUID, k=24)) + f".{self.tenant}"
        moment = uploaded_at or self.clock()
        made = AppVersion(guid, app, version, notes, environment, state, tuple(tags), moment, public)
        app.versions[guid] = made
        return made

    def move(self, version: AppVersion, environment: str, state: str) -> None:
        """Another environment or state, which counts as a change."""
        version.environment, version.state, version.updated_at = environment, state, self.clock()

    def remove(self, version: AppVersion) -> None:
        """The last version takes its app along."""
        del version.app.versions[version.id]
        if not version.app.versions:
            self.remove_app(version.app)

    def remove_app(self, app: PortalApp) -> None:
        del self.apps[app.id]

    def end_sessions(self) -> None:
        """Every session so far is over, whatever its cookie says."""
        self._sessions.clear()

    # --- login ---

    async def log_in(self, request: Request) -> Response:
        self._negotiate(request)
        if await self._credentials(request) != (self.username, self.password) or self.is_locked:
            self.failed_logins += 1
            raise VendorRefusal(401, _fault("Invalid user name or password.", "Client"))
        self.failed_logins = 0
        if self.pending_tasks:
            return JSONResponse(self._login_body("pending", self.pending_tasks[:1]))
        return self._grant(self.clock())

    @property
    def is_locked(self) -> bool:
        return self.locks_after is not None and self.failed_logins >= self.locks_after

    async def renew_token(self, request: Request) -> Response:
        """The new cookie keeps the time of the first issue."""
        self._negotiate(request)
        session = self._authenticate(request, writes=True)
        return self._grant(session.issued_at)

    async def _credentials(self, request: Request) -> tuple[Any, Any]:
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict) or request.headers.get("content-type") != "application/json":
            raise VendorRefusal(404, _fault("The resource could not be found."))
        return body.get("email"), body.get("password")

    def _grant(self, issued_at: datetime) -> Response:
        expires_at = self.clock() + self.session_lifetime
        csrf = self._csrf_token(expires_at) if self.csrf_on_writes or self.csrf_on_reads else None
        token = self._auth_token(issued_at, expires_at)
        self._sessions[token] = _Session(issued_at, expires_at, csrf)
        response = JSONResponse(self._login_body("complete", []))
        response.headers.append("set-cookie", f"JSESSIONID_pm80={self.new_hex(32)};Path=/;HttpOnly")
        for name, value in (("AtmoAuthToken", token), ("Csrf-Token", csrf)):
            if value:
                ends = format_datetime(expires_at.astimezone(UTC), usegmt=True)
                response.headers.append("set-cookie", f"{name}_{self.tenant}={value};Path=/; Expires={ends}; HttpOnly")
        return response

    def _auth_token(self, issued_at: datetime, expires_at: datetime) -> str:
        """Coded twice in places, in the vendor's own mixture: whoever codes it anew sends something else."""
        parts = (
            f"TokenID={self.new_guid()}",
            f"claimed_id=urn:atmosphere:user:{self.tenant}:{self._user_id}",
            f"issueTime={_milliseconds(issued_at)}",
            f"expirationTime={_milliseconds(expires_at)}",
        )
        start = quote(",".join(parts), "")
        return f"{start}%2CUserName%3DPurser+Bot%2CUserFDN%3D{self._user_id}%252E{self.tenant}%2csig%3d{self.new_hex(300)}-_"

    def _csrf_token(self, expires_at: datetime) -> str:
        return quote(f"TokenID={self.new_guid()},expirationTime={_milliseconds(expires_at)}", "")

    def _login_body(self, state: str, pending: list[str]) -> dict[str, Any]:
        return {
            "userName": self.username,
            "loginState": f"com.soa.login.{state}",
            "loginDomainId": f"local.{self.tenant}",
            "pendingTasks": pending,
        }

    # --- who asks ---

    def name_credential(self, authorization: str) -> str:
        """An Authorization header means nothing here; see `credential_of`."""
        return "unknown"

    def credential_of(self, request: RecordedRequest) -> str:
        """What a request carried: "session", "expired session", "unknown" or "" for nothing."""
        token = self._token(request.headers)
        if not token:
            return ""
        session = self._sessions.get(token)
        if session is None:
            return "unknown"
        return "session" if session.expires_at > self.clock() else "expired session"

    def _token(self, headers: Headers) -> str:
        pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == f"AtmoAuthToken_{self.tenant}"), "")

    def _session(self, request: Request) -> _Session | None:
        session = self._sessions.get(self._token(request.headers))
        return session if session and session.expires_at > self.clock() else None

    def _authenticate(self, request: Request, *, writes: bool = False) -> _Session:
        """401 for a missing session and for a missing CSRF header alike."""
        session = self._session(request)
        wants_csrf = self.csrf_on_writes if writes else self.csrf_on_reads
        if session is None or (wants_csrf and request.headers.get(f"x-csrf-token_{self.tenant}") != session.csrf):
            raise VendorRefusal(401, _fault("Unauthorized", "Client"))
        return session

    def _is_anonymous(self, request: Request) -> bool:
        if self._session(request) is None:
            return True
        self._authenticate(request)
        return False

    # --- lists ---

    async def search(self, request: Request) -> Response:
        """Anybody may search; who is not logged in finds what is public."""
        kind = self._negotiate(request)
        anonymous = self._is_anonymous(request)
        if request.query_params.get("q") != "type:app":
            return self._feed(kind, "Search results", [])
        start, count = _number(request, "start", 0), min(_number(request, "count", 20), self.count_max)
        visible = sorted((app for app in self.apps.values() if app.public or not anonymous), key=lambda app: app.name)
        return self._feed(kind, "Search results", [self._app_item(app) for app in visible[start : start + count]])

    async def list_versions(self, request: Request) -> Response:
        kind = self._negotiate(request)
        anonymous = self._is_anonymous(request)
        app = self.apps.get(request.path_params["app"])
        if app is None:
            raise VendorRefusal(self.unknown_app_status, _fault(f"[app] {request.path_params['app']} does not exist."))
        if anonymous and not app.public:
            raise VendorRefusal(401, _fault("Unauthorized", "Client"))
        versions = [version for version in app.versions.values() if version.public or not anonymous]
        return self._feed(kind, "Application versions", [self._version_item(version) for version in versions])

    async def refuse(self, request: Request) -> Response:
        """There is no list of apps here, and nothing else either."""
        raise VendorRefusal(405 if request.url.path == "/api/apps" else 404, _fault("The resource could not be found."))

    def _negotiate(self, request: Request) -> str:
        """One JSON type gives JSON, none gives XML, and what is not known is 404 instead of 406."""
        accepted = request.headers.get("accept", "")
        if accepted not in _JSON | _XML:
            raise VendorRefusal(404, _fault("The resource could not be found."))
        return "json" if accepted in _JSON else "xml"

    def _feed(self, kind: str, title: str, items: list[dict[str, Any]]) -> Response:
        if kind == "xml":
            inner = "".join(f"<item><title>{item['title']}</title></item>" for item in items)
            return Response(f'<rss version="1.0"><channel>{inner}</channel></rss>', media_type="application/xml")
        channel = {"title": title} | ({"item": items} if items else {})
        return JSONResponse(_shaped({"channel": channel, "version": "1.0"}, self.shape))

    def _app_item(self, app: PortalApp) -> dict[str, Any]:
        visibility = "Public" if app.public else "Limited"
        return {
            "title": app.name,
            "category": [_category("resourcetype", "app"), _category("visibility", visibility)],
            "guid": {"value": app.id},
            "pubDate": self._date(app.updated_at),
            "Connections": len(app.versions),
        }

    def _version_item(self, version: AppVersion) -> dict[str, Any]:
        reference = {"Title": version.app.name, "Guid": version.app.id, "Category": [_category("resourcetype", "app")]}
        item = {
            "title": version.name,
            "category": [
                _category("resourcetype", "app-version"),
                _category("environment", version.environment),
                _category("application.state", f"com.soa.app.state.{version.state}"),
                *(_category("tag", tag) for tag in version.tags),
            ],
            "guid": {"value": version.id},
            "pubDate": self._date(version.updated_at),
            "EntityReferences": {"EntityReference": [reference]},
        }
        return item | ({"description": version.notes} if version.notes else {})

    def _date(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%a, %d %b %Y %H:%M:%S %Z}"


def _category(domain: str, value: str) -> dict[str, str]:
    return {"value": value, "domain": f"uddi:soa.com:{domain}"}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else default


def _shaped(value: Any, shape: Shape) -> Any:
    """The same feed as another portal would write it."""
    if isinstance(value, list):
        items = [_shaped(item, shape) for item in value]
        return items[0] if shape is Shape.OBJECTS and len(items) == 1 else items
    if isinstance(value, dict):
        return dict(_shaped_pairs(value, shape))
    return value


def _shaped_pairs(parent: Mapping[str, Any], shape: Shape) -> Iterator[tuple[str, Any]]:
    for name, value in parent.items():
        if shape is Shape.BARE and name == "EntityReferences":
            yield "EntityReference", _shaped(value["EntityReference"][0], shape)
        else:
            yield (name[:1].upper() + name[1:] if shape is Shape.CAPITALS else name), _shaped(value, shape)
