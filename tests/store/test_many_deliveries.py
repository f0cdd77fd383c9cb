"""Much that waits in many channels: each costs what it has itself."""

from typing import Any

import pytest
from sqlalchemy import event, select

from bot.domain.model import Notice
from bot.domain.ports import Repositories
from bot.store import Database
from bot.store.tables import deliveries

from .facts import NOW, add_shop, android, connected, deliveries_due, hours, ios, new_build_alert
from .steps import steps

CHANNELS = [f"C{number:03}" for number in range(100)]
ALERTS = 250


@pytest.fixture
async def crowd(store: Database) -> Database:
    notices = [Notice(new_build_alert(f"new:{number}"), CHANNELS) for number in range(ALERTS)]
    assert await store.write(lambda r: r.outbox.add_all(notices)) == ALERTS
    return store


async def test_what_waits_is_not_walked_through_to_find_its_channels(crowd: Database, backend: str) -> None:
    assert await crowd.read(lambda r: r.outbox.channels_due(NOW)) == CHANNELS
    assert await crowd.read(lambda r: r.outbox.channels_due(NOW - hours(1))) == []
    if backend == "sqlite":  # all would cost 1,750 hundreds
        assert await steps(crowd, lambda r: r.outbox.channels_due(NOW)) < 200


async def test_a_channel_does_not_pay_for_the_others(crowd: Database, backend: str) -> None:
    def told(r: Repositories) -> None:
        (delivery,) = [d for d in r.outbox.open_in("D1") if d.batch is None]
        assert r.outbox.claim("D1", [delivery.id], NOW, "mine", "list") == {delivery.id}
        assert r.outbox.begin("D1", "mine", NOW) == 1
        r.outbox.not_taken("D1", "mine", None)
        r.outbox.mark_all_sent("D1", "list", "1.0", None, NOW)
        r.outbox.add(new_build_alert(f"again:{delivery.id}"), ["D1"])

    await crowd.write(lambda r: r.outbox.add(new_build_alert("one"), ["D1"]))
    if backend == "sqlite":
        assert await steps(crowd, told) < 20
    else:
        await crowd.write(told)


async def test_what_a_channel_hears_stands_together_in_the_order_of_the_alerts(crowd: Database, url: str) -> None:
    with connected(url) as connection:
        sequences = connection.scalars(select(deliveries.c.sequence).where(deliveries.c.channel == "C007")).all()
    assert max(sequences) - min(sequences) == ALERTS - 1
    heard = await crowd.read(lambda r: r.outbox.open_in("C007"))
    assert [delivery.alert.fingerprint for delivery in heard] == [f"new:{number}" for number in range(ALERTS)]


async def test_the_database_makes_the_rows_of_a_channel_by_itself(store: Database) -> None:
    given = 0

    @event.listens_for(store._writer, "before_cursor_execute")
    def _count(connection: object, cursor: object, statement: str, parameters: Any, context: object, is_many: bool) -> None:
        nonlocal given
        given += len(parameters) if is_many else 1

    notices = [Notice(new_build_alert(f"new:{number}"), CHANNELS) for number in range(ALERTS)]
    await store.write(lambda r: r.outbox.add_all(notices))
    assert sum((await store.read(lambda r: r.outbox.counts())).values()) == ALERTS * len(CHANNELS)
    assert given < ALERTS * len(CHANNELS) / 5  # an alert's columns and a channel's facts; what multiplies them is not handed over


async def test_what_was_told_long_ago_is_not_walked_through(crowd: Database, backend: str) -> None:
    def told(r: Repositories) -> None:
        for number, delivery in enumerate(r.outbox.open_in("C007")):
            at = NOW + hours(number)
            r.outbox.claim("C007", [delivery.id], at, delivery.id)
            r.outbox.mark_all_sent("C007", delivery.id, f"{number}.0", None, at)

    last = NOW + hours(ALERTS - 1)
    await crowd.write(told)
    assert await crowd.read(lambda r: r.told.messages_since("C007", last - hours(2))) == [last - hours(1), last]
    if backend == "sqlite":  # all would cost 80 hundreds
        assert await steps(crowd, lambda r: r.told.messages_since("C007", last - hours(2))) < 5


async def test_a_version_is_not_compared_with_every_other_that_a_channel_was_told_of(store: Database, backend: str) -> None:
    here = [ios(str(number), version=f"3.{number}") for number in range(ALERTS)]
    there = [android(str(number), version=f"3.{number}") for number in range(ALERTS)]

    def told(r: Repositories) -> None:
        add_shop(r)
        r.catalogue.save_builds([*here, *there], NOW)
        r.outbox.add_all([Notice(new_build_alert(build.key, build_key=build.key), ["C1"]) for build in here])
        for number, delivery in enumerate(r.outbox.open_in("C1")):
            r.outbox.claim("C1", [delivery.id], NOW, delivery.id)
            r.outbox.mark_all_sent("C1", delivery.id, f"{number}.0", None, NOW)

    await store.write(told)
    keys = [build.key for build in there]
    cards = await store.read(lambda r: r.told.version_cards("C1", keys, NOW - hours(1)))
    assert [cards[key].ts for key in keys] == [f"{number}.0" for number in range(ALERTS)]
    if backend == "sqlite":  # all with all cost 16,000 hundreds
        assert await steps(store, lambda r: r.told.version_cards("C1", keys, NOW - hours(1))) < 1_000


async def test_many_at_once_are_told_once_and_with_their_digests(store: Database) -> None:
    await store.write(lambda r: r.outbox.add(new_build_alert("old"), ["C1"]))
    later = Notice(new_build_alert("both"), ["C1", "C2"], {"C2": NOW + hours(5), "C3": NOW + hours(5)})
    notices = [Notice(new_build_alert("old"), ["C9"]), later, Notice(new_build_alert("both"), ["C9"])]
    assert await store.write(lambda r: r.outbox.add_all(notices)) == 1
    assert await store.write(lambda r: r.outbox.add_all([])) == 0
    due = await store.read(lambda r: deliveries_due(r, NOW + hours(6)))
    found = [(d.channel, d.alert.fingerprint, d.is_digest) for d in due]
    assert found == [("C1", "old", False), ("C1", "both", False), ("C2", "both", True), ("C3", "both", True)]
