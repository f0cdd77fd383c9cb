"""The pretend App47 keeps the promises of the vendor's pages, over real HTTP."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors import PretendApp47

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Scene:
    vendor: PretendApp47
    client: httpx.AsyncClient

    async def get(self, path: str = "", *, token: str = "", **params: Any) -> httpx.Response:
        headers = {"Access-Token": token or self.vendor.access_token}
        return await self.client.get(f"/api/v2{path}", headers=headers, params=params)

    async def results(self, path: str = "", **params: Any) -> Any:
        answer = await self.get(path, **params)
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert results["success"] is True
        return results

    async def refusal(self, path: str, **params: Any) -> tuple[int, str]:
        answer = await self.get(path, **params)
        results = answer.json()["results"]
        assert results["success"] is False
        return answer.status_code, results["message"]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    vendor = PretendApp47(lambda: NOON)
    server = LoopbackServer(vendor.app)
    # Loopback has no certificates: loading them would take longer than most tests.
    async with server, httpx.AsyncClient(base_url=server.url, trust_env=False, verify=False) as client:
        yield Scene(vendor, client)


async def test_ping_answers_as_the_article_prints_it(scene: Scene) -> None:
    answer = await scene.get()
    assert answer.text == '{"results":{"message":"Valid token","success":true},"md5":"896d94e5e2f4eb6b6bfa19144c7794e5"}'


async def test_a_bad_token_gets_an_envelope_and_another_status(scene: Scene) -> None:
    for path in ("", "/apps", "/apps/x", "/apps/x/builds", "/apps/x/builds/y"):
        answer = await scene.get(path, token="mt_wrong")
        assert answer.status_code == 401
        assert answer.json()["results"] == {"message": "Invalid token", "success": False}
    missing = await scene.client.get("/api/v2", headers={"Authorization": f"Bearer {scene.vendor.access_token}"})
    assert missing.status_code == 401
    assert [request.credential for request in scene.vendor.requests] == ["unknown"] * 5 + [""]


async def test_three_pages_of_which_total_says_nothing(scene: Scene) -> None:
    for number in range(250):
        scene.vendor.add_app(f"App {number}")
    for number in range(10):
        scene.vendor.take_permission(scene.vendor.add_app(f"Hidden {number}"))
    ids: set[str] = set()
    for skip, count in ((None, 100), (100, 100), (200, 50), (300, 0)):
        results = await scene.results("/apps", **({"skip": skip} if skip else {}))
        assert (results["skip"], results["total"], results["count"], len(results["list"])) == (skip or 0, 260, count, count)
        ids |= {app["id"] for app in results["list"]}
    assert len(ids) == 250


@pytest.mark.parametrize("skip", ["0", "-1", "many", ""])
async def test_skip_is_greater_than_zero(scene: Scene, skip: str) -> None:
    assert await scene.refusal("/apps", skip=skip) == (400, f"Invalid skip ({skip})")


async def test_types_are_asked_for_in_lower_case_and_told_in_capitals(scene: Scene) -> None:
    scene.vendor.add_app("Field Sales")
    scene.vendor.add_app("Partner Desk", "b2b")
    scene.vendor.add_public_app("Shop", google="com.acme.shop")
    scene.vendor.add_web_app("Canteen", "https://canteen.acme.com", "7")
    for wanted, told, name in (
        ("private", "Private", "Field Sales"),
        ("b2b", "B2B", "Partner Desk"),
        ("public", "Public", "Shop"),
        ("web", "Web", "Canteen"),
    ):
        results = await scene.results("/apps", type=wanted)
        assert (results["total"], results["count"]) == (4, 1)
        assert (results["list"][0]["type"], results["list"][0]["name"]) == (told, name)
    assert await scene.refusal("/apps", type="blah") == (400, "Invalid app type (blah)")
    assert [app["name"] for app in (await scene.results("/apps", search_term="cant"))["list"]] == ["Canteen"]


async def test_an_app_says_what_belongs_to_its_type(scene: Scene) -> None:
    web = scene.vendor.add_web_app("Canteen", "https://canteen.acme.com", "7")
    private = scene.vendor.add_app("Field Sales")
    told = (await scene.results(f"/apps/{web.id}"))["app"]
    assert (told["uri"], told["version"], told["created"]) == ("https://canteen.acme.com", "7", "2026-05-01T12:00:00Z")
    assert not {"uri", "version", "builds"} & set((await scene.results(f"/apps/{private.id}"))["app"])
    assert await scene.refusal("/apps/64a0") == (404, "App not found")


async def test_md5_is_taken_over_the_compact_text(scene: Scene) -> None:
    scene.vendor.add_app("Bücher & Söhne")
    answer = await scene.get("/apps")
    text = answer.text.partition('"results":')[2].rpartition(',"md5"')[0]
    assert json.loads(text) == answer.json()["results"]
    right = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert answer.json()["md5"] == right
    scene.vendor.wrong_md5 = True
    again = (await scene.get("/apps")).json()
    assert again["results"] == answer.json()["results"]
    assert again["md5"] != right


async def test_one_active_build_for_each_platform_and_environment(scene: Scene) -> None:
    app = scene.vendor.add_app("Field Sales")
    for version in ("1.0", "2.0"):
        for platform in ("ios", "android"):
            for environment in ("Production", "Test"):
                scene.vendor.upload(app, version, "1", platform=platform, environment=environment)
    processing = scene.vendor.upload(app, "3.0", "1", platform="ios", processed=False)
    listed = (await scene.results(f"/apps/{app.id}/builds"))["list"]
    active = [(build["platform"], build["environment"]) for build in listed if build["active"]]
    assert sorted(active) == [("Android", "Production"), ("Android", "Test"), ("iOS", "Production"), ("iOS", "Test")]
    assert {build["version"] for build in listed if build["active"]} == {"2.0"}
    assert {build["version"] for build in listed if build["activateable"]} == {"1.0"}
    unripe = (await scene.results(f"/apps/{app.id}/builds/{processing.id}"))["build"]
    assert (unripe["active"], unripe["activateable"]) == (False, False)
    scene.vendor.finish_processing(processing)
    assert (await scene.results(f"/apps/{app.id}/builds/{processing.id}"))["build"]["activateable"] is True
    scene.vendor.activate(processing)
    listed = (await scene.results(f"/apps/{app.id}/builds"))["list"]
    assert [build["version"] for build in listed if build["active"] and build["platform"] == "iOS"].count("3.0") == 1
    scene.vendor.deactivate(processing)
    assert (await scene.results(f"/apps/{app.id}/builds/{processing.id}"))["build"]["active"] is False


async def test_a_permission_that_is_taken_away_makes_an_app_vanish(scene: Scene) -> None:
    app = scene.vendor.add_app("Field Sales")
    scene.vendor.take_permission(app)
    assert (await scene.results("/apps"))["list"] == []
    assert await scene.refusal(f"/apps/{app.id}") == (404, "App not found")
    assert await scene.refusal(f"/apps/{app.id}/builds") == (404, "App not found")
    scene.vendor.give_permission(app)
    assert len((await scene.results("/apps"))["list"]) == 1


@pytest.mark.parametrize("status", [404, 405])
async def test_an_account_may_lack_the_builds_call(scene: Scene, status: int) -> None:
    app = scene.vendor.add_app("Field Sales")
    scene.vendor.builds_status = status
    assert (await scene.get(f"/apps/{app.id}/builds")).status_code == status
    assert (await scene.get(f"/apps/{app.id}")).status_code == 200


async def test_what_a_build_calls_its_facts_can_be_chosen(scene: Scene) -> None:
    scene.vendor.names = {"version": "short_version", "number": None}
    app = scene.vendor.add_app("Field Sales")
    build = scene.vendor.upload(app, "1.0", "1")
    told = (await scene.results(f"/apps/{app.id}/builds/{build.id}"))["build"]
    assert told["short_version"] == "1.0"
    assert not {"version", "build_number", "size"} & set(told)
    scene.vendor.shows_builds = False
    assert await scene.refusal(f"/apps/{app.id}/builds/{build.id}") == (404, "Build not found")


async def test_a_proxy_in_front_of_it_may_speak_html(scene: Scene) -> None:
    scene.vendor.misbehave("/api/v2", Misbehaviour.HTML_502)
    answer = await scene.get()
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (502, "text/html")
    scene.vendor.behave()
    assert (await scene.get()).status_code == 200


@pytest.mark.parametrize("kind", [Misbehaviour.UNAUTHORIZED, Misbehaviour.FORBIDDEN, Misbehaviour.SERVER_ERROR])
async def test_its_failures_wear_the_envelope(scene: Scene, kind: Misbehaviour) -> None:
    scene.vendor.misbehave("/apps", kind)
    status, message = await scene.refusal("/apps")
    assert (status, bool(message)) == (int(kind), True)
