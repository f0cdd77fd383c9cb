"""The pretend Akana keeps the promises of the vendor's pages, over real HTTP."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote

import httpx
import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors import PretendAkana
from bot.sandbox.vendors.akana import Shape
from bot.sandbox.vendors.bulk import populate

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SEARCH = "/api/search?q=type:app"
TENANT = "acmepaymentscorp"
AUTH, CSRF = f"AtmoAuthToken_{TENANT}", f"Csrf-Token_{TENANT}"


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Portal:
    """A caller who keeps cookies as text, as the portal set them."""

    vendor: PretendAkana
    client: httpx.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)

    async def call(self, path: str, method: str = "GET", *, csrf: bool = False, **headers: str) -> httpx.Response:
        sent = {"accept": "application/json", **headers}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if csrf:
            sent[f"x-{CSRF}"] = self.cookies[CSRF]
        return self.keep(await self.client.request(method, path, headers=sent))

    async def log_in(self, password: str | None = None) -> httpx.Response:
        body = {"email": self.vendor.username, "password": password or self.vendor.password}
        return self.keep(await self.client.post("/api/login", json=body, headers={"accept": "application/json"}))

    def keep(self, answer: httpx.Response) -> httpx.Response:
        for header in answer.headers.get_list("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def titles(self, path: str) -> list[str]:
        answer = await self.call(path)
        assert answer.status_code == 200, answer.text
        return [item["title"] for item in answer.json()["channel"].get("item", [])]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def portal(clock: Clock) -> AsyncIterator[Portal]:
    vendor = PretendAkana(clock)
    async with (
        LoopbackServer(vendor.app) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False, verify=False) as client,
    ):
        client.headers.pop("accept")
        yield Portal(vendor, client)


# --- login ---


async def test_a_login_sets_both_cookies_in_headers_of_their_own(portal: Portal) -> None:
    answer = await portal.log_in()
    assert answer.status_code == 200
    assert len(answer.headers.get_list("set-cookie")) == 3
    value = portal.cookies[AUTH]
    assert len(value) > 400
    assert not re.search(r"[\s,;=]", value)
    parts = dict(part.split("=", 1) for part in unquote(value).split(","))
    milliseconds = int(NOON.timestamp() * 1000)
    assert (parts["issueTime"], parts["expirationTime"]) == (str(milliseconds), str(milliseconds + 30 * 60_000))
    assert parts["UserFDN"].endswith(f"%2E{TENANT}")
    assert "expirationTime%3D" in portal.cookies[CSRF]
    assert "token" not in answer.text.lower()


async def test_a_wrong_password_is_401_and_locks_after_a_while(portal: Portal) -> None:
    portal.vendor.locks_after = 2
    for _ in range(2):
        answer = await portal.log_in("wrong")
        assert (answer.status_code, answer.json()["faultcode"]) == (401, "Client")
    assert (await portal.log_in()).status_code == 401
    assert portal.vendor.failed_logins == 3
    assert not portal.cookies


async def test_a_good_login_forgets_the_failed_ones(portal: Portal) -> None:
    portal.vendor.locks_after = 2
    await portal.log_in("wrong")
    assert (await portal.log_in()).status_code == 200
    assert portal.vendor.failed_logins == 0


@pytest.mark.parametrize(("content_type", "body"), [("text/plain", "{}"), ("application/json", "x"), ("application/json", "[]")])
async def test_a_login_that_is_none_is_404(portal: Portal, content_type: str, body: str) -> None:
    headers = {"accept": "application/json", "content-type": content_type}
    assert (await portal.client.post("/api/login", content=body, headers=headers)).status_code == 404


async def test_pending_tasks_give_no_cookie(portal: Portal) -> None:
    portal.vendor.pending_tasks = ["accept.legal.agreement", "challenge.questions"]
    answer = await portal.log_in()
    assert (answer.status_code, answer.json()["pendingTasks"]) == (200, ["accept.legal.agreement"])
    assert not portal.cookies


async def test_without_csrf_there_is_one_cookie_less(portal: Portal) -> None:
    portal.vendor.csrf_on_writes = False
    await portal.log_in()
    assert set(portal.cookies) == {"JSESSIONID_pm80", AUTH}


async def test_a_session_ends_when_its_cookie_says(portal: Portal, clock: Clock) -> None:
    portal.vendor.add_app("Cards")
    await portal.log_in()
    clock.forward(minutes=29, seconds=59)
    assert await portal.titles(SEARCH) == ["Cards"]
    clock.forward(seconds=1)
    assert await portal.titles(SEARCH) == []
    assert [portal.vendor.credential_of(request) for request in portal.vendor.requests[1:]] == ["expired session"] * 2


async def test_a_cookie_that_was_coded_anew_is_unknown(portal: Portal) -> None:
    await portal.log_in()
    portal.cookies[AUTH] = unquote(portal.cookies[AUTH])
    await portal.call(SEARCH)
    assert portal.vendor.credential_of(portal.vendor.requests[-1]) == "unknown"


async def test_renewing_lengthens_and_keeps_the_first_issue(portal: Portal, clock: Clock) -> None:
    portal.vendor.add_app("Cards")
    await portal.log_in()
    first = portal.cookies[AUTH]
    clock.forward(minutes=20)
    assert (await portal.call("/api/login/renewToken", "POST", csrf=True)).status_code == 200
    assert portal.cookies[AUTH] != first
    assert f"issueTime%3D{int(NOON.timestamp() * 1000)}%2C" in portal.cookies[AUTH]
    clock.forward(minutes=20)
    assert await portal.titles(SEARCH) == ["Cards"]


async def test_renewing_wants_the_csrf_header_and_a_live_session(portal: Portal, clock: Clock) -> None:
    assert (await portal.call("/api/login/renewToken", "POST")).status_code == 401
    await portal.log_in()
    assert (await portal.call("/api/login/renewToken", "POST")).status_code == 401
    clock.forward(minutes=30)
    assert (await portal.call("/api/login/renewToken", "POST", csrf=True)).status_code == 401


async def test_csrf_on_reads_is_a_switch(portal: Portal) -> None:
    await portal.log_in()
    assert (await portal.call(SEARCH)).status_code == 200
    portal.vendor.csrf_on_reads = True
    assert (await portal.call(SEARCH)).status_code == 401
    assert (await portal.call(SEARCH, csrf=True)).status_code == 200


# --- lists ---


async def test_search_shows_the_public_what_is_public(portal: Portal) -> None:
    portal.vendor.add_app("Cards")
    portal.vendor.add_app("Bank", public=True)
    assert await portal.titles(SEARCH) == ["Bank"]
    await portal.log_in()
    assert await portal.titles(SEARCH) == ["Bank", "Cards"]
    portal.vendor.end_sessions()
    assert await portal.titles(SEARCH) == ["Bank"]


async def test_search_pages_by_offset_and_cuts_pages_down(portal: Portal) -> None:
    populate(portal.vendor, apps=25, builds=1, newest=NOON)
    await portal.log_in()
    assert len(await portal.titles(SEARCH)) == 20
    assert await portal.titles(f"{SEARCH}&start=20&count=10") == [f"App {place}" for place in range(21, 26)]
    assert await portal.titles(f"{SEARCH}&start=25&count=10") == []
    portal.vendor.count_max = 3
    assert len(await portal.titles(f"{SEARCH}&count=100")) == 3
    assert await portal.titles("/api/search?q=type:user") == []


async def test_versions_look_like_the_vendors_sample(portal: Portal) -> None:
    app = portal.vendor.add_app("110")
    version = portal.vendor.upload(
        app, "1.0", tags=["cards", "game"], notes="Card game.", uploaded_at=datetime(2012, 7, 24, 20, 45, 12, tzinfo=UTC)
    )
    await portal.log_in()
    assert app.id == f"app10033.{TENANT}"
    assert re.fullmatch(rf"[A-Za-z0-9]{{24}}\.{TENANT}", version.id)
    assert (await portal.call(f"/api/apps/{app.id}/versions")).json() == {
        "channel": {
            "title": "Application versions",
            "item": [
                {
                    "title": "1.0",
                    "description": "Card game.",
                    "category": [
                        {"value": "app-version", "domain": "uddi:soa.com:resourcetype"},
                        {"value": "Sandbox", "domain": "uddi:soa.com:environment"},
                        {"value": "com.soa.app.state.sandbox", "domain": "uddi:soa.com:application.state"},
                        {"value": "cards", "domain": "uddi:soa.com:tag"},
                        {"value": "game", "domain": "uddi:soa.com:tag"},
                    ],
                    "guid": {"value": version.id},
                    "pubDate": "Tue, 24 Jul 2012 13:45:12 PDT",
                    "EntityReferences": {
                        "EntityReference": [
                            {
                                "Title": "110",
                                "Guid": app.id,
                                "Category": [{"value": "app", "domain": "uddi:soa.com:resourcetype"}],
                            }
                        ]
                    },
                }
            ],
        },
        "version": "1.0",
    }


async def test_a_change_counts_as_an_update(portal: Portal, clock: Clock) -> None:
    app = portal.vendor.add_app("Cards")
    version = portal.vendor.upload(app, "1.0")
    portal.vendor.zone = timezone(timedelta(hours=2), "CEST")
    await portal.log_in()
    clock.forward(minutes=1)
    portal.vendor.move(version, "Production", "live")
    (item,) = (await portal.call(f"/api/apps/{app.id}/versions")).json()["channel"]["item"]
    assert item["pubDate"] == "Fri, 01 May 2026 14:01:00 CEST"
    assert [category["value"] for category in item["category"]] == ["app-version", "Production", "com.soa.app.state.live"]


async def test_versions_of_a_private_app_want_a_login(portal: Portal) -> None:
    private, public = portal.vendor.add_app("Cards"), portal.vendor.add_app("Bank", public=True)
    for app in (private, public):
        portal.vendor.upload(app, "1.0")
        portal.vendor.upload(app, "2.0", public=True)
    assert (await portal.call(f"/api/apps/{private.id}/versions")).status_code == 401
    assert await portal.titles(f"/api/apps/{public.id}/versions") == ["2.0"]
    await portal.log_in()
    assert await portal.titles(f"/api/apps/{public.id}/versions") == ["1.0", "2.0"]


async def test_the_last_version_takes_its_app_along(portal: Portal) -> None:
    app = portal.vendor.add_app("Cards")
    first, second = portal.vendor.upload(app, "1.0"), portal.vendor.upload(app, "2.0")
    await portal.log_in()
    portal.vendor.remove(first)
    assert await portal.titles(SEARCH) == ["Cards"]
    portal.vendor.remove(second)
    assert await portal.titles(SEARCH) == []
    answer = await portal.call(f"/api/apps/{app.id}/versions")
    assert (answer.status_code, answer.json()) == (
        404,
        {"faultcode": "Server", "faultstring": f"[app] {app.id} does not exist."},
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape.OBJECTS, '"guid": {"value": '),
        (Shape.OBJECTS, '"item": {"title": "1.0"'),
        (Shape.OBJECTS, '"Category": {"value": "app"'),
        (Shape.BARE, '"EntityReference": {"Title": "Cards"'),
        (Shape.CAPITALS, '"Category": [{"Value": "app-version", "Domain": '),
        (Shape.CAPITALS, '"PubDate": "Fri, 01 May 2026 05:00:00 PDT"'),
    ],
)
async def test_other_portals_write_otherwise(portal: Portal, shape: Shape, expected: str) -> None:
    app = portal.vendor.add_app("Cards")
    portal.vendor.upload(app, "1.0")
    portal.vendor.shape = shape
    await portal.log_in()
    assert expected in json.dumps((await portal.call(f"/api/apps/{app.id}/versions")).json())


@pytest.mark.parametrize("shape", Shape)
async def test_an_empty_feed_has_no_items(portal: Portal, shape: Shape) -> None:
    portal.vendor.shape = shape
    await portal.log_in()
    feed = (await portal.call(SEARCH)).json()
    assert not ({"item", "Item"} & set(feed.get("channel", feed.get("Channel"))))


# --- what stands beside it ---


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        (None, 200, "application/xml"),
        ("*/*", 200, "application/xml"),
        ("application/json", 200, "application/json"),
        ("application/vnd.soa.v81+json", 200, "application/json"),
        ("application/json, text/javascript, */*; q=0.01", 404, "application/json"),
        ("text/plain", 404, "application/json"),
    ],
)
async def test_accept_decides(portal: Portal, accept: str | None, status: int, kind: str) -> None:
    portal.vendor.add_app("Cards", public=True)
    answer = await portal.client.get(SEARCH, headers={"accept": accept} if accept else {})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, kind)


@pytest.mark.parametrize(("path", "status"), [("/api/apps", 405), ("/api/nonsense", 404)])
async def test_there_is_no_list_of_apps(portal: Portal, path: str, status: int) -> None:
    await portal.log_in()
    answer = await portal.call(path)
    assert (answer.status_code, set(answer.json())) == (status, {"faultcode", "faultstring"})


async def test_misbehaviour_speaks_in_faults(portal: Portal) -> None:
    portal.vendor.misbehave("/api/search", Misbehaviour.SERVER_ERROR)
    assert "faultstring" in (await portal.call(SEARCH)).json()


async def test_an_authorization_header_means_nothing(portal: Portal) -> None:
    await portal.call(SEARCH, authorization="Bearer x")
    assert portal.vendor.requests[-1].credential == "unknown"
    assert portal.vendor.credential_of(portal.vendor.requests[-1]) == ""
