"""Builds: saved as they were told, found as people ask."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from sqlalchemy import text

from bot.domain.model import PENDING_CONTRACT, App, Build, BuildState, Handover, Platform
from bot.domain.ports import BuildFilter, Repositories
from bot.store import Database

from .facts import APPLE, NOW, STORE, add_shop, android, connected, hours, ios

FULL = ios(
    "full",
    expires_at=NOW + timedelta(days=90),
    size=5_000_000_000,
    sha256="ab" * 32,
    notes="Faster <!channel> checkout",
    detail="WAITING_FOR_REVIEW",
    file_name="Shop.ipa",
    bundle_id="com.acme.shop",
    min_os="17.0",
    branch="release/3.2",
    commit="c0ffee",
    uploader="ci",
)
BARE = Build(STORE, "app-1", "bare", "", Platform.OTHER, "", BuildState.OTHER, Handover.NONE)


async def saved(store: Database, *builds: Build) -> str:
    """The id of the product under which they are saved."""

    def work(r: Repositories) -> str:
        product = add_shop(r)
        r.catalogue.save_builds(builds, NOW)
        return product.id

    return await store.write(work)


async def found(store: Database, product_id: str, wanted: BuildFilter) -> list[str]:
    page = await store.read(lambda r: r.catalogue.find_builds(product_id, wanted))
    assert page.total == len(page.builds)
    return [build.id for build in page.builds]


@pytest.mark.parametrize("build", [FULL, BARE], ids=["full", "bare"])
async def test_every_fact_comes_back(store: Database, build: Build) -> None:
    await saved(store, build)
    assert await store.read(lambda r: r.catalogue.builds_by_key([build.key, "gone"])) == {build.key: build}


async def test_notes_that_a_listing_leaves_out_stay(store: Database) -> None:
    await saved(store, ios("1", notes="Faster checkout"))
    await saved(store, live := ios("1", state=BuildState.LIVE))
    assert await store.read(lambda r: r.catalogue.builds_by_key([live.key])) == {live.key: replace(live, notes="Faster checkout")}
    await saved(store, better := ios("1", notes="Better"))
    assert await store.read(lambda r: r.catalogue.builds_by_key([live.key])) == {live.key: better}


async def test_other_time_zones_are_the_same_moment(store: Database) -> None:
    there = ios("1", uploaded_at=NOW.astimezone(timezone(timedelta(hours=5, minutes=30))))
    await saved(store, there)
    back = (await store.read(lambda r: r.catalogue.builds_by_key([there.key])))[there.key]
    assert back == there
    assert back.uploaded_at.utcoffset() == timedelta(0)


async def test_a_naive_time_is_refused(store: Database) -> None:
    with pytest.raises(Exception, match="aware"):
        await saved(store, ios("1", uploaded_at=NOW.replace(tzinfo=None)))


@pytest.mark.parametrize(
    ("told", "kept"),
    [("a\x00b", "ab"), ("half \ud83d of a pair", "half ? of a pair"), ("متجر 🛍️", "متجر 🛍️"), ("x" * 40_000, "x" * 40_000)],
    ids=["nul", "surrogate", "emoji", "long"],
)
async def test_any_text_of_a_vendor_can_be_kept_and_is_then_unchanged(store: Database, told: str, kept: str) -> None:
    build = ios("1", notes=told, version=told, track="T")
    await saved(store, build)
    before = await store.read(lambda r: r.catalogue.revision())
    await store.write(lambda r: r.catalogue.save_builds([build], NOW))
    back = (await store.read(lambda r: r.catalogue.builds_by_key([build.key])))[build.key]
    assert (back.notes, back.version) == (kept, kept)
    assert await store.read(lambda r: r.catalogue.revision()) == before


async def test_words_of_a_newer_version_are_read_as_other(store: Database, url: str) -> None:
    product_id = await saved(store, ios("1"))
    with connected(url) as connection:
        connection.execute(text("UPDATE builds SET platform = 'glasses', state = 'melted', handover = 'cassette'"))
    (build,) = await store.read(lambda r: r.catalogue.heads(product_id))
    assert (build.platform, build.state, build.handover) == (Platform.OTHER, BuildState.OTHER, Handover.NONE)


async def test_builds_of_an_app_that_was_never_saved_are_refused(store: Database) -> None:
    await saved(store)
    with pytest.raises(KeyError):
        await store.write(lambda r: r.catalogue.save_builds([ios("1", app_id="stranger")], NOW))


async def test_a_build_without_upload_time_stands_where_it_was_first_seen(store: Database) -> None:
    unknown = ios("unknown", uploaded_at=None)
    product_id = await saved(store, unknown, ios("before", uploaded_at=NOW - hours(1)), ios("after", uploaded_at=NOW + hours(1)))
    await store.write(lambda r: r.catalogue.save_builds([ios("unknown", uploaded_at=None, notes="new")], NOW + hours(9)))
    assert await found(store, product_id, BuildFilter()) == ["after", "unknown", "before"]
    await store.write(lambda r: r.catalogue.save_builds([ios("unknown", uploaded_at=NOW + hours(2))], NOW + hours(9)))
    assert await found(store, product_id, BuildFilter()) == ["unknown", "after", "before"]


async def test_builds_that_change_by_themselves_and_those_that_have_ended(store: Database) -> None:
    states = list(BuildState)
    await saved(store, *(ios(state.value, state=state) for state in states), android("elsewhere"))
    assert await store.read(lambda r: r.catalogue.known_build_ids(APPLE)) == {state.value for state in states}
    unsettled = await store.read(lambda r: r.catalogue.unsettled(APPLE))
    assert {build.id for build in unsettled} == {"processing", "in_review"}
    await saved(store, *(ios(f"end-{state}", state=state, expires_at=NOW + hours(1)) for state in states))
    assert await store.read(lambda r: r.catalogue.ended(APPLE, NOW)) == []
    ended = await store.read(lambda r: r.catalogue.ended(APPLE, NOW + hours(1)))
    assert {build.state for build in ended} == {state for state in states if state.ends}


async def test_tracks_are_those_of_builds(store: Database) -> None:
    await saved(store, ios("1"), ios("2"), android("3"), ios("4", track="App Store"))
    assert await store.read(lambda r: r.catalogue.tracks()) == ["App Store", "Enterprise store", "TestFlight"]


async def test_heads_are_the_newest_of_each_account_platform_and_track(store: Database) -> None:
    product_id = await saved(
        store,
        ios("old"),
        ios("new", uploaded_at=NOW + hours(1)),
        ios("mac", platform=Platform.MACOS, uploaded_at=NOW - hours(1)),
        ios("shop", track="App Store", uploaded_at=NOW - hours(2)),
        android("apk", uploaded_at=NOW + hours(2)),
        android("beta", track="Enterprise store (Beta)", uploaded_at=NOW - hours(3)),
    )
    heads = await store.read(lambda r: r.catalogue.heads(product_id))
    assert [build.id for build in heads] == ["apk", "new", "mac", "shop", "beta"]
    assert await store.read(lambda r: r.catalogue.heads("nothing")) == []


async def test_one_account_may_list_a_product_as_several_apps(store: Database) -> None:
    product_id = await saved(store, ios("1"))

    def second(r: Repositories) -> None:
        r.catalogue.save_app(App(APPLE, "app-2", "Shop iPad"), product_id, NOW)
        r.catalogue.save_builds([ios("2", app_id="app-2", uploaded_at=NOW + hours(1))], NOW)

    await store.write(second)
    assert [build.id for build in await store.read(lambda r: r.catalogue.heads(product_id))] == ["2"]


async def test_at_the_same_moment_the_higher_version_is_newer_then_the_higher_number(store: Database) -> None:
    product_id = await saved(
        store,
        ios("a", version="3.9", number="1"),
        ios("b", version="3.10-beta", number="9"),
        ios("c", version="3.10", number="9"),
        ios("d", version="3.10", number="10"),
        ios("e", version="3.10", number=None),
    )
    assert await found(store, product_id, BuildFilter()) == ["d", "c", "e", "b", "a"]
    assert [build.id for build in await store.read(lambda r: r.catalogue.heads(product_id))] == ["d"]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("3.2", {"3.2", "3.2.0", "3.2.1", "3.2-beta.1", "3.2 (418)"}),
        ("3.2.0", {"3.2.0"}),
        ("3", {"3.2", "3.2.0", "3.2.1", "3.2-beta.1", "3.2 (418)", "3.21", "3.10_50%"}),
        ("3.2-BETA", {"3.2-beta.1"}),
        ("3.2%", {"3.2", "3.2.0", "3.2.1", "3.2-beta.1", "3.2 (418)"}),
        ("%", set()),
        ("3.1_", set()),
        ("", {""}),
        ("🚀", {"🚀"}),
        ("4", set()),
    ],
)
async def test_a_version_also_means_what_is_below_it(store: Database, asked: str, ids: set[str]) -> None:
    versions = ("3.2", "3.2.0", "3.2.1", "3.2-beta.1", "3.2 (418)", "3.21", "3.10_50%", "13.2", "2.3.2", "", "🚀")
    product_id = await saved(store, *(ios(version, version=version) for version in versions))
    assert set(await found(store, product_id, BuildFilter(version=asked))) == ids


async def test_filters_narrow_together(store: Database) -> None:
    product_id = await saved(
        store,
        ios("1"),
        ios("2", number="4180"),
        ios("3", track="App Store"),
        ios("4", platform=Platform.MACOS),
        android("5"),
        android("6", version="3.3"),
    )
    assert await found(store, product_id, BuildFilter(number="418", platform=Platform.IOS, track="testflight")) == ["1"]
    assert set(await found(store, product_id, BuildFilter(provider="appcircle"))) == {"5", "6"}
    assert await found(store, product_id, BuildFilter(provider="appcircle", version="3.2")) == ["5"]
    assert await found(store, product_id, BuildFilter(provider="akana")) == []
    assert await found(store, product_id, BuildFilter(provider="appcircle", accounts=frozenset())) == []
    assert await found(store, "nothing", BuildFilter()) == []


async def test_pages_follow_each_other_without_gap_or_repeat(store: Database) -> None:
    product_id = await saved(store, *(ios(str(n)) for n in range(23)))
    pages = [
        await store.read(lambda r, offset=offset: r.catalogue.find_builds(product_id, BuildFilter(), offset, 10))
        for offset in (0, 10, 20, 30)
    ]
    assert [len(page.builds) for page in pages] == [10, 10, 3, 0]
    assert {page.total for page in pages} == {23}
    assert len({build.id for page in pages for build in page.builds}) == 23


async def test_a_build_that_is_gone_is_only_found_by_its_key_until_it_is_seen_again(store: Database) -> None:
    gone = ios("2", uploaded_at=NOW + hours(1))
    product_id = await saved(store, ios("1"), gone)
    await store.write(lambda r: r.catalogue.mark_gone([gone.key], NOW))
    assert await found(store, product_id, BuildFilter()) == ["1"]
    assert [build.id for build in await store.read(lambda r: r.catalogue.heads(product_id))] == ["1"]
    assert await store.read(lambda r: r.catalogue.known_build_ids(APPLE)) == {"1"}
    assert list(await store.read(lambda r: r.catalogue.builds_by_key([gone.key]))) == [gone.key]
    await store.write(lambda r: r.catalogue.save_builds([gone], NOW + hours(2)))
    assert await found(store, product_id, BuildFilter()) == ["2", "1"]


async def test_a_contract_is_awaited_until_the_build_says_otherwise_or_is_gone(store: Database) -> None:
    waiting, other = ios("1", detail=PENDING_CONTRACT), ios("2", detail="pending apple release")
    await saved(store, other)

    async def awaits() -> list[bool]:
        return [await store.read(lambda r, account=account: r.catalogue.awaits_contract(account)) for account in (APPLE, STORE)]

    assert await awaits() == [False, False]
    await store.write(lambda r: r.catalogue.save_builds([waiting], NOW))
    assert await awaits() == [True, False]
    await store.write(lambda r: r.catalogue.save_builds([ios("1")], NOW))
    assert await awaits() == [False, False]
    await store.write(lambda r: r.catalogue.save_builds([waiting], NOW))
    await store.write(lambda r: r.catalogue.mark_gone([waiting.key], NOW))
    assert await awaits() == [False, False]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (BuildFilter(version="3.2", is_exact=True), {"3.2"}),
        (BuildFilter(version="03.2", is_exact=True), {"3.2"}),
        (BuildFilter(version="3.2", is_exact=True, not_version="3.2"), set()),
        (BuildFilter(version="3.2", not_version="3.2.0"), {"3.2", "3.2-beta"}),
        (BuildFilter(not_version="3.2"), {"3.2.0", "3.2-beta", "3.10", ""}),
        (BuildFilter(not_number="418"), {"3.10", ""}),
    ],
)
async def test_versions_whole_and_left_out(store: Database, wanted: BuildFilter, ids: set[str]) -> None:
    builds = [ios(version, version=version) for version in ("3.2", "3.2.0", "3.2-beta")]
    others = ios("3.10", version="3.10", number="500"), ios("", version="", number=None)
    product_id = await saved(store, *builds, *others)
    assert set(await found(store, product_id, wanted)) == ids


@pytest.mark.parametrize(
    ("label", "near"),
    [
        ("3.2", ["3.2-beta", "3.2.0", "3.1", "3.10"]),
        ("9", ["3.10", "3.2.0", "3.2", "3.2-beta"]),
        ("0.1", ["3.1", "3.2-beta", "3.2", "3.2.0"]),
        ("3.10", ["3.2.0", "3.2", "3.2-beta", "3.1"]),
    ],
)
async def test_versions_next_to_another(store: Database, label: str, near: list[str]) -> None:
    versions = ["3.1", "3.2-beta", "3.2", "3.2.0", "3.10"]
    builds = [ios(f"{version} {copy}", version=version) for version in versions for copy in range(2)]
    gone = ios("gone", version="3.2.0.1")
    product_id = await saved(store, *builds, gone, android("elsewhere", version="3.2.9"))
    await store.write(lambda r: r.catalogue.mark_gone([gone.key], NOW))
    wanted = BuildFilter(platform=Platform.IOS, version="7")
    assert await store.read(lambda r: r.catalogue.near_versions(product_id, wanted, label, 4)) == near
    assert await store.read(lambda r: r.catalogue.near_versions(product_id, wanted, label, 2)) == near[:2]


async def test_builds_in_the_order_of_their_age(store: Database) -> None:
    late, unknown = ios("late", version="1.0", uploaded_at=NOW + hours(1)), ios("unknown", version="3.10", uploaded_at=None)
    same, early = ios("same", version="3.9", uploaded_at=NOW), ios("early", version="9.9", uploaded_at=NOW - hours(1))
    await saved(store, late, unknown, same, early)
    keys = [build.key for build in (early, same, unknown, late)]
    assert await store.read(lambda r: r.catalogue.oldest_first(reversed(keys))) == keys
    assert await store.read(lambda r: r.catalogue.oldest_first([])) == []
