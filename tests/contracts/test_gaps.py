"""What a vendor keeps back is not gone: whole checks, into a real store."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import BuildState
from bot.domain.ports import ListsBuilds
from bot.sandbox.misbehaviour import Misbehaviour
from bot.services.sync import Sync
from bot.store import Database
from bot.workshop import NoJobs
from tests.contracts.conftest import MakeStage
from tests.contracts.contract import ACCOUNT, START, Clock, System
from tests.contracts.systems import SYSTEMS, AppleSystem
from tests.contracts.test_lists import fill, target_of
from tests.store.migrated import migrated_file

by_app = pytest.mark.parametrize("system", [s for s in SYSTEMS if s is not AppleSystem], ids=lambda system: system.name)
KINDS: dict[str, dict[str, Any]] = {
    "403": {"kind": Misbehaviour.FORBIDDEN},
    "404": {"kind": Misbehaviour.STATUS, "status": 404, "body": ""},
    "HTML with a 200": {"kind": Misbehaviour.HTML_200},
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    store = Database(migrated_file(tmp_path / "purser.db"))
    yield store
    await store.aclose()


async def syncing(store: Database, client: Any, clock: Clock) -> Sync:
    await store.write(lambda r: r.catalogue.register_account(ACCOUNT, client.provider))
    return Sync(store, {ACCOUNT: client}, (), NoJobs(), clock)


async def standing(store: Database) -> int:
    return len(await store.read(lambda r: r.catalogue.keys_of(ACCOUNT)))


@pytest.mark.parametrize("system", [s for s in SYSTEMS if ListsBuilds in s.pages], ids=lambda system: system.name)
async def test_what_stands_behind_a_page_that_repeats(stage: MakeStage, store: Database, system: type[System]) -> None:
    scene, count = stage(system), system.pages[ListsBuilds] * 3
    fill(scene, ListsBuilds, count)
    sync = await syncing(store, await scene.client(), scene.clock)
    await sync.account(ACCOUNT)
    kept: dict[str, bytes] = {}
    scene.doctored.doctor(target_of(system, ListsBuilds).path, lambda body: kept.setdefault("first", body))
    report = await sync.account(ACCOUNT, full=True)
    assert (report.failure, report.news, await standing(store)) == (None, 0, count)
    assert [error.reason for error in report.unread.values()] == ["endless_pages"]


@by_app
@pytest.mark.parametrize("kind", KINDS)
async def test_the_builds_of_an_app_that_cannot_be_read(
    stage: MakeStage, store: Database, system: type[System], kind: str
) -> None:
    """Those of another app go on, and the vendor is asked for them."""
    scene = stage(system)
    apps = [scene.system.add_app(name) for name in ("Shop", "Courier")]
    for app in apps:
        for number in range(3):
            scene.system.add_build(app, number, START - timedelta(hours=number))
    client = await scene.client()
    sync = await syncing(store, client, scene.clock)
    await sync.account(ACCOUNT)
    shop = next(app for app in await client.list_apps() if app.name == "Shop")
    scene.vendor.misbehave(f"/{shop.id}/", **KINDS[kind])
    scene.system.add_build(apps[1], 9, START)
    report = await sync.account(ACCOUNT, full=True)
    assert (report.failure, await standing(store)) == (None, 7)
    assert report.news in (1, 2)  # App47's newest build takes the place of the one before
    assert list(report.unread) == ([] if (system.name, kind) == ("app47", "404") else [shop.id])


async def test_old_builds_of_apple_change_in_polls_of_three_requests(stage: MakeStage, store: Database) -> None:
    """450 builds of 45 apps; the oldest two stand on the third page."""
    scene = stage(AppleSystem)
    apple: Any = scene.system.vendor
    apps = [scene.system.add_app(f"App {number:02}") for number in range(45)]
    uploads = [
        scene.system.add_build(app, age + 1, START - timedelta(hours=age, minutes=place))
        for place, app in enumerate(apps)
        for age in range(10)
    ]
    old = [uploads[-1], uploads[-11]]
    for build in old:
        apple.set_external_state(build, "WAITING_FOR_BETA_REVIEW")
    for app in apps[:3]:
        apple.set_phase(apple.add_store_version(app, "2.0", state="READY_FOR_DISTRIBUTION", created_at=START), day=2)
    sync = await syncing(store, await scene.client(), scene.clock)
    await sync.account(ACCOUNT)
    apple.set_external_state(old[0], "IN_BETA_TESTING")
    apple.expire(old[1])
    requests = []
    for _ in range(8):
        apple.requests.clear()
        await sync.account(ACCOUNT)
        requests.append(len(apple.requests))
        scene.clock.now += timedelta(minutes=5)
    builds = {
        b.id: b.state for b in (await store.read(lambda r: r.catalogue.builds_by_key(r.catalogue.keys_of(ACCOUNT)))).values()
    }
    assert [builds[build.id] for build in old] == [BuildState.APPROVED, BuildState.EXPIRED]
    assert max(requests) == 3
