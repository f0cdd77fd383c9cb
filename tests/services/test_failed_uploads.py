"""Uploads to App Store Connect that failed before they became builds: found, told once, kept, and in few requests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.domain.answers import Obstacle
from bot.domain.model import Alert, Build, BuildState, EventKind, Subscription
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors.apple.model import AppleApp, AppleBuild, KeyProblem
from bot.services.minting import Hindered, Vendors
from bot.services.sync import Sync, SyncReport
from bot.store import Database
from providers.app_store_connect.client import AppStoreConnect
from tests.providers.apple import START, Apple

from ..store.facts import deliveries_due
from .conftest import Deferred

ICON = [("90717", "Invalid App Store Icon."), ("90023", "Missing required icon file.")]
WHY = "Invalid App Store Icon. Missing required icon file."
UPLOADS = "/buildUploads$"


@dataclass
class Account:
    """A pretend account that was read once, an hour ago, and is read again through Apple's API."""

    apple: Apple
    store: Database
    client: AppStoreConnect
    shop: AppleApp

    async def check(self, *, full: bool = False, uploads: bool = False, anew: bool = False) -> SyncReport:
        """`anew`: by another process, which remembers nothing."""
        self.client = self.apple.client() if anew else self.client
        self.apple.pretend.requests.clear()
        sync = Sync(self.store, {"acme-apple": self.client}, (), Deferred(), self.apple.clock)
        report = await sync.account("acme-apple", full, uploads=uploads)
        self.apple.clock.now += timedelta(minutes=5)
        return report

    def fail(self, number: str = "420", app: AppleApp | None = None, **facts: timedelta) -> AppleBuild:
        age = facts.get("age", timedelta(0))
        return self.apple.pretend.fail_upload(app or self.shop, "3.3.0", number, ICON, uploaded_at=self.apple.clock() - age)

    async def stored(self) -> list[Build]:
        """The uploads that are not gone, by number."""
        ids = await self.store.read(lambda r: r.catalogue.keys_of("acme-apple"))
        builds = await self.store.read(lambda r: r.catalogue.builds_by_key(ids))
        return sorted((b for b in builds.values() if b.id.startswith("upload:")), key=lambda b: b.number or "")

    async def told(self) -> list[Alert]:
        """One for each channel and fact."""
        due = await self.store.read(lambda r: deliveries_due(r, self.apple.clock() + timedelta(days=99)))
        return [delivery.alert for delivery in due]

    @property
    def asked(self) -> Sequence[str]:
        return [path for path in self.apple.paths if path.endswith("/buildUploads")]


@pytest.fixture
async def account(store: Database) -> AsyncIterator[Account]:
    async with AsyncExitStack() as stack:
        apple = Apple(stack)
        apple.url = await apple.serve(apple.pretend.app)
        shop = apple.pretend.add_app("Shop", "com.acme.shop")
        apple.pretend.upload(shop, "3.2.0", "418", uploaded_at=START - timedelta(days=2))
        await store.write(lambda r: r.catalogue.register_account("acme-apple", "app_store_connect"))
        subscription = Subscription("s", "C1", frozenset({EventKind.NEW_BUILDS}), "U1", START)
        await store.write(lambda r: r.subscriptions.add(subscription))
        account = Account(apple, store, apple.client(), shop)
        await account.check(full=True)
        apple.clock.now += timedelta(hours=1)
        yield account


async def test_a_poll_finds_it_and_tells_it_once(account: Account) -> None:
    account.fail()
    assert (await account.check()).news == 1
    (build,) = await account.stored()
    assert (build.version, build.number, build.state, build.detail) == ("3.3.0", "420", BuildState.FAILED, WHY)
    assert (build.track, build.app_id, build.bundle_id) == ("TestFlight", account.shop.id, "com.acme.shop")
    (alert,) = await account.told()
    assert (alert.build_key, alert.facts) == (build.key, {"from": "processing", "to": "failed"})
    account.apple.clock.now += timedelta(hours=2)
    assert (await account.check()).news == 0
    assert account.asked


async def test_nothing_but_a_new_upload_helps(account: Account) -> None:
    account.fail()
    await account.check()
    (build,) = await account.stored()
    with pytest.raises(Hindered) as hindered:
        await Vendors({"acme-apple": account.client}, account.apple.clock).ask(build, direct=True)
    assert hindered.value.obstacle is Obstacle.FAILED
    assert await account.client.reread_build(build) == build


async def test_old_failures_are_shown_and_not_told(account: Account) -> None:
    account.fail(age=timedelta(days=3))
    assert (await account.check(full=True)).news == 0
    assert [build.number for build in await account.stored()] == ["420"]
    assert await account.told() == []


@pytest.mark.parametrize("anew", [False, True])
async def test_it_stays_for_as_long_as_apple_lists_it(account: Account, anew: bool) -> None:
    upload = account.fail()
    await account.check()
    for full in (False, True, False, True):
        assert (await account.check(full=full, anew=anew)).news == 0
        assert [build.number for build in await account.stored()] == ["420"]
    del account.apple.pretend.failed_uploads[upload.upload_id]
    await account.check(full=True, anew=anew)
    assert await account.stored() == []


async def test_uploads_that_are_builds_are_not_there_twice(account: Account) -> None:
    pretend = account.apple.pretend
    for number, processing in (("419", "VALID"), ("421", "INVALID")):
        build = pretend.upload(account.shop, "3.3.0", number, processed=False)
        pretend.finish_processing(build, processing, ICON)
    account.fail()
    report = await account.check(full=True)
    assert report.builds == 4  # 418, 419, 421, and the upload 420
    assert [build.number for build in await account.stored()] == ["420"]


async def test_a_webhook_has_all_apps_looked_at(account: Account) -> None:
    till = account.apple.pretend.add_app("Till", "com.acme.till")
    await account.check()
    account.fail()
    account.fail("7", till)
    assert (await account.check(uploads=True)).news == 2
    assert len(set(account.asked)) == 2
    assert [build.number for build in await account.stored()] == ["420", "7"]


async def test_each_app_has_its_turn_and_one_that_builds_comes_first(account: Account) -> None:
    for number in range(3):
        account.apple.pretend.add_app(f"App {number}", f"com.acme.app{number}")
    account.fail()
    await account.check()
    assert account.asked == [f"/v1/apps/{account.shop.id}/buildUploads"]
    turns = [*account.asked]
    for _ in range(3):
        await account.check()
        turns += account.asked
    assert sorted(turns) == sorted(f"/v1/apps/{app}/buildUploads" for app in account.apple.pretend.apps)
    await account.check()
    assert account.asked == []  # within the hour
    account.apple.clock.now += timedelta(hours=1)
    await account.check()
    assert account.asked == turns[:1]


async def test_the_first_reading_of_all_spares_the_requests(account: Account, store: Database) -> None:
    account.fail()
    await store.write(lambda r: r.catalogue.register_account("other", "app_store_connect"))
    other = Sync(store, {"other": account.apple.client()}, (), Deferred(), account.apple.clock)
    account.apple.pretend.requests.clear()
    await other.account("other", full=True)
    assert account.asked == []


async def test_what_is_in_processing_beyond_the_first_page_is_not_forgotten_over_it(account: Account) -> None:
    pretend = account.apple.pretend
    waiting = pretend.upload(account.shop, "3.3.0", "419", processed=False)
    for number in range(200):
        pretend.upload(account.shop, "3.4.0", str(number), uploaded_at=account.apple.clock() + timedelta(seconds=number))
    await account.check(full=True)
    pretend.finish_processing(waiting)
    told = 0
    for _ in range(3):
        told += (await account.check()).news
        assert len(account.apple.paths) <= 3
    assert told == 1


@pytest.mark.parametrize("kind", [Misbehaviour.HTML_502, Misbehaviour.WRONG_JSON, Misbehaviour.FORBIDDEN])
async def test_a_poll_is_not_lost_over_it(account: Account, kind: Misbehaviour) -> None:
    account.apple.pretend.misbehave(UPLOADS, kind)
    report = await account.check()
    assert (report.failure, report.unread) == (None, {})
    assert account.asked


@pytest.mark.parametrize(("kind", "reason"), [(Misbehaviour.HTML_502, "http_502"), (Misbehaviour.WRONG_JSON, "unexpected_shape")])
async def test_where_they_cannot_be_read_nothing_is_gone(account: Account, kind: Misbehaviour, reason: str) -> None:
    account.fail()
    await account.check()
    account.apple.pretend.misbehave(UPLOADS, kind, body='{"data": 1}')
    report = await account.check(full=True)
    assert [(id, error.reason) for id, error in report.unread.items()] == [(account.shop.id, reason)]
    assert [build.number for build in await account.stored()] == ["420"]


async def test_what_ails_them_all_is_not_asked_of_each(account: Account) -> None:
    for number in range(20):
        account.apple.pretend.add_app(f"App {number}", f"com.acme.app{number}")
    account.apple.pretend.misbehave(UPLOADS, Misbehaviour.HTML_502)
    assert len((await account.check(full=True)).unread) == 21
    assert len(account.asked) <= 8  # four at once, each tried twice


async def test_a_key_that_may_not_see_them_reads_the_rest(account: Account) -> None:
    account.fail()
    account.apple.pretend.restrict_key(KeyProblem.ROLE_TOO_LOW, paths=UPLOADS)
    report = await account.check(full=True)
    assert (report.failure, report.unread, report.builds) == (None, {}, 1)
