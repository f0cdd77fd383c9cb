"""Which two builds a question means."""

from datetime import datetime, timedelta

import pytest

from bot.domain.answers import Denied, DiffAnswer, NoSuchProduct, NothingMatches, NothingToCompare
from bot.domain.errors import UserMistake
from bot.domain.model import App, Handover, Platform
from bot.services.access import Access, Rules
from bot.services.catalog import Catalog
from bot.services.diff import DiffDesk, DiffReply
from bot.services.reading import Account, Reader
from bot.services.sync import Sync
from bot.store import Database

from .conftest import NOON, Deferred, Everyone, Shelf, StoppedClock, make_build

ACCOUNTS = [
    Account("acme-apple", "app_store_connect", "App Store Connect"),
    Account("acme-applivery", "applivery", "Applivery"),
]
ANDROID = {"platform": Platform.ANDROID, "track": "App Distribution", "handover": Handover.FILE}


def on_day(day: int) -> datetime:
    return NOON + timedelta(days=day)


@pytest.fixture
async def desk(store: Database, apple: Shelf, applivery: Shelf, clock: StoppedClock) -> DiffDesk:
    """Shop: on iOS 3.0.0 to 3.2.0 and a late correction of 3.1, on the Mac 3.2.0 alone, on Android 3.1.0 and 3.2.0. Payroll is
    restricted, Route 66 has a number in its name."""
    shop, android = apple.apps[0], applivery.apps[0]
    payroll, route = App("acme-apple", "2", "Payroll", "com.acme.payroll"), App("acme-apple", "3", "Route 66", "com.acme.route")
    apple.apps += [payroll, route]
    apple.builds = [
        make_build(shop, "400", version="3.0.0", uploaded_at=on_day(0)),
        make_build(shop, "410", version="3.1.0", uploaded_at=on_day(1)),
        make_build(shop, "420", version="3.2.0", uploaded_at=on_day(2)),
        make_build(shop, "421", version="3.2.0", uploaded_at=on_day(3)),
        make_build(shop, "411", version="3.1.1", uploaded_at=on_day(4)),
        make_build(shop, "m420", number="420", version="3.2.0", platform=Platform.MACOS, uploaded_at=on_day(2)),
        make_build(payroll, "7", version="1.0"),
        make_build(payroll, "8", version="1.1"),
        make_build(route, "1", version="0.1", uploaded_at=None),
        make_build(route, "2", version="0.2", uploaded_at=None),
        make_build(route, "3", version="Spring", uploaded_at=None),
    ]
    applivery.builds = [
        make_build(android, "a", number="1410", version="3.1.0", uploaded_at=on_day(1), **ANDROID),
        make_build(android, "b", number="1420", version="3.2.0", uploaded_at=on_day(5), **ANDROID),
    ]
    sync = Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), Deferred(), clock)
    await sync.account("acme-apple")
    await sync.account("acme-applivery")
    return desk_of(store, clock, ACCOUNTS)


def desk_of(store: Database, clock: StoppedClock, accounts: list[Account]) -> DiffDesk:
    reader = Reader(accounts, clock, timedelta(days=9))
    access = Access(Everyone(), Rules(channels={"Payroll": ("C-hr",)}))
    return DiffDesk(store, reader, Catalog(store, reader, access), access)


def pairs(answer: DiffReply) -> dict[str, tuple[str | None, str | None]]:
    assert isinstance(answer, DiffAnswer)
    return {pair.older.platform.value: (pair.older.number, pair.newer.number) for pair in answer.pairs}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("shop 3.0.0 3.1.0", {"ios": ("400", "410")}),
        ("shop 3.2.0 3.1.0", {"ios": ("410", "421"), "android": ("1410", "1420")}),
        ("shop 3.1 3.2 ios", {"ios": ("421", "411")}),  # the correction came later
        ("3.1.0 android 3.2.0 shop", {"android": ("1410", "1420")}),
        ("shop applivery v3.1.0 3.2.0", {"android": ("1410", "1420")}),
        ("shop testflight 3.0 3.1.0", {"ios": ("400", "410")}),
        ("shop 420 421", {"ios": ("420", "421")}),
        ("shop 3.2.0 (420) 3.2.0 (421)", {"ios": ("420", "421")}),
        ("shop 3.1.0 #421", {"ios": ("410", "421")}),
        ("shop 3.1 3.1.1 ios", {"ios": ("410", "411")}),
        ("shop 3.1.1 3.1 ios", {"ios": ("410", "411")}),
        ("shop ios 3 3.2", {"ios": ("421", "411")}),
        ("shop 3.0.0 vs. 3.1.0", {"ios": ("400", "410")}),
        ("shop 3.0.0...3.1.0", {"ios": ("400", "410")}),
        ("shop 3.0.0, 3.1.0", {"ios": ("400", "410")}),
        ("shop 3.0.0 -> 3.1.0", {"ios": ("400", "410")}),
        ("route 66 0.1 and 0.2", {"ios": ("1", "2")}),
    ],
)
async def test_two_that_are_named(desk: DiffDesk, words: str, expected: dict[str, tuple[str, str]]) -> None:
    assert pairs(await desk.ask(words, "C1")) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("shop 3.0", {"ios": ("400", "411")}),
        ("shop 3.1.1", {"ios": ("421", "411")}),
        ("shop 3.2", {"ios": ("421", "411"), "android": ("1410", "1420")}),
        ("shop ios 420", {"ios": ("420", "411")}),
        ("shop ios 411", {"ios": ("421", "411")}),
        ("shop", {"ios": ("421", "411"), "android": ("1410", "1420")}),
        ("shop android", {"android": ("1410", "1420")}),
        ("route 66", {"ios": ("1", "2")}),
    ],
)
async def test_what_is_left_open_is_the_newest_other(desk: DiffDesk, words: str, expected: dict[str, tuple[str, str]]) -> None:
    assert pairs(await desk.ask(words, "C1")) == expected


async def test_platforms_with_one_of_them_are_told(desk: DiffDesk) -> None:
    answer = await desk.ask("shop 3.1.0 3.2.0", "C1")
    assert isinstance(answer, DiffAnswer)
    (lone,) = answer.lone
    assert (lone.build.platform, lone.build.number, lone.missing) == (Platform.MACOS, "420", answer.named[0])
    answer = await desk.ask("shop", "C1")
    assert isinstance(answer, DiffAnswer)
    assert [(each.build.platform, each.missing) for each in answer.lone] == [(Platform.MACOS, None)]
    answer = await desk.ask("shop 3.0.0", "C1")
    assert isinstance(answer, DiffAnswer)
    assert {(each.build.platform, each.missing) for each in answer.lone} == {
        (Platform.MACOS, answer.named[0]),
        (Platform.ANDROID, answer.named[0]),
    }


@pytest.mark.parametrize(
    ("words", "missing", "near", "rest"),
    [
        ("shop ios 9.9 3.1.0", ["9.9"], ("3.2.0", "3.1.1", "3.0.0"), "ios 3.1.0"),
        ("shop ios 3.1.0 (410) 3.1.5", ["3.1.5"], ("3.1.1", "3.2.0", "3.0.0"), "ios 3.1.0 (410)"),
        ("shop 0.1", ["0.1"], ("3.0.0", "3.1.0", "3.1.1"), ""),
        ("shop android 8.8 9.9", ["8.8", "9.9"], ("3.2.0", "3.1.0"), "android 9.9"),
        ("shop ios 9.9 9.9", ["9.9"], ("3.2.0", "3.1.1", "3.1.0"), "ios 9.9"),
        ("shop applivery 420", ["420"], ("3.2.0", "3.1.0"), "applivery"),
        ("route 66 0.3", ["0.3"], ("0.2", "0.1"), ""),  # "Spring" cannot be asked for
    ],
)
async def test_what_does_not_exist_has_neighbours(
    desk: DiffDesk, words: str, missing: list[str], near: tuple[str, ...], rest: str
) -> None:
    answer = await desk.ask(words, "C1")
    assert isinstance(answer, NothingToCompare)
    assert [each.version or each.number for each in answer.missing] == missing
    assert (answer.near, answer.rest) == (near, rest)
    assert answer.lone == ()


@pytest.mark.parametrize(
    ("words", "near"),
    [("shop ios 3.2 3.2.0", ("3.1.1", "3.1.0", "3.0.0")), ("shop ios 411 3.1.1", ("3.1.0", "3.2.0", "3.0.0"))],
)
async def test_the_same_build_twice(desk: DiffDesk, words: str, near: tuple[str, ...]) -> None:
    answer = await desk.ask(words, "C1")
    assert isinstance(answer, NothingToCompare)
    assert answer.missing == ()
    assert [each.missing for each in answer.lone] == [None]
    assert set(answer.near) <= set(near)


async def test_the_same_words_twice_are_not_taken_for_two_versions(desk: DiffDesk) -> None:
    assert isinstance(await desk.ask("shop ios 3.1 3.1", "C1"), NothingToCompare)


async def test_builds_of_different_platforms_are_not_compared(desk: DiffDesk) -> None:
    answer = await desk.ask("shop 410 1410", "C1")
    assert isinstance(answer, NothingToCompare)
    assert {(each.build.platform, each.missing) for each in answer.lone} == {
        (Platform.IOS, answer.named[1]),
        (Platform.ANDROID, answer.named[0]),
    }
    assert answer.near == ()


async def test_one_version_alone(desk: DiffDesk) -> None:
    answer = await desk.ask("shop macos", "C1")
    assert isinstance(answer, NothingToCompare)
    assert ([each.build.number for each in answer.lone], answer.near) == (["420"], ())


async def test_filters_that_nothing_fits(desk: DiffDesk) -> None:
    answer = await desk.ask("shop windows 3.1 3.2", "C1")
    assert isinstance(answer, NothingMatches)
    assert (answer.wanted.platform, answer.wanted.version) == (Platform.WINDOWS, None)


async def test_more_than_two_are_refused(desk: DiffDesk) -> None:
    with pytest.raises(UserMistake, match="two versions at a time"):
        await desk.ask("shop 3.0 3.1 3.2", "C1")


async def test_names_are_forgiven_and_what_is_restricted_stays_so(desk: DiffDesk) -> None:
    near = await desk.ask("shpo ios 3.1 3.2", "C1")
    assert isinstance(near, NoSuchProduct)
    assert ([product.name for product in near.near], near.command, near.rest) == (["Shop"], "diff", "ios 3.1 3.2")
    unsaid = await desk.ask("3.1 3.2", "C1")
    assert isinstance(unsaid, NoSuchProduct)
    assert [product.name for product in unsaid.near] == ["Route 66", "Shop"]
    assert isinstance(await desk.ask("payroll", "C1"), Denied)
    assert pairs(await desk.ask("payroll", "C-hr")) == {"ios": ("7", "8")}


async def test_builds_of_an_account_that_is_no_longer_configured_are_not_meant(
    desk: DiffDesk, store: Database, clock: StoppedClock
) -> None:
    fewer = desk_of(store, clock, ACCOUNTS[1:])
    assert pairs(await fewer.ask("shop", "C1")) == {"android": ("1410", "1420")}
    missing = await fewer.ask("shop 3.0.0 3.1.0", "C1")
    assert isinstance(missing, NothingToCompare)
    assert missing.near == ("3.2.0",)


async def test_an_answer_knows_its_age(desk: DiffDesk, clock: StoppedClock) -> None:
    clock.advance(days=10)
    answer = await desk.ask("shop", "C1")
    assert isinstance(answer, DiffAnswer)
    assert set(answer.freshness.stale) == {"acme-apple", "acme-applivery"}
