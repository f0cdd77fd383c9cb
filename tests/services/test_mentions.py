"""What a message mentions, and what only looks like it."""

from datetime import timedelta

import pytest

from bot.domain.answers import Denial
from bot.domain.model import App, Person, Platform, Product
from bot.domain.ports import BuildFilter
from bot.services.access import Access, Rules
from bot.services.mentions import LONGEST, Mentions, mentions
from bot.services.names import NameIndex
from bot.services.reading import Account, Reader
from bot.services.sync import Sync
from bot.store import Database

from .conftest import Deferred, Everyone, Shelf, StoppedClock, make_build

INDEX = NameIndex(
    [
        Product("1", "Shop", ("acme shop",), (App("a", "1", "Shop", "com.acme.shop"),)),
        Product("2", "Driver & Courier"),
        Product("3", "test"),
        Product("4", "ショップ"),
    ]
)


def said(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    """name, platform, version, number of everything certain or narrowed."""
    found = [each for each in mentions(text, INDEX) if each.is_certain or each.wanted != BuildFilter()]
    return [(m.product.name, m.wanted.platform, m.wanted.version, m.wanted.number) for m in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Shop 3.2.0 is out", [("Shop", None, "3.2.0", None)]),
        ("shop v3.2.0 (418) crashes.", [("Shop", None, "3.2.0", "418")]),
        ("3.2.0(418) of acme-shop", [("Shop", None, "3.2.0", "418")]),
        ("Shop-3.2.0.", [("Shop", None, "3.2.0", None)]),
        ("is Shop build 418 on iOS?", [("Shop", Platform.IOS, None, "418")]),
        ("SHOP 418", [("Shop", None, None, "418")]),
        ("Shop 3.1.0 and 3.2.0", [("Shop", None, "3.1.0", None), ("Shop", None, "3.2.0", None)]),
        ("Shop 3.2.0 on iOS and Android", [("Shop", None, "3.2.0", None)]),
        ("driver courier for Android", [("Driver & Courier", Platform.ANDROID, None, None)]),
        ("com.acme.shop is broken", [("Shop", None, None, None)]),
        ("Shop is broken", [("Shop", None, None, None)]),
        ("ショップ 1.0", [("ショップ", None, "1.0", None)]),
        ("shop", [("Shop", None, None, None)]),
        (
            "Shop 3.2.0, Driver & Courier 1.8.1",
            [("Shop", None, "3.2.0", None), ("Driver & Courier", None, "1.8.1", None)],
        ),
        ("Shop: see PR #4711, 12 people", [("Shop", None, None, None)]),
        ("I go to the shop to win 3 things, please test it on the web", []),
        ("workshop, shopping, contest", []),
        ("", []),
        ("((((#### .... ----", []),
    ],
)
def test_names_versions_and_numbers(text: str, expected: list[tuple[str, str | None, str | None, str | None]]) -> None:
    assert said(text) == expected


def test_a_very_long_message_is_read_in_no_time() -> None:
    assert mentions("shop and nothing else " * (LONGEST // 20), INDEX)
    assert mentions("9" * LONGEST + "(" * LONGEST, INDEX) == ()


@pytest.fixture
async def desk(store: Database, apple: Shelf, applivery: Shelf, clock: StoppedClock) -> Mentions:
    """Shop on iOS and Android; Payroll, for one channel."""
    payroll = App("acme-apple", "2", "Payroll", "com.acme.payroll")
    apple.apps.append(payroll)
    apple.builds = [
        make_build(apple.apps[0], "418", version="3.2.0"),
        make_build(apple.apps[0], "411", version="3.1.9", uploaded_at=clock() - timedelta(days=3)),
        make_build(payroll, "7", version="7.7.7"),
    ]
    applivery.builds = [make_build(applivery.apps[0], "500", version="3.2.1", platform=Platform.ANDROID)]
    sync = Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), Deferred(), clock)
    for account in ("acme-apple", "acme-applivery"):
        await sync.account(account)
    accounts = [Account("acme-apple", "app_store_connect", "Apple"), Account("acme-applivery", "applivery", "Applivery")]
    access = Access(Everyone(), Rules(channels={"Payroll": ("C-hr",)}))
    return Mentions(store, Reader(accounts, clock, timedelta(minutes=10)), access)


async def numbers(desk: Mentions, text: str, channel: str = "C1") -> list[str | None]:
    answer = await desk.find(text, channel, Person("U1"))
    return [build.number for found in answer.found for build in found.builds]


async def test_only_what_the_store_has_is_found(desk: Mentions) -> None:
    assert await numbers(desk, "Shop 3.2") == ["500", "418"] or await numbers(desk, "Shop 3.2") == ["418", "500"]
    assert await numbers(desk, "Shop 3.1.9") == ["411"]
    assert await numbers(desk, "the shop opens at 10.30 for 3 people") == []
    assert await numbers(desk, "shop android 3.2.1") == ["500"]
    assert await numbers(desk, "Shop crashes on iOS 17.2, works in 3.2.0") == ["418"]


async def test_a_certain_name_with_a_version_that_nobody_built_brings_the_newest(desk: Mentions) -> None:
    (found,) = (await desk.find("Shop 9.9.9", "C1")).found
    assert found.missed == BuildFilter(version="9.9.9")
    assert {build.number for build in found.builds} == {"418", "500"}


async def test_a_version_alone_is_looked_for_among_the_newest(desk: Mentions) -> None:
    assert await numbers(desk, "3.2.0 (418) is out") == ["418"]
    assert await numbers(desk, "build 500 is out") == ["500"]
    assert await numbers(desk, "3.2 is out, at iOS 3.2.0") == []


async def test_a_restricted_product_is_found_only_where_it_may_be(desk: Mentions) -> None:
    answer = await desk.find("Payroll 7.7.7", "C1", Person("U1"))
    assert answer.found == ()
    assert answer.denied is not None
    assert answer.denied.denial is Denial.CHANNEL
    assert await numbers(desk, "Payroll 7.7.7", "C-hr") == ["7"]
    silent = await desk.find("7.7.7", "C1", Person("U1"))
    assert (silent.found, silent.denied) == ((), None)
