"""Alerts and their way to channels."""

import pytest
from sqlalchemy import text

from bot.domain.model import Delivery, DeliveryState
from bot.store import Database

from .facts import NOW, connected, deliveries_due, hours, new_build_alert


async def due(store: Database, after: float = 0) -> list[Delivery]:
    return await store.read(lambda r: deliveries_due(r, NOW + hours(after)))


async def test_an_alert_waits_in_each_of_its_channels(store: Database) -> None:
    alert = new_build_alert(id="a1", product_id="p1", build_key="b1", facts={"since": "2026-05-04", "code": ""})
    assert await store.write(lambda r: r.outbox.add(alert, ["C2", "C1", "C2"]))
    first, second = await due(store)
    assert (first.channel, second.channel) == ("C1", "C2")
    assert first.alert == alert
    assert (first.state, first.due_at, first.attempts, first.ts, first.reason) == (DeliveryState.PENDING, NOW, 0, None, None)
    assert first.id != second.id


async def test_the_same_fact_is_told_once(store: Database) -> None:
    assert await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    assert not await store.write(lambda r: r.outbox.add(new_build_alert(created_at=NOW + hours(1)), ["C1", "C2"]))
    assert [delivery.channel for delivery in await due(store, after=2)] == ["C1"]


async def test_an_alert_that_nobody_wants_is_still_remembered(store: Database) -> None:
    assert await store.write(lambda r: r.outbox.add(new_build_alert(), []))
    assert not await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    assert await due(store) == []


async def test_a_channel_is_due_when_the_time_of_one_of_its_messages_has_come(store: Database) -> None:
    for number, moment in enumerate((2, 0, 1, 1)):
        alert = new_build_alert(f"new:{number}", created_at=NOW + hours(moment))
        await store.write(lambda r, alert=alert, number=number: r.outbox.add(alert, [f"C{number}"]))
    assert await store.read(lambda r: r.outbox.channels_due(NOW + hours(1))) == ["C1", "C2", "C3"]
    assert await store.read(lambda r: r.outbox.channels_due(NOW - hours(1))) == []


async def test_one_of_two_hands_takes_a_delivery(store: Database) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    (delivery,) = await due(store)
    assert await store.write(lambda r: r.outbox.claim("C1", [delivery.id], NOW, "mine"))
    assert not await store.write(lambda r: r.outbox.claim("C1", [delivery.id], NOW, "mine"))
    assert await due(store) == []
    assert await store.read(lambda r: r.outbox.interrupted(NOW)) == []
    (interrupted,) = await store.read(lambda r: r.outbox.interrupted(NOW + hours(1)))
    assert (interrupted.id, interrupted.state) == (delivery.id, DeliveryState.SENDING)


async def test_a_postponed_delivery_comes_back_at_its_time(store: Database) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    (delivery,) = await due(store)
    await store.write(lambda r: r.outbox.claim("C1", [delivery.id], NOW, "mine"))
    await store.write(lambda r: r.outbox.postpone(delivery.id, NOW + hours(1), "ratelimited"))
    assert await due(store) == []
    (back,) = await due(store, after=1)
    assert (back.state, back.attempts, back.reason) == (DeliveryState.PENDING, 1, "ratelimited")
    assert await store.read(lambda r: r.outbox.interrupted(NOW + hours(1))) == []


@pytest.mark.parametrize("end", ["sent", "failed"])
async def test_what_is_final_stays_so(store: Database, end: str) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    (delivery,) = await due(store)
    await store.write(lambda r: r.outbox.claim("C1", [delivery.id], NOW, "mine"))
    if end == "sent":
        await store.write(lambda r: r.outbox.mark_all_sent("C1", delivery.id, "1714824615.000100", None, NOW))
    else:
        await store.write(lambda r: r.outbox.mark_failed(delivery.id, "is_archived"))
    await store.write(lambda r: r.outbox.postpone(delivery.id, NOW, "late"))
    assert not await store.write(lambda r: r.outbox.claim("C1", [delivery.id], NOW, "mine"))
    assert await due(store, after=9) == []
    assert await store.read(lambda r: r.outbox.interrupted(NOW + hours(1))) == []
    assert await store.read(lambda r: r.outbox.counts()) == {"pending": 0, "sending": 0, "sent": 0, "failed": 0, "dropped": 0} | {
        end: 1
    }


async def test_alerts_of_a_newer_version_wait_for_it(store: Database, url: str) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert(), ["C1"]))
    with connected(url) as connection:
        connection.execute(text("UPDATE alerts SET kind = 'earthquake'"))
    assert await due(store) == []
    assert (await store.read(lambda r: r.outbox.counts()))["pending"] == 1


async def test_the_first_message_of_several_alerts_is_found_in_each_channel(store: Database) -> None:
    for fingerprint, channels in (("a", ["C1"]), ("b", ["C1", "C2"]), ("c", ["C3"]), ("d", ["C4"])):
        await store.write(lambda r, f=fingerprint, c=channels: r.outbox.add(new_build_alert(f), c))
    for delivery in await due(store):
        if delivery.channel != "C3":
            ts = f"{delivery.alert.fingerprint} in {delivery.channel}"
            await store.write(lambda r, d=delivery, ts=ts: r.outbox.mark_all_sent(d.channel, d.id, ts, None, NOW))
    found = await store.read(lambda r: r.outbox.first_messages(["a", "b", "c", "e"]))
    assert found == {"C1": "a in C1", "C2": "b in C2"}
