"""What was told where; mutes, and channels that went quiet."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.digest import Digest
from bot.domain.model import AlertKind, Card, DeliveryState, EventKind, Mute, QuietChannel, Subscription
from bot.domain.ports import Repositories
from bot.store import Database

from .facts import NOW, add_shop, android, hours, ios, new_build_alert


async def shop_with(store: Database, *builds: object) -> str:
    """The product's id."""

    def work(r: Repositories) -> str:
        product = add_shop(r)
        r.catalogue.save_builds(builds, NOW)  # type: ignore[arg-type]
        return product.id

    return await store.write(work)


async def send(
    store: Database,
    key: str,
    ts: str,
    *,
    channel: str = "C1",
    thread: str | None = None,
    batch: str | None = None,
    **facts: object,
) -> str:
    """The id of a delivery that was sent."""
    alert = new_build_alert(f"new:{key}:{ts}", build_key=key, product_id="p", **facts)

    def work(r: Repositories) -> str:
        r.outbox.add(alert, [channel])
        delivery = next(d for d in r.outbox.open_in(channel) if d.alert.fingerprint == alert.fingerprint)
        assert r.outbox.claim(channel, [delivery.id], NOW, "mine", batch) == {delivery.id}
        r.outbox.mark_all_sent(channel, delivery.id, ts, thread, alert.created_at)
        return delivery.id

    return await store.write(work)


async def open_ids(store: Database, channel: str = "C1") -> Sequence[str]:
    return [d.id for d in await store.read(lambda r: r.outbox.open_in(channel))]


async def test_the_first_message_about_a_build_is_its_card(store: Database) -> None:
    await send(store, "b1", "1.0", batch="x")
    await send(store, "b1", "2.0", thread="1.0", kind=AlertKind.BUILD_CHANGED)
    await send(store, "b2", "3.0", thread="1.0")
    await send(store, "b1", "4.0", channel="C2")
    cards = await store.read(lambda r: r.told.cards("C1", ["b1", "b2", "b3"]))
    assert cards == {"b1": Card("1.0", None, "x"), "b2": Card("3.0", "1.0")}
    assert [cards[key].root for key in ("b1", "b2")] == ["1.0", "1.0"]


async def test_a_version_is_found_on_another_platform_or_account(store: Database) -> None:
    first, second, elsewhere, other = ios("1"), ios("2"), android("77"), android("78", version="3.3.0")
    await shop_with(store, first, second, elsewhere, other)
    await send(store, first.key, "1.0")
    await send(store, second.key, "2.0")
    keys = [build.key for build in (first, second, elsewhere, other)]
    found = await store.read(lambda r: r.told.version_cards("C1", keys, NOW - hours(1)))
    assert found == {elsewhere.key: Card("1.0")}
    assert await store.read(lambda r: r.told.version_cards("C2", keys, NOW - hours(1))) == {}
    assert await store.read(lambda r: r.told.version_cards("C1", keys, NOW + hours(1))) == {}


async def test_where_a_message_is_begun(store: Database) -> None:
    await send(store, "b1", "1.0", channel="SENT")
    alert = new_build_alert("new:b1", build_key="b1")
    await store.write(lambda r: r.outbox.add(alert, ["WAITS", "SENDING", "TRIED"]))
    for channel in ("SENDING", "TRIED"):
        (id,) = await open_ids(store, channel)
        await store.write(lambda r, id=id, channel=channel: r.outbox.claim(channel, [id], NOW, "mine"))
        if channel == "TRIED":
            assert await store.write(lambda r: r.outbox.begin("TRIED", "mine", NOW)) == 1
            await store.write(lambda r, id=id: r.outbox.postpone(id, NOW, "no_answer"))
    assert await store.read(lambda r: r.told.begun(["b1", "b2"])) == {"b1": {"SENT", "SENDING", "TRIED"}}


async def test_messages_are_counted_once_and_threads_not_at_all(store: Database) -> None:
    for key, ts, thread in (("b1", "1.0", None), ("b2", "1.0", None), ("b3", "2.0", None), ("b4", "3.0", "1.0")):
        await send(store, key, ts, thread=thread)
    assert await store.read(lambda r: r.told.messages_since("C1", NOW - hours(1))) == [NOW] * 2
    assert await store.read(lambda r: r.told.messages_since("C1", NOW)) == []


async def test_what_stands_of_builds(store: Database) -> None:
    here, gone = ios("1"), ios("2")
    await shop_with(store, here, gone)
    await store.write(lambda r: r.catalogue.mark_gone([gone.key], NOW))
    await send(store, here.key, "1.0")
    keys = [here.key, gone.key]
    assert await store.read(lambda r: r.told.gone(keys)) == {gone.key}
    assert await store.read(lambda r: r.told.announced(keys)) == {here.key: NOW}
    assert await store.read(lambda r: r.told.first_seen(keys)) == dict.fromkeys(keys, NOW)
    (delivery,) = await store.read(lambda r: r.told.last("C1", 5))
    assert await store.read(lambda r: r.told.about("C1", keys)) == {here.key: delivery}
    assert (delivery.state, delivery.sent_at) == (DeliveryState.SENT, NOW)
    assert await store.read(lambda r: r.told.last("C1", 5, "another product")) == []


async def test_one_of_two_hands_takes_each_of_a_batch(store: Database) -> None:
    for number in range(3):
        await store.write(lambda r, number=number: r.outbox.add(new_build_alert(f"new:{number}"), ["C1"]))
    ids = await open_ids(store)
    assert await store.write(lambda r: r.outbox.claim("C1", ids[:1], NOW, "one")) == {ids[0]}
    assert await store.write(lambda r: r.outbox.claim("C1", ids, NOW, "two", "x")) == set(ids[1:])
    assert [d.id for d in await store.read(lambda r: r.outbox.batch("x"))] == ids[1:]


async def test_a_digest_waits_for_its_time(store: Database) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"], {"C2": NOW + hours(5)}))
    assert await store.read(lambda r: r.outbox.channels_due(NOW)) == ["C1"]
    assert await store.read(lambda r: r.outbox.channels_due(NOW + hours(5))) == ["C1", "C2"]
    (digest,) = await store.read(lambda r: r.outbox.open_in("C2"))
    assert (digest.is_digest, digest.due_at) == (True, NOW + hours(5))


async def test_since_when_the_oldest_waits(store: Database) -> None:
    async def oldest(now: datetime) -> datetime | None:
        return await store.read(lambda r: r.outbox.oldest_open(now))

    assert await oldest(NOW) is None
    await store.write(lambda r: r.outbox.add(new_build_alert("new:digest"), [], {"C2": NOW + hours(5)}))
    assert await oldest(NOW) is None
    assert await oldest(NOW + hours(6)) == NOW + hours(5)
    alert = new_build_alert("new:now")
    await store.write(lambda r: r.outbox.add(alert, ["C1"]))
    assert await oldest(NOW + hours(6)) == alert.created_at


async def test_what_is_dropped_or_put_off(store: Database) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1", "C2"]))
    (one,), (two,) = await open_ids(store), await open_ids(store, "C2")
    await store.write(lambda r: r.outbox.put_off(one, NOW + hours(1)))
    await store.write(lambda r: r.outbox.drop(two, "muted"))
    assert await store.read(lambda r: r.outbox.channels_due(NOW)) == []
    (waiting,) = await store.read(lambda r: r.outbox.open_in("C1"))
    assert (waiting.due_at, waiting.attempts) == (NOW + hours(1), 0)
    assert (await store.read(lambda r: r.outbox.counts()))["dropped"] == 1


async def test_a_quiet_channel_is_not_due_before_its_probe(store: Database) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    await store.write(lambda r: r.quiet.note("C1", "is_archived", NOW, NOW + hours(1)))
    await store.write(lambda r: r.quiet.note("C1", "not_in_channel", NOW + hours(1), NOW + hours(2)))
    assert await store.read(lambda r: r.quiet.all()) == [QuietChannel("C1", "not_in_channel", NOW, NOW + hours(2))]
    assert await store.read(lambda r: r.outbox.channels_due(NOW + hours(1))) == []
    assert await store.read(lambda r: r.outbox.channels_due(NOW + hours(2))) == ["C1"]
    assert await store.write(lambda r: r.quiet.forget("C1"))
    assert not await store.write(lambda r: r.quiet.forget("C1"))
    assert await store.read(lambda r: r.quiet.get("C1")) is None


async def test_mutes_stand_once_until_they_are_removed(store: Database) -> None:
    product_id = await shop_with(store)
    mute = Mute("C1", product_id, "U1", NOW)
    assert await store.write(lambda r: r.mutes.add(mute))
    assert not await store.write(lambda r: r.mutes.add(mute))
    assert await store.read(lambda r: r.mutes.of_channel("C1")) == [mute]
    assert await store.read(lambda r: r.mutes.channels(product_id)) == {"C1"}
    assert await store.write(lambda r: r.mutes.remove("C2", None)) == 0
    assert await store.write(lambda r: r.mutes.remove("C1", product_id)) == 1
    assert await store.read(lambda r: r.mutes.of_channel("C1")) == []


async def test_a_subscription_keeps_its_digest_until_it_is_said_anew(store: Database) -> None:
    digest = Digest(9, 30, "Europe/Berlin", 0)
    subscription = Subscription("s1", "C1", frozenset(EventKind), "U1", NOW, digest=digest)
    await store.write(lambda r: r.subscriptions.add(subscription))
    assert await store.read(lambda r: r.subscriptions.all()) == [subscription]
    plain = Subscription("s2", "C1", frozenset(EventKind), "U1", NOW)
    assert not await store.write(lambda r: r.subscriptions.add(plain))
    (standing,) = await store.read(lambda r: r.subscriptions.all())
    assert (standing.id, standing.digest) == ("s1", None)
