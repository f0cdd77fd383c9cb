"""Tell me when it is ready: once per person and build, in the transaction of the check that sees it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.model import AlertKind, App, Build, BuildState, Delivery
from bot.services.products import ConfiguredProduct
from bot.services.sync import Sync
from bot.services.waiting import WaitingRoom
from bot.store import Database
from tests.services.conftest import Deferred, Shelf, StoppedClock, make_build
from tests.store.facts import deliveries_due

APP = App("acme-apple", "1", "Shop", "com.acme.shop")
PROCESSING = make_build(APP, "418", state=BuildState.PROCESSING)


@pytest.fixture
def sync(store: Database, apple: Shelf, jobs: Deferred, clock: StoppedClock) -> Sync:
    apple.builds = [PROCESSING]
    return Sync(store, {apple.account: apple}, list[ConfiguredProduct](), jobs, clock)


@pytest.fixture
def room(store: Database, clock: StoppedClock) -> WaitingRoom:
    return WaitingRoom(store, clock)


async def messages(store: Database, clock: StoppedClock) -> list[Delivery]:
    due = await store.read(lambda r: deliveries_due(r, clock.now + timedelta(days=1)))
    return [delivery for delivery in due if delivery.alert.kind is AlertKind.READY]


async def checked(sync: Sync, apple: Shelf, clock: StoppedClock, *builds: Build) -> int:
    clock.advance(minutes=5)
    apple.builds = list(builds)
    return (await sync.account("acme-apple")).news


async def test_who_waits_is_told_once(sync: Sync, room: WaitingRoom, store: Database, apple: Shelf, clock: StoppedClock) -> None:
    await sync.account("acme-apple")
    for user, channel in (("U1", "C1"), ("U1", "C2"), ("U2", "C1")):
        await room.enter(user, channel, PROCESSING)
    assert await checked(sync, apple, clock, PROCESSING) == 0
    assert await messages(store, clock) == []
    ready = replace(PROCESSING, state=BuildState.READY)
    for _ in range(2):
        await checked(sync, apple, clock, ready)
    told = await messages(store, clock)
    assert [(d.channel, d.alert.fingerprint, d.alert.facts) for d in told] == [
        ("U1", f"ready:{PROCESSING.key}:U1", {"channel": "C1"}),
        ("U2", f"ready:{PROCESSING.key}:U2", {"channel": "C1"}),
    ]


async def test_a_message_makes_the_delivery_start(
    sync: Sync, room: WaitingRoom, jobs: Deferred, apple: Shelf, clock: StoppedClock
) -> None:
    await sync.account("acme-apple")
    await room.enter("U1", "C1", PROCESSING)
    assert await checked(sync, apple, clock, replace(PROCESSING, state=BuildState.READY)) >= 1
    assert ("deliver", "") in jobs.calls


async def test_waiting_again_for_what_was_told_brings_no_second_message(
    sync: Sync, room: WaitingRoom, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    await sync.account("acme-apple")
    ready = replace(PROCESSING, state=BuildState.READY)
    for _ in range(2):
        await room.enter("U1", "C1", PROCESSING)
        await checked(sync, apple, clock, ready)
    assert len(await messages(store, clock)) == 1


async def test_a_build_that_failed_ends_the_wait_too(
    sync: Sync, room: WaitingRoom, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    await sync.account("acme-apple")
    await room.enter("U1", "C1", PROCESSING)
    await checked(sync, apple, clock, replace(PROCESSING, state=BuildState.FAILED))
    assert len(await messages(store, clock)) == 1
