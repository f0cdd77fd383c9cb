from datetime import timedelta

import pytest

from bot.domain.answers import (
    BuildsAnswer,
    ChoiceAnswer,
    Denied,
    HeadsAnswer,
    NoSuchProduct,
    NothingMatches,
    ProductsAnswer,
)
from bot.domain.errors import UserMistake
from bot.domain.model import NOT_LISTED, App, Build, BuildState, Handover, Platform
from bot.services.access import Access, Rules
from bot.services.catalog import Catalog
from bot.services.reading import Account, Reader
from bot.services.sync import Sync
from bot.store import Database

from .conftest import NOON, Deferred, Everyone, Shelf, StoppedClock, make_build

ACCOUNTS = [
    Account("acme-apple", "app_store_connect", "App Store Connect"),
    Account("acme-applivery", "applivery", "Applivery"),
]
RESTRICTED = {"Payroll": ("C-hr",)}


@pytest.fixture
async def catalog(store: Database, apple: Shelf, applivery: Shelf, clock: StoppedClock) -> Catalog:
    """Shop on iOS (two versions on TestFlight) and Android; Payroll, restricted; Shop 2, a name with a number."""
    shop, android = apple.apps[0], applivery.apps[0]
    payroll, sequel = App("acme-apple", "2", "Payroll", "com.acme.payroll"), App("acme-apple", "3", "Shop 2", "com.acme.two")
    apple.apps += [payroll, sequel]
    apple.builds = [
        make_build(shop, "418", version="3.2.0"),
        make_build(shop, "411", version="3.1.9", uploaded_at=NOON - timedelta(days=3)),
        make_build(payroll, "7", version="1.0"),
        make_build(sequel, "1", version="0.1"),
    ]
    applivery.builds = [
        make_build(
            android,
            f"b{n}",
            number=str(500 + n),
            version="3.2.1",
            platform=Platform.ANDROID,
            track="App Distribution",
            handover=Handover.FILE,
            uploaded_at=NOON + timedelta(minutes=n),
        )
        for n in range(12)
    ]
    sync = Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), Deferred(), clock)
    await sync.account("acme-apple")
    await sync.account("acme-applivery")
    access = Access(Everyone(), Rules(channels=RESTRICTED))
    return Catalog(store, Reader(ACCOUNTS, clock, timedelta(minutes=10)), access)


def numbers(builds: tuple[Build, ...]) -> list[str | None]:
    return [build.number for build in builds]


async def test_without_words_every_product_with_its_newest_build(catalog: Catalog) -> None:
    answer = await catalog.ask("", "C1")
    assert isinstance(answer, ProductsAnswer)
    newest = {line.product.name: line.newest.number for line in answer.lines if line.newest}
    assert newest == {"Shop": "511", "Shop 2": "1"}


@pytest.mark.parametrize("words", ["shop", "SHOP", " Shop ", "s-h-o-p", "com.acme.shop"])
async def test_names_are_matched_forgivingly(catalog: Catalog, words: str) -> None:
    answer = await catalog.ask(words, "C1")
    assert isinstance(answer, HeadsAnswer)
    assert answer.product.name == "Shop"
    assert numbers(answer.builds) == ["511", "418"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("shop ios", ["418"]),
        ("iphone shop", ["418"]),
        ("shop android", ["511"]),
        ("shop testflight", ["418"]),
        ("shop track:test-flight", ["418"]),
        ("shop apple", ["418"]),
        ("applivery shop", ["511"]),
        ("shop distribution", ["511"]),
    ],
)
async def test_filters_stand_anywhere(catalog: Catalog, words: str, expected: list[str]) -> None:
    answer = await catalog.ask(words, "C1")
    assert isinstance(answer, HeadsAnswer)
    assert numbers(answer.builds) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("shop 3.1", ["411"]),
        ("shop v3.1.9", ["411"]),
        ("shop 411", ["411"]),
        ("shop 3.1.9 (411)", ["411"]),
        ("shop 3 ios", ["418", "411"]),
    ],
)
async def test_versions_and_numbers(catalog: Catalog, words: str, expected: list[str]) -> None:
    answer = await catalog.ask(words, "C1")
    assert isinstance(answer, BuildsAnswer)
    assert numbers(answer.page.builds) == expected


async def test_a_number_can_belong_to_the_name(catalog: Catalog) -> None:
    answer = await catalog.ask("shop 2", "C1")
    assert isinstance(answer, HeadsAnswer)
    assert answer.product.name == "Shop 2"


async def test_more_than_ten_are_paged(catalog: Catalog) -> None:
    first = await catalog.ask("shop android 3.2", "C1")
    second = await catalog.ask("shop android 3.2", "C1", offset=10)
    assert isinstance(first, BuildsAnswer)
    assert isinstance(second, BuildsAnswer)
    assert (first.page.total, len(first.page.builds), len(second.page.builds)) == (12, 10, 2)
    assert numbers(second.page.builds) == ["501", "500"]


@pytest.mark.parametrize("words", ["shpo", "shp", "shop please", "schop ios"])
async def test_a_near_miss_is_suggested(catalog: Catalog, words: str) -> None:
    answer = await catalog.ask(words, "C1")
    assert isinstance(answer, NoSuchProduct)
    assert "Shop" in {product.name for product in answer.near}


@pytest.mark.parametrize(
    ("words", "products"), [("ios 3.2", ["Shop"]), ("0.1", ["Shop 2"]), ("418", ["Shop"]), ("android 418", []), ("1.0", [])]
)
async def test_a_build_without_a_product_is_looked_for(catalog: Catalog, words: str, products: list[str]) -> None:
    """Payroll has a 1.0, and may not be shown here."""
    answer = await catalog.ask_download(words, "C1")
    assert isinstance(answer, NoSuchProduct)
    assert (answer.asked, [product.name for product in answer.near], answer.rest) == ("", products, words)


@pytest.mark.parametrize("words", ["shop ios android", "shop apple applivery"])
async def test_of_two_platforms_none_is_left_out_silently(catalog: Catalog, words: str) -> None:
    with pytest.raises(UserMistake, match="at a time"):
        await catalog.ask(words, "C1")


async def test_a_track_without_a_name_is_no_track(catalog: Catalog) -> None:
    answer = await catalog.ask("shop track:", "C1")
    assert isinstance(answer, NoSuchProduct)
    assert [product.name for product in answer.near][:1] == ["Shop"]


@pytest.mark.parametrize(
    "words", ["zzzzzz", "🛒", "x " * 2000, "a" * 4000, "\u202eshop\u202c", "<!channel>", "'; drop table builds;--"]
)
async def test_nonsense_is_no_product_and_no_crash(catalog: Catalog, words: str) -> None:
    assert isinstance(await catalog.ask(words, "C1"), NoSuchProduct | HeadsAnswer)


@pytest.mark.parametrize("words", ["shop ios 9.9", "shop ios distribution", "shop windows"])
async def test_a_known_product_without_such_a_build(catalog: Catalog, words: str) -> None:
    answer = await catalog.ask(words, "C1")
    assert isinstance(answer, NothingMatches)
    assert answer.product.name == "Shop"


async def test_a_restricted_product_is_shown_only_where_it_may(catalog: Catalog) -> None:
    elsewhere = await catalog.ask("payroll", "C1")
    assert isinstance(elsewhere, Denied)
    assert elsewhere.channels == ("C-hr",)
    assert isinstance(await catalog.ask("payroll", "C-hr"), HeadsAnswer)
    assert [product.name for product in await catalog.suggest("pay", "C1")] == []
    assert [product.name for product in await catalog.suggest("pay", "C-hr")] == ["Payroll"]


async def test_a_denied_name_is_not_suggested(catalog: Catalog) -> None:
    answer = await catalog.ask("payrol", "C1")
    assert isinstance(answer, NoSuchProduct)
    assert answer.near == ()


async def test_a_download_of_one_build_is_that_build(catalog: Catalog) -> None:
    answer = await catalog.ask_download("shop android 511", "C1")
    assert isinstance(answer, Build)
    assert answer.number == "511"
    assert isinstance(await catalog.ask_download("shop", "C1"), ChoiceAnswer)


async def test_an_expired_build_is_meant_only_when_there_is_no_other(
    catalog: Catalog, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    shop = apple.apps[0]
    apple.builds = [make_build(shop, number, state=BuildState.EXPIRED) for number in ("418", "411")]
    await Sync(store, {"acme-apple": apple}, (), Deferred(), clock).account("acme-apple")
    meant = await catalog.ask_download("shop", "C1")
    assert isinstance(meant, Build)
    assert meant.number == "511"
    expired = await catalog.ask_download("shop ios", "C1")
    assert isinstance(expired, Build)
    assert expired.number == "418"


async def test_behind_a_build_in_processing_stands_the_newest_that_can_be_had(
    catalog: Catalog, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    apple.builds = [make_build(apple.apps[0], "419", state=BuildState.PROCESSING, uploaded_at=NOON + timedelta(hours=1))]
    await Sync(store, {"acme-apple": apple}, (), Deferred(), clock).account("acme-apple")
    answer = await catalog.ask("shop ios", "C1")
    assert isinstance(answer, HeadsAnswer)
    assert numbers(answer.builds) == ["419", "418"]
    meant = await catalog.ask_download("shop ios", "C1")
    assert isinstance(meant, Build)
    assert meant.number == "418"


async def test_an_account_that_is_no_longer_configured_is_no_longer_shown(
    catalog: Catalog, store: Database, clock: StoppedClock
) -> None:
    fewer = Catalog(store, Reader(ACCOUNTS[1:], clock, timedelta(minutes=10)), Access(Everyone()))
    everything = await fewer.ask("", "C1")
    assert isinstance(everything, ProductsAnswer)
    assert [line.product.name for line in everything.lines] == ["Shop"]
    shop = await fewer.ask("shop", "C1")
    assert isinstance(shop, HeadsAnswer)
    assert numbers(shop.builds) == ["511"]
    page = await fewer.ask("shop 3.2", "C1")
    assert isinstance(page, BuildsAnswer)
    assert (page.page.total, {build.account for build in page.page.builds}) == (12, {"acme-applivery"})
    for gone in ("shop 418", "shop 3.1.9"):
        assert isinstance(await fewer.ask(gone, "C1"), NothingMatches)
        assert isinstance(await fewer.ask_download(gone, "C1"), NothingMatches)


async def test_an_answer_knows_its_age(catalog: Catalog, clock: StoppedClock) -> None:
    answer = await catalog.ask("shop", "C1")
    assert isinstance(answer, HeadsAnswer)
    assert (answer.freshness.checked_at, answer.freshness.stale) == (NOON, ())
    clock.advance(minutes=11)
    answer = await catalog.ask("shop", "C1")
    assert isinstance(answer, HeadsAnswer)
    assert answer.freshness.refreshing
    assert set(answer.freshness.stale) == {"acme-apple", "acme-applivery"}


async def test_an_app_that_is_listed_no_longer_is_not_offered_as_fresh(
    catalog: Catalog, store: Database, apple: Shelf, applivery: Shelf, clock: StoppedClock
) -> None:
    sync = Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), Deferred(), clock)
    shop = apple.apps.pop(0)
    clock.advance(minutes=5)
    await sync.account("acme-apple")
    clock.advance(minutes=5)
    for account in ("acme-apple", "acme-applivery"):
        await sync.account(account)
    answer = await catalog.ask("shop", "C1")
    assert isinstance(answer, HeadsAnswer)
    assert [(each.name, each.reason) for each in answer.freshness.troubles] == [("Shop", NOT_LISTED)]
    assert answer.freshness.checked_at == NOON + timedelta(minutes=5)
    apple.apps.append(shop)
    await sync.account("acme-apple")
    answer = await catalog.ask("shop", "C1")
    assert isinstance(answer, HeadsAnswer)
    assert (answer.freshness.troubles, answer.freshness.checked_at) == ((), clock())


async def test_who_asks_before_an_account_was_read_hears_that(
    store: Database, apple: Shelf, applivery: Shelf, clock: StoppedClock
) -> None:
    catalog = Catalog(store, Reader(ACCOUNTS, clock, timedelta(minutes=10)), Access(Everyone()))
    sync = Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), Deferred(), clock)
    answer = await catalog.ask("shop", "C1")
    assert isinstance(answer, NoSuchProduct)
    assert answer.unread == ("acme-apple", "acme-applivery")
    await sync.account("acme-apple")
    answer = await catalog.ask("zzz", "C1")
    assert isinstance(answer, NoSuchProduct)
    assert answer.unread == ("acme-applivery",)
