"""App Store versions: Apple's words as states, and how the client finds them without a call per app.

Payload shapes: Apple's OpenAPI document 4.4.1.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Confused, NotFound, RateLimited
from bot.domain.model import App, Build, BuildState, Handover, Platform
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors.apple.model import AppleApp, AppleBuild, KeyProblem, StoreVersion
from providers.app_store_connect import store_versions, wire
from providers.app_store_connect.client import AppStoreConnect
from tests.providers.apple import START, Apple
from tests.providers.json_values import ANY_JSON, places, replaced

SHOP = App("acme-apple", "1", "Shop", "com.acme.shop")
VERSION: dict[str, Any] = {
    "data": {
        "type": "appStoreVersions",
        "id": "v1",
        "attributes": {
            "platform": "IOS",
            "versionString": "3.2.0",
            "appVersionState": "READY_FOR_DISTRIBUTION",
            "appStoreState": "READY_FOR_SALE",
            "createdDate": "2026-04-20T01:02:03-07:00",
        },
        "relationships": {
            "build": {"data": {"type": "builds", "id": "b1"}},
            "appStoreVersionPhasedRelease": {"data": {"type": "appStoreVersionPhasedReleases", "id": "r1"}},
            "appStoreVersionLocalizations": {"data": [{"type": "appStoreVersionLocalizations", "id": "n1"}]},
        },
    },
    "included": [
        {"type": "builds", "id": "b1", "attributes": {"version": "418", "minOsVersion": "16.0"}},
        {
            "type": "appStoreVersionPhasedReleases",
            "id": "r1",
            "attributes": {"phasedReleaseState": "ACTIVE", "currentDayNumber": 3},
        },
        {"type": "appStoreVersionLocalizations", "id": "n1", "attributes": {"locale": "de-DE", "whatsNew": "Neue Kasse"}},
    ],
}


def reading_of(new: str | None = "READY_FOR_DISTRIBUTION", old: str | None = None, **phased: Any) -> store_versions.Reading:
    document = replaced(VERSION, ("data", "attributes", "appVersionState"), new)
    document = replaced(document, ("data", "attributes", "appStoreState"), old)
    document = replaced(document, ("included", 1, "attributes"), phased)
    return store_versions.read_store_version(document, SHOP, "reread build")


def test_a_version_with_everything_included() -> None:
    assert store_versions.read_store_version(VERSION, SHOP, "reread build").version == Build(
        account="acme-apple",
        app_id="1",
        id="v1",
        version="3.2.0",
        platform=Platform.IOS,
        track="App Store",
        state=BuildState.LIVE,
        handover=Handover.PAGE,
        number="418",
        uploaded_at=datetime(2026, 4, 20, 8, 2, 3, tzinfo=UTC),
        notes="Neue Kasse",
        detail="phased release day 3 of 7",
        bundle_id="com.acme.shop",
        min_os="16.0",
    )


@pytest.mark.parametrize(
    ("new", "old", "state", "detail"),
    [
        ("PREPARE_FOR_SUBMISSION", None, BuildState.OTHER, "prepare for submission"),
        ("READY_FOR_REVIEW", None, BuildState.OTHER, "ready for review"),
        ("WAITING_FOR_REVIEW", "WAITING_FOR_REVIEW", BuildState.IN_REVIEW, "waiting for review"),
        ("WAITING_FOR_EXPORT_COMPLIANCE", None, BuildState.IN_REVIEW, "waiting for export compliance"),
        ("IN_REVIEW", "IN_REVIEW", BuildState.IN_REVIEW, None),
        ("ACCEPTED", None, BuildState.APPROVED, "accepted"),
        ("PENDING_DEVELOPER_RELEASE", None, BuildState.APPROVED, "pending developer release"),
        ("PENDING_APPLE_RELEASE", None, BuildState.APPROVED, "pending apple release"),
        ("PROCESSING_FOR_DISTRIBUTION", "PROCESSING_FOR_APP_STORE", BuildState.APPROVED, "processing for distribution"),
        ("READY_FOR_DISTRIBUTION", "READY_FOR_SALE", BuildState.LIVE, None),
        ("REJECTED", None, BuildState.REJECTED, None),
        ("METADATA_REJECTED", None, BuildState.REJECTED, "metadata rejected"),
        ("DEVELOPER_REJECTED", None, BuildState.REJECTED, "developer rejected"),
        ("INVALID_BINARY", None, BuildState.FAILED, "invalid binary"),
        ("REPLACED_WITH_NEW_VERSION", None, BuildState.EXPIRED, "replaced with new version"),
        # Only the deprecated field has these words.
        ("PENDING_DEVELOPER_RELEASE", "PENDING_CONTRACT", BuildState.OTHER, "pending contract"),
        ("READY_FOR_DISTRIBUTION", "DEVELOPER_REMOVED_FROM_SALE", BuildState.EXPIRED, "developer removed from sale"),
        ("READY_FOR_DISTRIBUTION", "REMOVED_FROM_SALE", BuildState.EXPIRED, "removed from sale"),
        ("READY_FOR_DISTRIBUTION", "PREORDER_READY_FOR_SALE", BuildState.LIVE, "preorder ready for sale"),
        # An older answer has the deprecated field alone.
        (None, "READY_FOR_SALE", BuildState.LIVE, None),
        (None, "PROCESSING_FOR_APP_STORE", BuildState.APPROVED, "processing for app store"),
        (None, "NOT_APPLICABLE", BuildState.OTHER, "not applicable"),
        ("SENT_TO_THE_MOON", "READY_FOR_SALE", BuildState.OTHER, "sent to the moon"),
        (None, None, BuildState.OTHER, None),
    ],
)
def test_states(new: str | None, old: str | None, state: BuildState, detail: str | None) -> None:
    version = reading_of(new, old).version
    assert (version.state, version.detail) == (state, detail)
    assert version.handover is (Handover.PAGE if state is BuildState.LIVE else Handover.NONE)


@pytest.mark.parametrize(
    ("phased", "detail", "is_final"),
    [
        ({"phasedReleaseState": "ACTIVE", "currentDayNumber": 1}, "phased release day 1 of 7", False),
        ({"phasedReleaseState": "ACTIVE"}, "phased release", False),
        ({"phasedReleaseState": "PAUSED", "currentDayNumber": 4}, "phased release paused on day 4 of 7", False),
        ({"phasedReleaseState": "PAUSED"}, "phased release paused", False),
        ({"phasedReleaseState": "INACTIVE"}, None, False),
        ({"phasedReleaseState": "COMPLETE", "currentDayNumber": 7}, None, True),
        ({"phasedReleaseState": "BACKWARDS"}, None, False),
        ({}, None, True),
    ],
)
def test_phased_releases_in_words(phased: dict[str, Any], detail: str | None, is_final: bool) -> None:
    reading = reading_of(**phased)
    assert (reading.version.detail, reading.phase.is_final) == (detail, is_final)


def test_a_phase_is_told_of_live_versions_only() -> None:
    replaced_version = reading_of("REPLACED_WITH_NEW_VERSION", phasedReleaseState="ACTIVE", currentDayNumber=2).version
    assert replaced_version.detail == "replaced with new version"


LISTING: dict[str, Any] = {
    "data": [
        {
            "type": "apps",
            "id": "1",
            "attributes": {"name": "Shop", "bundleId": "com.acme.shop"},
            "relationships": {"appStoreVersions": {"data": [{"type": "appStoreVersions", "id": "v1"}]}},
        }
    ],
    "included": [VERSION["data"]],
}
NUMBERS: dict[str, Any] = {
    "data": [
        {
            "type": "builds",
            "id": "b1",
            "attributes": {"version": "418", "minOsVersion": "16.0"},
            "relationships": {"appStoreVersion": {"data": {"type": "appStoreVersions", "id": "v1"}}},
        },
        {"type": "builds", "id": "b2", "attributes": {"version": "419"}},
    ]
}


def test_versions_that_came_with_their_app() -> None:
    (listed,) = wire.read_apps(LISTING, "acme-apple", "list apps").items
    assert [(version.id, version.app_id, version.bundle_id) for version in listed.versions] == [("v1", "1", "com.acme.shop")]


def test_facts_of_the_builds_of_versions() -> None:
    facts = store_versions.BuildFacts("418", "16.0")
    assert store_versions.read_build_facts(NUMBERS, "acme-apple", "list numbers").items == (("v1", facts),)


def read_with_all(body: object) -> None:
    with suppress(Confused):
        wire.read_apps(body, "acme-apple", "any")
    with suppress(Confused):
        store_versions.read_build_facts(body, "acme-apple", "any")
    with suppress(Confused):
        store_versions.read_store_version(body, SHOP, "any")


@given(ANY_JSON)
def test_any_json_at_all_is_read_or_confusing(body: object) -> None:
    read_with_all(body)


@given(st.data(), ANY_JSON)
def test_documents_with_anything_in_any_place_are_read_or_confusing(data: st.DataObject, value: object) -> None:
    for document in (VERSION, LISTING, NUMBERS):
        read_with_all(replaced(document, data.draw(st.sampled_from(places(document))), value))


# --- The client -------------------------------------------------------------------------------


@pytest.fixture
def shop(apple: Apple) -> AppleApp:
    return apple.pretend.add_app("Shop", "com.acme.shop")


def add_version(
    apple: Apple, shop: AppleApp, version: str, state: str, build: AppleBuild | None = None, days: float = 10
) -> StoreVersion:
    created_at = START - timedelta(days=days)
    return apple.pretend.add_store_version(shop, version, state=state, build=build, created_at=created_at)


async def poll(client: AppStoreConnect, known: frozenset[str] = frozenset()) -> dict[str, Build]:
    """The App Store versions of one check, by version."""
    builds = await client.list_builds(await client.list_apps(), known)
    return {build.version: build for build in builds if build.track == "App Store"}


def facts(versions: dict[str, Build]) -> dict[str, tuple[str | None, BuildState, str | None]]:
    return {version: (build.number, build.state, build.detail) for version, build in versions.items()}


async def test_versions_and_builds_come_together_newest_first(apple: Apple, shop: AppleApp) -> None:
    old = apple.pretend.upload(shop, "3.1.0", "410", uploaded_at=START - timedelta(days=40))
    new = apple.pretend.upload(shop, "3.2.0", "418", uploaded_at=START - timedelta(days=9))
    add_version(apple, shop, "3.1.0", "REPLACED_WITH_NEW_VERSION", old, days=41)
    live = add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION", new, days=12)
    add_version(apple, shop, "3.3.0", "PREPARE_FOR_SUBMISSION", days=1)
    client = apple.client()
    builds = await client.list_builds(await client.list_apps())
    assert [(build.track, build.version, build.number) for build in builds] == [
        ("App Store", "3.3.0", None),
        ("TestFlight", "3.2.0", "418"),
        ("App Store", "3.2.0", "418"),
        ("TestFlight", "3.1.0", "410"),
        ("App Store", "3.1.0", "410"),
    ]
    (version,) = [build for build in builds if build.id == live.id]
    assert (version.app_id, version.bundle_id, version.platform) == (shop.id, "com.acme.shop", Platform.IOS)


async def test_a_steady_poll_of_45_apps_with_versions_is_two_requests_and_one_about_uploads(apple: Apple) -> None:
    apple.add_apps(45, builds_each=12)
    for build in list(apple.pretend.builds.values()):
        state = "READY_FOR_DISTRIBUTION" if build.number == "12" else "REPLACED_WITH_NEW_VERSION"
        apple.pretend.add_store_version(
            build.app, f"1.{build.number}", state=state, build=build, created_at=START - timedelta(99)
        )
    client = apple.client()
    builds = await client.list_builds(await client.list_apps())
    assert len(builds) == 45 * 24
    assert apple.paths == ["/v1/apps", *["/v1/builds"] * 3]
    apple.pretend.requests.clear()
    again = await client.list_builds(await client.list_apps(), frozenset(build.id for build in builds))
    assert [path.rpartition("/")[2] for path in apple.paths] == ["apps", "builds", "buildUploads"]
    assert {build for build in again if build.track == "App Store"} == {build for build in builds if build.track == "App Store"}


async def test_a_poll_of_45_apps_never_takes_more_than_three_requests(apple: Apple) -> None:
    """Also in a new process, with phased releases under way, until there is nothing left to ask."""
    apple.add_apps(45, builds_each=4)
    for build in list(apple.pretend.builds.values()):
        is_newest, app = build.number == "4", int(build.app.name[-3:])
        state, made_at = "READY_FOR_DISTRIBUTION" if is_newest else "REPLACED_WITH_NEW_VERSION", START - timedelta(9 * app)
        version = apple.pretend.add_store_version(build.app, f"1.{build.number}", state=state, build=build, created_at=made_at)
        if is_newest and app < 3:
            apple.pretend.set_phase(version, day=2)
    first = apple.client()
    truth = {build.id: build for build in await first.list_builds(await first.list_apps())}
    client, known = apple.client(), frozenset(truth)
    requests = []
    for _ in range(2 + 11 + 45):  # numbers, young versions, each app's failed uploads, and nothing
        apple.pretend.requests.clear()
        seen = await client.list_builds(await client.list_apps(), known)
        requests.append(len(apple.pretend.requests))
        assert [build.number for build in seen] == [truth[build.id].number for build in seen]
    assert max(requests) == 3
    assert requests[-1] == 2
    assert len([build for build in seen if build.detail == "phased release day 2 of 7"]) == 3
    assert len([build for build in seen if build.track == "App Store"]) == 45 * 4


async def test_a_poll_that_reads_on_for_a_build_in_processing_asks_for_more_at_times_only(apple: Apple, shop: AppleApp) -> None:
    for age in range(300):
        apple.pretend.upload(shop, f"1.{age}", str(age), uploaded_at=START - timedelta(days=age / 10))
    apple.pretend.set_phase(add_version(apple, shop, "2.0", "READY_FOR_DISTRIBUTION"), day=4)
    first = apple.client()
    known = frozenset(build.id for build in await first.list_builds(await first.list_apps()))
    apple.pretend.upload(shop, "2.1", "301", processed=False)
    client = apple.client()
    requests = []
    for _ in range(13):
        apple.pretend.requests.clear()
        seen = await client.list_builds(await client.list_apps(), known)
        requests.append(len(apple.pretend.requests))
        apple.clock.now += timedelta(minutes=5)
    assert requests == [3, 3, 3, 3, 3, 3, 4, 3, 3, 3, 3, 3, 4]
    assert "phased release day 4 of 7" in {build.detail for build in seen}


async def test_versions_that_were_not_listed_just_before_are_asked_for(apple: Apple, shop: AppleApp) -> None:
    add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION", days=99)
    till = apple.pretend.add_app("Till", "com.acme.till")
    client = apple.client()
    apps = await client.list_apps()
    await client.list_builds(apps)
    apple.pretend.store_versions.clear()
    add_version(apple, shop, "3.3.0", "IN_REVIEW")
    add_version(apple, till, "1.0", "IN_REVIEW")
    apple.pretend.requests.clear()
    builds = await client.list_builds([app for app in apps if app.id == shop.id])
    assert [build.version for build in builds] == ["3.3.0"]
    assert apple.paths[:2] == ["/v1/builds", "/v1/apps"]


async def test_two_checks_at_once_do_not_take_each_others_versions(apple: Apple, shop: AppleApp) -> None:
    add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION", days=99)
    client = apple.client()
    apps = await client.list_apps()
    await client.list_apps()
    for _ in range(2):
        assert [build.version for build in await client.list_builds(apps)] == ["3.2.0"]


async def test_an_app_with_more_versions_than_come_along(apple: Apple, shop: AppleApp) -> None:
    for age in range(60):
        build = apple.pretend.upload(shop, f"1.{age}", str(age), uploaded_at=START - timedelta(days=age))
        add_version(apple, shop, f"1.{age}", "REPLACED_WITH_NEW_VERSION", build, days=age)
    assert len(await poll(apple.client())) == 60


async def test_states_move_as_people_move_them(apple: Apple, shop: AppleApp) -> None:
    build = apple.pretend.upload(shop, "3.2.0", "418")
    made = add_version(apple, shop, "3.2.0", "WAITING_FOR_REVIEW", build)
    client = apple.client()
    assert facts(await poll(client)) == {"3.2.0": ("418", BuildState.IN_REVIEW, "waiting for review")}
    apple.pretend.set_version_state(made, "PENDING_DEVELOPER_RELEASE", old_word="PENDING_CONTRACT")
    assert facts(await poll(client)) == {"3.2.0": ("418", BuildState.OTHER, "pending contract")}
    apple.pretend.set_version_state(made, "READY_FOR_DISTRIBUTION")
    assert facts(await poll(client)) == {"3.2.0": ("418", BuildState.LIVE, None)}


async def test_a_phased_release_moves_once_a_day(apple: Apple, shop: AppleApp) -> None:
    made = add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION")
    apple.pretend.set_phase(made, day=1)
    client = apple.client()
    await poll(client)  # the number of its build is asked for first
    assert (await poll(client))["3.2.0"].detail == "phased release day 1 of 7"
    apple.pretend.set_phase(made, day=2)
    apple.pretend.requests.clear()
    assert (await poll(client))["3.2.0"].detail == "phased release day 1 of 7"
    assert len(apple.paths) == 2
    apple.clock.now += timedelta(hours=6)
    assert (await poll(client))["3.2.0"].detail == "phased release day 2 of 7"
    apple.pretend.set_phase(made, "COMPLETE", day=7)
    apple.clock.now += timedelta(hours=6)
    assert (await poll(client))["3.2.0"].detail is None
    apple.clock.now += timedelta(hours=6)
    apple.pretend.requests.clear()
    await poll(client)
    assert len(apple.paths) == 2


async def test_release_notes_come_with_a_later_poll_and_again_with_another_state(apple: Apple, shop: AppleApp) -> None:
    build = apple.pretend.upload(shop, "3.2.0", "418")
    made = add_version(apple, shop, "3.2.0", "IN_REVIEW", build)
    made.notes = {"de-DE": "Neue Kasse", "en-US": "New checkout"}
    client = apple.client()
    assert (await poll(client))["3.2.0"].notes == "New checkout"
    made.notes = {"de-DE": "Neue Kasse"}
    assert (await poll(client))["3.2.0"].notes == "New checkout"
    apple.pretend.set_version_state(made, "READY_FOR_DISTRIBUTION")
    assert (await poll(client))["3.2.0"].notes == "Neue Kasse"
    assert (await client.reread_build((await poll(client))["3.2.0"])).notes == "Neue Kasse"


async def test_nothing_more_is_asked_of_versions_that_cannot_have_a_phase(apple: Apple, shop: AppleApp) -> None:
    build = apple.pretend.upload(shop, "3.2.0", "418")
    add_version(apple, shop, "3.1.0", "REPLACED_WITH_NEW_VERSION")
    add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION", build, days=91)
    add_version(apple, shop, "3.3.0", "IN_REVIEW")
    client = apple.client()
    for _ in range(2):  # numbers, then what the one in review has to say
        await poll(client)
    apple.pretend.requests.clear()
    await poll(client)
    assert apple.paths == ["/v1/apps", "/v1/builds"]


async def test_a_replaced_version_waits_until_its_number_is_known(apple: Apple, shop: AppleApp) -> None:
    """Else a restart would take the number away from what is stored."""
    many = [apple.pretend.upload(shop, f"1.{age}", str(age), uploaded_at=START - timedelta(days=age)) for age in range(250)]
    for build in many[210:]:
        add_version(apple, shop, build.version, "REPLACED_WITH_NEW_VERSION", build)
    first = apple.client()
    known = frozenset(build.id for build in await first.list_builds(await first.list_apps()))
    apple.pretend.misbehave("/v1/builds", Misbehaviour.WRONG_JSON, times=1, body='{"data": []}')
    apple.pretend.misbehave("/v1/builds", Misbehaviour.HTML_502, times=2)
    second = apple.client()
    assert await poll(second, known) == {}
    versions = await poll(second, known)
    assert {version: build.number for version, build in versions.items()} == {build.version: build.number for build in many[210:]}
    assert {build.min_os for build in versions.values()} == {"15.0"}


@pytest.mark.parametrize("path", ["^/v1/builds$", "^/v1/appStoreVersions/"])
async def test_a_key_that_may_not_ask_for_more_is_asked_once(apple: Apple, shop: AppleApp, path: str) -> None:
    made = add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION")
    apple.pretend.set_phase(made, day=1)
    client = apple.client()
    apps = await client.list_apps()
    if path == "^/v1/builds$":
        apple.pretend.misbehave(path, Misbehaviour.WRONG_JSON, times=1, body='{"data": []}')
        apple.pretend.misbehave(path, Misbehaviour.FORBIDDEN, times=1)
    else:
        apple.pretend.restrict_key(KeyProblem.ROLE_TOO_LOW, paths=path)
    for _ in range(3):
        assert [build.version for build in await client.list_builds(apps)] == ["3.2.0"]
    assert len([request for request in apple.pretend.requests if request.status == 403]) == 1


@pytest.mark.parametrize("kind", [Misbehaviour.HTML_502, Misbehaviour.WRONG_JSON, Misbehaviour.RATE_LIMITED])
async def test_a_phase_that_cannot_be_read_does_not_lose_the_listing(apple: Apple, shop: AppleApp, kind: Misbehaviour) -> None:
    made = add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION")
    apple.pretend.set_phase(made, day=1)
    client = apple.client()
    await poll(client)
    apple.pretend.misbehave("/v1/appStoreVersions", kind)
    assert facts(await poll(client)) == {"3.2.0": (None, BuildState.LIVE, None)}
    apple.pretend.behave()
    apple.clock.now += timedelta(minutes=5)
    assert (await poll(client))["3.2.0"].detail == "phased release day 1 of 7"


async def test_a_listing_that_cannot_be_read_is_no_empty_list(apple: Apple, shop: AppleApp) -> None:
    client = apple.client()
    apps = await client.list_apps()
    await client.list_builds(apps)
    apple.pretend.misbehave("/v1/apps", Misbehaviour.RATE_LIMITED, retry_after=3600)
    with pytest.raises(RateLimited):
        await client.list_builds(apps)


async def test_no_apps_any_more_is_an_answer(apple: Apple, shop: AppleApp) -> None:
    client = apple.client()
    assert len(await client.list_apps()) == 1
    apple.pretend.remove_app(shop)
    assert await client.list_apps() == []


async def test_a_version_is_read_again_with_its_number_and_phase(apple: Apple, shop: AppleApp) -> None:
    build = apple.pretend.upload(shop, "3.2.0", "418")
    made = add_version(apple, shop, "3.2.0", "IN_REVIEW", build)
    client = apple.client()
    version = (await poll(client))["3.2.0"]
    apple.pretend.set_version_state(made, "READY_FOR_DISTRIBUTION")
    apple.pretend.set_phase(made, "PAUSED", day=5)
    apple.pretend.requests.clear()
    again = await client.reread_build(version)
    assert (again.number, again.min_os) == ("418", "15.0")
    assert (again.state, again.detail) == (BuildState.LIVE, "phased release paused on day 5 of 7")
    assert (again.key, again.bundle_id, again.handover) == (version.key, "com.acme.shop", Handover.PAGE)
    assert apple.paths == [f"/v1/appStoreVersions/{made.id}"]
    apple.pretend.store_versions.clear()
    with pytest.raises(NotFound):
        await client.reread_build(version)


async def test_teams_share_nothing(apple: Apple, shop: AppleApp) -> None:
    other = Apple(apple.stack)
    other.url = await other.serve(other.pretend.app)
    theirs = other.pretend.add_app("Till", "com.other.till")
    add_version(apple, shop, "3.2.0", "READY_FOR_DISTRIBUTION")
    add_version(other, theirs, "1.0", "IN_REVIEW")
    ours, foreign = apple.client(), other.client()
    our_apps, foreign_apps = await ours.list_apps(), await foreign.list_apps()
    assert [build.version for build in await ours.list_builds(our_apps)] == ["3.2.0"]
    assert [build.version for build in await foreign.list_builds(foreign_apps)] == ["1.0"]
    assert {request.credential for request in other.pretend.requests} == {"team key"}
    assert {request.authorization for request in apple.pretend.requests}.isdisjoint(
        request.authorization for request in other.pretend.requests
    )


async def test_a_failed_build_says_why_without_a_request_more(apple: Apple, shop: AppleApp) -> None:
    build = apple.pretend.upload(shop, "3.2.0", "418", processed=False)
    apple.pretend.finish_processing(build, "INVALID", errors=[("90717", "Invalid App Store Icon."), ("90000", "And more.")])
    client = apple.client()
    (found,) = await client.list_builds(await client.list_apps())
    assert (found.state, found.detail) == (BuildState.FAILED, "Invalid App Store Icon. And more.")
    assert apple.paths == ["/v1/apps", "/v1/builds"]
    assert await client.reread_build(found) == found
