"""What ends is told once at each threshold, to those who asked and to the owners."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.answers import DueDate
from bot.domain.errors import AgreementBlocked, ProviderError, Refused, Unreachable
from bot.domain.model import App, BuildState, Delivery, EventKind, Expiry, ExpiryKind, ExpiryNotice, Platform, Subscription
from bot.domain.ports import Repositories
from bot.services.access import Access, Rules
from bot.services.expiries import THRESHOLDS, Almanac, ExpiryWatch, is_due, threshold
from bot.services.status import StatusDesk
from bot.store import Database

from ..store.facts import deliveries_due
from .conftest import NOON, Deferred, Everyone, StoppedClock, make_build

ACCOUNT = "acme-apple"
SHOP, GAME = App(ACCOUNT, "1", "Shop", "com.acme.shop"), App(ACCOUNT, "2", "Game", "com.acme.game")
OWNER = "U0OWNER"


@dataclass
class Papers:
    """An account whose certificates and profiles are whatever the test puts there."""

    account: str = ACCOUNT
    provider: str = "app_store_connect"
    found: list[Expiry] = field(default_factory=list)
    failure: ProviderError | None = None

    async def list_expiries(self) -> Sequence[Expiry]:
        if self.failure:
            raise self.failure
        return tuple(self.found)

    def certificate(self, id: str, days: float, name: str = "Apple Distribution: Acme") -> Expiry:
        self.found.append(Expiry(ACCOUNT, ExpiryKind.CERTIFICATE, id, name, after(days)))
        return self.found[-1]

    async def aclose(self) -> None: ...


@dataclass
class House:
    """A store with an account, products Shop and Game, and the watch over both."""

    store: Database
    papers: Papers
    clock: StoppedClock
    jobs: Deferred
    rules: Rules = field(default_factory=Rules)
    owners: tuple[str, ...] = (OWNER,)
    dates: list[DueDate] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def almanac(self) -> Almanac:
        return Almanac([ACCOUNT], self.dates)

    @property
    def watch(self) -> ExpiryWatch:
        """A new one each time: whatever it knows is in the store."""
        access = Access(Everyone(), self.rules)
        return ExpiryWatch(self.store, {ACCOUNT: self.papers}, self.almanac, access, self.jobs, self.clock, self.owners)

    async def products(self) -> dict[str, str]:
        def work(r: Repositories) -> dict[str, str]:
            r.catalogue.register_account(ACCOUNT, "app_store_connect")
            ids = {app.name: r.catalogue.add_product(app.name).id for app in (SHOP, GAME)}
            for app in (SHOP, GAME):
                r.catalogue.save_app(app, ids[app.name], NOON)
            return ids

        return await self.store.write(work)

    async def built(self, app: App, id: str, days: float, **facts: object) -> None:
        build = make_build(app, id, expires_at=after(days), **facts)
        await self.store.write(lambda r: r.catalogue.save_builds([build], NOON))

    async def subscribe(self, channel: str, product: str | None = None, **facts: object) -> None:
        kinds = frozenset({EventKind.EXPIRIES})
        subscription = replace(Subscription(channel, channel, kinds, "U1", NOON, product), **facts)  # type: ignore[arg-type]
        await self.store.write(lambda r: r.subscriptions.add(subscription))

    async def told(self) -> dict[str, list[str]]:
        """What the digests since the last call say: channel -> names and days, in their order."""
        await self.watch.read(ACCOUNT)
        await self.watch.tell()
        due = await self.store.read(lambda r: deliveries_due(r, self.clock()))
        new = [delivery for delivery in due if delivery.id not in self.seen]
        self.seen |= {delivery.id for delivery in new}
        assert len({delivery.channel for delivery in new}) == len(new)
        return {delivery.channel: self._lines(delivery) for delivery in new}

    def _lines(self, delivery: Delivery) -> list[str]:
        facts, lines = delivery.alert.facts, []
        for place in range(min(int(facts["count"]), 20)):
            days = (datetime.fromisoformat(facts[f"{place}.ends"]).date() - self.clock().date()).days
            lines.append(f"{facts[f'{place}.name']} {days}")
        return lines


def after(days: float) -> datetime:
    return NOON + timedelta(days=days)


@pytest.fixture
async def house(store: Database, clock: StoppedClock, jobs: Deferred) -> House:
    return House(store, Papers(), clock, jobs)


@pytest.fixture
async def ids(house: House) -> dict[str, str]:
    return await house.products()


async def test_each_threshold_is_told_once(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", 40, "Acme")
    told = {}
    for day in range(50):
        for _ in range(3):
            if lines := (await house.told()).get(OWNER):
                told[day] = lines
            house.clock.advance(hours=1)
        house.clock.advance(hours=21)
    assert told == {40 - days: [f"Acme {days}"] for days in THRESHOLDS}


async def test_nobody_is_told_in_the_night(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", 5)
    told = []
    for hour in range(24):
        house.clock.now = datetime(2026, 5, 2, hour, 30, tzinfo=UTC)
        if await house.told():
            told.append(hour)
    assert told == [9]


async def test_one_digest_lists_everything_soonest_first(house: House, ids: dict[str, str]) -> None:
    for days in (29, 2, 31, 8):
        house.papers.certificate(f"C{days}", days, f"in {days}:")
    house.dates = [DueDate("Membership", after(5)), DueDate("Key", after(100))]
    await house.built(SHOP, "418", 6)
    assert await house.told() == {OWNER: ["in 2: 2", "Membership 5", "Shop 3.2.0 (418) 6", "in 8: 8", "in 29: 29"]}
    assert house.jobs.calls == [("deliver", "")]


async def test_after_days_of_silence_each_thing_is_told_once_with_what_is_left(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", 14, "Acme")
    assert await house.told() == {OWNER: ["Acme 14"]}
    house.clock.advance(days=12)
    assert await house.told() == {OWNER: ["Acme 2"]}
    house.clock.advance(days=5)
    assert await house.told() == {OWNER: ["Acme -3"]}
    house.clock.advance(days=1)
    assert await house.told() == {}


async def test_what_comes_to_light_after_the_digest_waits_for_the_next(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", 7, "first")
    assert await house.told() == {OWNER: ["first 7"]}
    house.papers.certificate("C2", 7, "second")
    house.clock.advance(hours=3)
    assert await house.told() == {}
    house.clock.advance(days=1)
    assert await house.told() == {OWNER: ["second 6"]}


async def test_what_was_renewed_starts_anew(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", 3, "Acme")
    assert await house.told() == {OWNER: ["Acme 3"]}
    house.papers.found.clear()
    house.papers.certificate("C1", 31, "Acme")
    house.clock.advance(days=1)
    assert await house.told() == {OWNER: ["Acme 30"]}


async def test_two_clocks_tell_once(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", 7, "Acme")
    await house.watch.read(ACCOUNT)
    digests = await asyncio.gather(*(house.watch.tell() for _ in range(5)))
    assert sorted(digests) == [0, 0, 0, 0, 1]
    assert await house.told() == {OWNER: ["Acme 7"]}


async def test_a_product_hears_of_its_builds_and_all_of_everything(house: House, ids: dict[str, str]) -> None:
    await house.subscribe("CALL")
    await house.subscribe("CSHOP", ids["Shop"])
    await house.subscribe("CGAME", ids["Game"])
    await house.subscribe("CMAC", ids["Shop"], platform=Platform.MACOS)
    await house.subscribe("CBUILDS", kinds=frozenset({EventKind.NEW_BUILDS}))
    await house.subscribe("CAPPLE", provider="app_store_connect")
    await house.subscribe("CELSEWHERE", provider="appcircle")
    house.papers.certificate("C1", 1, "Acme")
    house.dates = [DueDate("Membership", after(2))]
    await house.built(SHOP, "418", 3)
    shop = "Shop 3.2.0 (418) 3"
    everything = ["Acme 1", "Membership 2", shop]
    assert await house.told() == {OWNER: everything, "CALL": everything, "CAPPLE": ["Acme 1", shop], "CSHOP": [shop]}


async def test_a_product_that_is_kept_to_a_channel_is_not_told_elsewhere(house: House, ids: dict[str, str]) -> None:
    house.rules = Rules(channels={"Shop": ("CSHOP",)})
    for channel in ("CALL", "CSHOP"):
        await house.subscribe(channel)
    await house.built(SHOP, "418", 3)
    await house.built(GAME, "7", 3)
    told = await house.told()
    assert told["CALL"] == ["Game 3.2.0 (7) 3"]
    assert len(told["CSHOP"]) == len(told[OWNER]) == 2


async def test_a_product_for_a_user_group_is_told_to_no_channel(house: House, ids: dict[str, str]) -> None:
    house.rules = Rules(groups={"Shop": ("S0TESTERS",)})
    await house.subscribe("CALL")
    await house.built(SHOP, "418", 3)
    assert list(await house.told()) == [OWNER]


async def test_what_nobody_hears_is_told_when_somebody_listens(house: House, ids: dict[str, str]) -> None:
    house.owners = ()
    house.papers.certificate("C1", 7, "Acme")
    assert await house.told() == {}
    await house.subscribe("CALL")
    house.clock.advance(days=1)
    assert await house.told() == {"CALL": ["Acme 6"]}


async def test_a_build_that_was_replaced_is_not_told(house: House, ids: dict[str, str]) -> None:
    for age in range(80, 0, -1):
        await house.built(SHOP, str(age), 90 - age, uploaded_at=after(-age))
    await house.built(GAME, "7", 5)
    assert await house.told() == {OWNER: ["Game 3.2.0 (7) 5"]}


async def test_the_last_build_of_a_line_is_told_when_it_has_ended(house: House, ids: dict[str, str]) -> None:
    await house.built(SHOP, "418", 1)
    assert await house.told() == {OWNER: ["Shop 3.2.0 (418) 1"]}
    house.clock.advance(days=1)
    await house.built(SHOP, "418", 1, state=BuildState.EXPIRED)
    assert await house.told() == {OWNER: ["Shop 3.2.0 (418) 0"]}


async def test_old_stories_are_not_told_to_a_new_house(house: House, ids: dict[str, str]) -> None:
    house.papers.certificate("C1", -8, "old")
    house.papers.certificate("C2", -40, "older")
    await house.built(SHOP, "9", -20, state=BuildState.EXPIRED)
    house.dates = [DueDate("Membership", after(-300))]
    assert await house.told() == {}


async def test_of_a_hundred_things_twenty_are_written_down_and_all_count_as_told(house: House, ids: dict[str, str]) -> None:
    for place in range(100):
        house.papers.certificate(f"C{place}", 7, "x" * 10_000)
    assert len((await house.told())[OWNER]) == 20
    (delivery,) = await house.store.read(lambda r: deliveries_due(r, house.clock()))
    assert delivery.alert.facts["count"] == "100"
    assert max(map(len, delivery.alert.facts.values())) == 100
    house.clock.advance(days=1)
    assert await house.told() == {}


@pytest.mark.parametrize("error", [Unreachable, Refused, AgreementBlocked])
async def test_what_cannot_be_read_stays_as_it_was(house: House, ids: dict[str, str], error: type[ProviderError]) -> None:
    certificate = house.papers.certificate("C1", 40)
    assert await house.watch.read(ACCOUNT) == 1
    house.papers.failure = error("app_store_connect", ACCOUNT, "list expiries", "reason")
    assert await house.watch.read(ACCOUNT) is None
    assert await house.store.read(lambda r: r.expiries.all()) == [certificate]
    assert (("agreements", ACCOUNT) in house.jobs.calls) == (error is AgreementBlocked)


async def test_accounts_that_are_no_longer_configured_do_not_end(house: House, ids: dict[str, str]) -> None:
    gone = Expiry("acme-old", ExpiryKind.CERTIFICATE, "C1", "Old", after(3))

    def work(r: Repositories) -> None:
        r.catalogue.register_account("acme-old", "app_store_connect")
        r.expiries.replace_all("acme-old", [gone], NOON)

    await house.store.write(work)
    assert await house.told() == {}


async def test_the_list_shows_what_a_person_may_see(house: House, ids: dict[str, str]) -> None:
    house.rules = Rules(channels={"Shop": ("CSHOP",)})
    house.dates = [DueDate("Membership", after(500)), DueDate("Long over", after(-500))]
    house.papers.certificate("C1", -29, "lately")
    house.papers.certificate("C2", -31, "long ago")
    await house.built(SHOP, "418", 60)
    await house.watch.read(ACCOUNT)
    papers, titles = {ACCOUNT: house.papers}, {ACCOUNT: "App Store Connect"}
    desk = StatusDesk(house.store, papers, titles, house.almanac, Access(Everyone(), house.rules), house.clock)
    names = {channel: [expiry.name for expiry in (await desk.agreements(channel)).expiries] for channel in ("CSHOP", "CALL")}
    assert names["CSHOP"] == ["Long over", "lately", "Shop 3.2.0 (418)", "Membership"]
    assert names["CALL"] == ["Long over", "lately", "Membership"]


@pytest.mark.parametrize(
    ("days", "expected"), [(31, None), (30, 30), (15, 30), (14, 14), (8, 14), (7, 7), (3, 3), (2, 3), (1, 1), (0, 0), (-5, 0)]
)
def test_the_last_threshold_that_was_crossed(days: int, expected: int | None) -> None:
    assert threshold(days) == expected


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 60))
def test_however_the_days_go_by_a_thing_is_told_at_most_once_at_each_threshold(pauses: list[int], left: int) -> None:
    expiry, notice, now, told = Expiry(ACCOUNT, ExpiryKind.KEY, "K1", "Key", after(left)), None, NOON, []
    for pause in pauses:
        now += timedelta(days=pause)
        if is_due(expiry, notice, now):
            told.append(threshold((expiry.expires_at.date() - now.date()).days))
            notice = ExpiryNotice(ACCOUNT, ExpiryKind.KEY, "K1", expiry.expires_at, told[-1] or 0, now)
    assert told == sorted(set(told), key=lambda days: -(days or 0))
