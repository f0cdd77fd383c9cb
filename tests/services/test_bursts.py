"""One quiet card per build: bursts become one message, the same version one thread."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from bot.domain.answers import AlertFacts
from bot.domain.model import BuildState, DeliveryState, Handover
from bot.manifest import scopes
from bot.sandbox.slack import Message, PretendSlack
from bot.services.alerts import ON_THE_WAY
from bot.services.parcels import MOST_CARDS
from bot.services.sync import Sync
from bot.store import Database

from .conftest import Deferred, StoppedClock
from .scene import Scene, set_scene


@pytest.fixture
async def scene(store: Database, clock: StoppedClock) -> AsyncIterator[Scene]:
    async with PretendSlack(lambda: clock().timestamp()) as slack:
        slack.api.scopes = set(scopes())
        scene = await set_scene(slack, store, clock)
        await scene.subscribe(scene.channel())
        yield scene
        assert slack.violations == []


def upload(scene: Scene, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        scene.upload(str(500 + number), version=f"4.{number}.0", handover=Handover.FILE)


def in_memory(kind: type) -> int:
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def downloads(message: Message) -> list[str]:
    return [button.value for button in message.buttons if button.label == "Download"]


async def told(scene: Scene) -> list[Message]:
    await scene.check()
    await scene.deliver()
    return scene.said(scene.channel())


async def test_so_many_cards_stand_for_themselves(scene: Scene) -> None:
    upload(scene, MOST_CARDS)
    assert [len(downloads(card)) for card in await told(scene)] == [1] * MOST_CARDS


async def test_more_become_one_message_with_their_downloads(scene: Scene) -> None:
    upload(scene, MOST_CARDS + 1)
    (burst,) = await told(scene)
    assert "6 new builds: Shop" in burst.text_content
    assert burst.text_content.index("4.5.0 (505)") < burst.text_content.index("4.0.0 (500)")
    assert len(set(downloads(burst))) == 6
    last = await scene.store.read(lambda r: r.told.last("C0MOBILE", 10))
    assert {(delivery.ts, delivery.state) for delivery in last} == {(burst.ts, DeliveryState.SENT)}


async def test_those_without_a_row_are_named_with_their_state(scene: Scene) -> None:
    oldest = scene.upload("500", version="4.0.0", handover=Handover.FILE)
    upload(scene, 22, first=1)
    (burst,) = await told(scene)
    assert len(downloads(burst)) == 20
    rest = "and 3 more, under All versions: Shop 4.2.0 (502) ready, Shop 4.1.0 (501) ready, Shop 4.0.0 (500) ready"
    assert rest in burst.text_content
    scene.change(oldest, state=BuildState.REJECTED)
    assert "4.0.0 (500) rejected" in (await told(scene))[0].text_content


async def test_a_list_that_names_no_more_says_so(scene: Scene) -> None:
    upload(scene, 200)
    (burst,) = await told(scene)
    assert "and 180 more, under All versions: Shop 4.179.0 (679) ready, " in burst.text_content
    assert ") ready, …" in burst.text_content


async def test_so_many_messages_are_in_slacks_hands_at_once(scene: Scene) -> None:
    for number in range(ON_THE_WAY + 15):
        await scene.subscribe(scene.channel(f"crowd{number}"))
    upload(scene, 1)
    await scene.check()
    faults = scene.slack.api.faults
    faults.hang("chat.postMessage", times=100)
    delivering = asyncio.create_task(scene.deliver())
    while faults.waits("chat.postMessage") > 100 - ON_THE_WAY:  # noqa: ASYNC110 - they are on their way
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert faults.waits("chat.postMessage") == 100 - ON_THE_WAY
    faults.clear()
    faults.release()
    assert await delivering == 16


async def test_what_was_told_is_not_kept_in_memory(scene: Scene) -> None:
    delivery, before = scene.delivery(), in_memory(AlertFacts)
    upload(scene, 100)
    await scene.check()
    assert await delivery.deliver_due() == 1
    assert in_memory(AlertFacts) == before


async def test_what_follows_within_the_minute_is_folded_too(scene: Scene) -> None:
    upload(scene, 4)
    await told(scene)
    scene.clock.advance(seconds=20)
    upload(scene, 3, first=4)
    assert [len(downloads(card)) for card in await told(scene)] == [1, 1, 1, 1, 3]
    scene.clock.advance(minutes=2)
    upload(scene, 2, first=7)
    assert [len(downloads(card)) for card in (await told(scene))[5:]] == [1, 1]


async def test_builds_that_trickle_in_are_no_more_messages_than_a_burst(scene: Scene) -> None:
    for number in range(12):
        upload(scene, 1, first=number)
        await told(scene)
        scene.clock.advance(seconds=4)
    assert len(scene.said(scene.channel())) == MOST_CARDS
    scene.clock.advance(seconds=13)
    assert [len(downloads(card)) for card in await told(scene)] == [1] * MOST_CARDS + [7]


async def test_what_joins_a_thread_or_changes_a_card_does_not_wait_for_the_minute_to_end(scene: Scene) -> None:
    upload(scene, MOST_CARDS)
    await told(scene)
    upload(scene, 1, first=MOST_CARDS)
    scene.change(scene.apple.builds[1], state=BuildState.LIVE)
    assert "now live" in (await told(scene))[-1].text_content


async def test_a_thousand_are_one_message_that_slack_takes(scene: Scene) -> None:
    upload(scene, 1000)
    (burst,) = await told(scene)
    assert "1,000 new builds" in burst.text_content
    assert f"and {1000 - len(downloads(burst))} more" in burst.text_content
    assert await scene.outcomes(scene.channel()) == [(DeliveryState.SENT, None)] * 1000


async def test_a_later_state_changes_the_list_and_names_its_build_in_the_thread(scene: Scene) -> None:
    upload(scene, 6)
    (burst,) = await told(scene)
    build = next(build for build in scene.apple.builds if build.number == "503")
    scene.change(build, state=BuildState.REJECTED)
    burst_now, line = await told(scene)
    assert burst_now.ts == burst.ts
    assert burst_now.text_content.count("rejected") == 1
    assert "6 new builds" in burst_now.text_content
    assert line.thread_ts == burst.ts
    assert "4.3.0 (503) for iOS: now rejected, was ready" in line.text_content


async def test_a_build_that_vanished_loses_its_download_in_the_list(scene: Scene) -> None:
    upload(scene, 6)
    await told(scene)
    del scene.apple.builds[0]
    await Sync(scene.store, {"acme-apple": scene.apple}, (), Deferred(), scene.clock).account("acme-apple", full=True)
    await scene.deliver()
    burst, line = scene.said(scene.channel())
    assert len(downloads(burst)) == 5
    assert "Shop · iOS · acme-apple · TestFlight · 4.5.0 (505) · listed no longer" in burst.text_content
    assert "now no longer listed" in line.text_content


async def test_a_burst_that_slack_took_before_we_died_is_found_not_repeated(scene: Scene) -> None:
    upload(scene, 7)
    await scene.check()
    delivery = scene.delivery()
    parcel = await scene.store.write(lambda r: delivery._packer.take(r, "C0MOBILE"))
    assert parcel
    await delivery._post(parcel)  # Slack has it; the process ends before the note is written
    upload(scene, 1, first=7)
    scene.clock.advance(minutes=3)
    assert await delivery.resume() == 7
    burst, single = await told(scene)
    assert len(downloads(burst)) == 7
    assert len(downloads(single)) == 1
    assert await scene.outcomes(scene.channel()) == [(DeliveryState.SENT, None)] * 8


async def test_a_burst_that_slack_never_got_is_sent_whole(scene: Scene) -> None:
    upload(scene, 7)
    scene.slack.fail("chat.postMessage", "internal_error")
    assert await told(scene) == []
    upload(scene, 1, first=7)
    scene.clock.advance(minutes=1)
    cards = await told(scene)
    assert sorted(len(downloads(card)) for card in cards) == [1, 7]


async def test_slack_says_slow_down_and_the_whole_channel_waits(scene: Scene) -> None:
    upload(scene, 3)
    scene.slack.rate_limit("chat.postMessage", retry_after=30)
    assert await told(scene) == []
    assert not [call for call in scene.slack.api.calls if call.method.startswith("chat.")]
    scene.clock.advance(seconds=31)
    await scene.deliver()
    assert len(scene.said(scene.channel())) == 3


async def test_the_same_version_elsewhere_joins_the_thread_of_its_first_card(scene: Scene) -> None:
    ios = scene.upload("418", version="3.2.0")
    await told(scene)
    scene.clock.advance(hours=5)
    android = scene.upload("77", version="3.2.0", to=scene.applivery)
    first, reply = await told(scene)
    assert reply.thread_ts == first.ts
    assert "Android" in reply.text_content
    assert downloads(reply) == [android.key]
    assert downloads(first) == [ios.key]


async def test_a_change_of_what_joined_changes_its_own_card(scene: Scene) -> None:
    scene.upload("418", version="3.2.0")
    await told(scene)
    android = scene.upload("77", version="3.2.0", to=scene.applivery)
    await told(scene)
    scene.change(android, state=BuildState.LIVE)
    first, reply, line = await told(scene)
    assert not first.edits
    assert "live" in reply.text_content
    assert line.thread_ts == first.ts
    assert "for Android: now live" in line.text_content


async def test_the_same_version_on_the_same_shelf_is_a_card_of_its_own(scene: Scene) -> None:
    for number in ("418", "419"):
        scene.upload(number, version="3.2.0")
        await told(scene)
    assert [card.thread_ts for card in scene.said(scene.channel())] == [None, None]


async def test_after_a_week_nobody_would_see_it_in_the_thread(scene: Scene) -> None:
    scene.upload("418", version="3.2.0")
    await told(scene)
    scene.clock.advance(days=8)
    scene.upload("77", version="3.2.0", to=scene.applivery)
    assert [card.thread_ts for card in await told(scene)] == [None, None]


async def test_what_joins_a_thread_does_not_count_as_a_burst(scene: Scene) -> None:
    upload(scene, 5)
    cards = await told(scene)
    for build in list(scene.apple.builds):
        scene.upload(build.id, version=build.version, to=scene.applivery)
    replies = (await told(scene))[5:]
    assert [reply.thread_ts for reply in replies] == [card.ts for card in reversed(cards)]


async def test_a_version_joins_the_burst_that_told_of_it_first(scene: Scene) -> None:
    upload(scene, 6)
    (burst,) = await told(scene)
    scene.upload("77", version="4.2.0", to=scene.applivery)
    _, reply = await told(scene)
    assert reply.thread_ts == burst.ts


async def test_a_card_that_somebody_deleted_is_not_posted_again(scene: Scene) -> None:
    build = scene.upload("418")
    (card,) = await told(scene)
    scene.slack.workspace.delete(card)
    scene.change(build, state=BuildState.LIVE)
    assert await told(scene) == []
    assert (await scene.outcomes(scene.channel()))[1] == (DeliveryState.DROPPED, "message_not_found")


async def test_a_reply_that_slack_took_before_we_died_is_found_in_its_thread(scene: Scene) -> None:
    build = scene.upload("418", version="3.2.0")
    await told(scene)
    scene.change(build, state=BuildState.LIVE)
    scene.upload("77", version="3.2.0", to=scene.applivery)
    await scene.check()
    delivery = scene.delivery()
    for _ in range(2):
        parcel = await scene.store.write(lambda r: delivery._packer.take(r, "C0MOBILE"))
        assert parcel
        await delivery._post(parcel)
    scene.clock.advance(minutes=3)
    assert await delivery.resume() == 2
    assert len(await told(scene)) == 3
    assert await scene.outcomes(scene.channel()) == [(DeliveryState.SENT, None)] * 3


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message"])
async def test_a_card_that_may_not_be_changed_gets_its_line_all_the_same(scene: Scene, error: str) -> None:
    build = scene.upload("418")
    await told(scene)
    scene.slack.fail("chat.update", error)
    scene.change(build, state=BuildState.REJECTED)
    card, line = await told(scene)
    assert not card.edits
    assert (line.thread_ts, "now rejected" in line.text_content) == (card.ts, True)


async def test_a_new_build_outlives_the_thread_that_it_was_to_join(scene: Scene) -> None:
    scene.upload("418", version="3.2.0")
    await told(scene)
    scene.slack.fail("chat.postMessage", "thread_not_found")
    scene.upload("77", version="3.2.0", to=scene.applivery)
    assert [card.thread_ts for card in await told(scene)] == [None, None]


async def test_a_thread_that_is_gone_holds_no_earlier_message(scene: Scene) -> None:
    build = scene.upload("418")
    (card,) = await told(scene)
    scene.change(build, state=BuildState.LIVE)
    await scene.check()
    scene.slack.api.faults.break_down("chat.postMessage")
    await scene.deliver()
    scene.slack.workspace.delete(card)
    scene.slack.fail("chat.update", "edit_window_closed")
    scene.slack.fail("chat.postMessage", "thread_not_found")
    scene.clock.advance(minutes=1)
    await scene.deliver()
    assert (await scene.outcomes(scene.channel()))[1] == (DeliveryState.DROPPED, "thread_not_found")


async def test_slack_that_wants_fewer_updates_is_not_asked_by_the_next_channel(scene: Scene) -> None:
    for name in ("ios", "android"):
        await scene.subscribe(scene.channel(name))
    build = scene.upload("418")
    await told(scene)
    scene.change(build, state=BuildState.LIVE)
    scene.slack.rate_limit("chat.update", retry_after=30)
    await scene.check()
    delivery = scene.delivery()
    await delivery.deliver_due()
    scene.slack.rate_limit("chat.update", retry_after=30)
    scene.clock.advance(seconds=29)
    await delivery.deliver_due()
    assert scene.slack.api.faults.waits("chat.update") == 1
    scene.clock.advance(seconds=2)
    await delivery.deliver_due()
    scene.clock.advance(seconds=31)
    await delivery.deliver_due()
    assert [len(scene.said(scene.channel(name))) for name in ("mobile", "ios", "android")] == [2, 2, 2]
