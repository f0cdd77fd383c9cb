"""What channels hear about."""

from dataclasses import replace

from sqlalchemy import text

from bot.domain.model import EventKind, Platform, Subscription
from bot.domain.ports import Repositories
from bot.store import Database

from .facts import NOW, add_shop, connected, hours

ALL = Subscription("s1", "C1", frozenset({EventKind.AGREEMENTS}), "U1", NOW)


async def test_a_subscription_comes_back_as_it_was_given(store: Database) -> None:
    def work(r: Repositories) -> Subscription:
        narrow = replace(
            ALL,
            id="s2",
            created_at=NOW + hours(1),
            kinds=frozenset(EventKind),
            product_id=add_shop(r).id,
            platform=Platform.IOS,
            track="testflight",
            provider="app_store_connect",
        )
        assert r.subscriptions.add(narrow)
        assert r.subscriptions.add(ALL)
        return narrow

    narrow = await store.write(work)
    assert await store.read(lambda r: r.subscriptions.all()) == [ALL, narrow]
    assert await store.read(lambda r: r.subscriptions.of_channel("C1")) == [ALL, narrow]
    assert await store.read(lambda r: r.subscriptions.of_channel("C2")) == []


async def test_the_same_again_adds_its_kinds_to_the_first(store: Database) -> None:
    again = replace(ALL, id="s2", kinds=frozenset({EventKind.NEW_BUILDS}), created_by="U2")
    assert await store.write(lambda r: r.subscriptions.add(ALL))
    assert not await store.write(lambda r: r.subscriptions.add(again))
    both = replace(ALL, kinds=frozenset({EventKind.AGREEMENTS, EventKind.NEW_BUILDS}))
    assert await store.read(lambda r: r.subscriptions.all()) == [both]


async def test_another_filter_or_channel_is_another_subscription(store: Database) -> None:
    others = [replace(ALL, id="s2", track="beta"), replace(ALL, id="s3", provider="beta"), replace(ALL, id="s4", channel="C2")]
    assert await store.write(lambda r: [r.subscriptions.add(s) for s in (ALL, *others)]) == [True] * 4


async def test_removing_says_whether_it_was_there(store: Database) -> None:
    await store.write(lambda r: r.subscriptions.add(ALL))
    assert await store.write(lambda r: r.subscriptions.remove("s1"))
    assert not await store.write(lambda r: r.subscriptions.remove("s1"))
    assert await store.read(lambda r: r.subscriptions.all()) == []


async def test_kinds_of_a_newer_version_are_left_out(store: Database, url: str) -> None:
    await store.write(lambda r: r.subscriptions.add(ALL))
    with connected(url) as connection:
        connection.execute(text("""UPDATE subscriptions SET kinds = '["agreements", "weather"]'"""))
    assert await store.read(lambda r: r.subscriptions.all()) == [ALL]
