"""Which channel hears of a build: when the delivery is written, and again when its time has come."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.model import BuildState, DeliveryState, Mute, Platform
from bot.manifest import scopes
from bot.sandbox.slack import PretendSlack
from bot.services.access import Rules
from bot.store import Database

from .conftest import StoppedClock
from .scene import Scene, set_scene

IN_RELEASES = Rules(channels={"Shop": ("C0RELEASES",)})
FOR_TESTERS = Rules(groups={"Shop": ("S0TESTERS",)})
BOTH = Rules(channels={"Shop": ("C0RELEASES",)}, groups={"Shop": ("S0TESTERS",)})


@pytest.fixture
async def scene(store: Database, clock: StoppedClock) -> AsyncIterator[Scene]:
    async with PretendSlack(lambda: clock().timestamp()) as slack:
        slack.api.scopes = set(scopes())
        yield await set_scene(slack, store, clock)
        assert slack.violations == []


@pytest.mark.parametrize(("rules", "hears"), [(Rules(), [1, 1]), (IN_RELEASES, [0, 1]), (FOR_TESTERS, [0, 0]), (BOTH, [0, 1])])
async def test_what_may_not_be_asked_for_is_not_told(scene: Scene, rules: Rules, hears: list[int]) -> None:
    mobile, releases = scene.channel("mobile"), scene.channel("releases")
    await scene.subscribe(mobile)
    await scene.subscribe(releases, product_id=(await scene.product()).id)
    scene.rules = rules
    scene.upload("418")
    await scene.check()
    await scene.deliver()
    assert [len(scene.said(channel)) for channel in (mobile, releases)] == hears
    assert [len(await scene.outcomes(channel)) for channel in (mobile, releases)] == hears


@pytest.mark.parametrize("rules", [IN_RELEASES, FOR_TESTERS])
async def test_a_rule_that_came_in_between_is_obeyed(scene: Scene, rules: Rules) -> None:
    mobile = scene.channel()
    await scene.subscribe(mobile)
    scene.upload("418")
    await scene.check()
    scene.rules = rules
    await scene.deliver()
    assert not scene.said(mobile)
    assert await scene.outcomes(mobile) == [(DeliveryState.DROPPED, "restricted")]


async def test_after_unsubscribing_nothing_comes_that_was_under_way(scene: Scene) -> None:
    mobile = scene.channel()
    subscription = await scene.subscribe(mobile)
    scene.upload("418")
    await scene.check()
    await scene.store.write(lambda r: r.subscriptions.remove(subscription.id))
    await scene.deliver()
    assert not scene.said(mobile)
    assert await scene.outcomes(mobile) == [(DeliveryState.DROPPED, "not_subscribed")]


async def test_a_build_that_is_gone_by_then_is_not_told(scene: Scene) -> None:
    mobile = scene.channel()
    await scene.subscribe(mobile)
    build = scene.upload("418")
    await scene.check()
    await scene.store.write(lambda r: r.catalogue.mark_gone([build.key], scene.clock()))
    await scene.deliver()
    assert await scene.outcomes(mobile) == [(DeliveryState.DROPPED, "gone")]


async def test_what_is_muted_is_neither_told_nor_kept(scene: Scene) -> None:
    mobile, releases, shop = scene.channel("mobile"), scene.channel("releases"), await scene.product()
    for channel in (mobile, releases):
        await scene.subscribe(channel)
    scene.upload("418")
    await scene.check()
    await scene.store.write(lambda r: r.mutes.add(Mute(mobile.id, shop.id, "U0ADA", scene.clock())))
    scene.upload("419")
    await scene.check()
    await scene.deliver()
    assert await scene.outcomes(mobile) == [(DeliveryState.DROPPED, "muted")]
    assert len(scene.said(releases)) == 2


@pytest.mark.parametrize(
    ("filters", "hears"),
    [
        ({"platform": Platform.IOS}, ["418"]),
        ({"platform": Platform.ANDROID}, ["77"]),
        ({"provider": "applivery"}, ["77"]),
        ({"track": "testflight"}, ["418"]),
        ({}, ["418", "77"]),
    ],
)
async def test_filters_let_through_what_they_name(scene: Scene, filters: dict[str, object], hears: list[str]) -> None:
    mobile = scene.channel()
    await scene.subscribe(mobile, **filters)
    scene.upload("418", version="3.2.0")
    scene.upload("77", version="3.3.0", to=scene.applivery)
    await scene.check()
    await scene.deliver()
    assert [number for number in ("418", "77") if any(f"({number})" in m.text_content for m in scene.said(mobile))] == hears


async def test_a_state_that_comes_while_slack_has_not_answered_reaches_the_card(scene: Scene) -> None:
    """The card may be drawn already with the state before."""
    mobile = scene.channel()
    await scene.subscribe(mobile)
    build = scene.upload("418")
    await scene.check()
    scene.slack.api.faults.fail("chat.postMessage", "internal_error")
    await scene.deliver()
    scene.change(build, state=BuildState.EXPIRED)
    await scene.check()
    await scene.deliver()
    assert not scene.said(mobile)
    scene.clock.advance(minutes=1)
    await scene.deliver()
    card, line = scene.said(mobile)
    assert "expired" in card.text_content
    assert line.thread_ts == card.ts


@pytest.mark.parametrize("between", [BuildState.FAILED, BuildState.EXPIRED])
async def test_a_build_that_can_be_had_at_last_is_told(scene: Scene, between: BuildState) -> None:
    await scene.subscribe(scene.channel())
    build = scene.upload("418", state=BuildState.PROCESSING)
    await scene.check()
    build = scene.change(build, state=between)
    await scene.check()
    await scene.deliver()
    told = len(scene.said(scene.channel()))
    scene.change(build, state=BuildState.READY)
    await scene.check()
    await scene.deliver()
    (card,) = scene.said(scene.channel())[:1]
    assert "ready" in card.text_content
    assert told == (between is BuildState.FAILED)  # a failure is told by itself


async def test_a_vendor_whose_servers_disagree_fills_no_thread(scene: Scene) -> None:
    """The card follows all the same, and whatever else becomes of the build is said."""
    mobile = scene.channel()
    await scene.subscribe(mobile)
    build = scene.upload("418")
    await scene.check()
    await scene.deliver()
    for state in (BuildState.PROCESSING, BuildState.READY) * 4:
        scene.clock.advance(minutes=5)
        build = scene.change(build, state=state)
        await scene.check()
        await scene.deliver()
        assert ("still processing" if state is BuildState.PROCESSING else "ready") in scene.said(mobile)[0].text_content
    card, *lines = scene.said(mobile)
    assert [line.text_content.partition("now ")[2].partition(",")[0] for line in lines] == ["still processing", "ready"]
    scene.change(build, state=BuildState.EXPIRED)
    await scene.check()
    await scene.deliver()
    assert "expired" in scene.said(mobile)[-1].text_content
    assert {line.thread_ts for line in scene.said(mobile)[1:]} == {card.ts}


async def test_a_state_that_comes_back_hours_later_is_said_again(scene: Scene) -> None:
    await scene.subscribe(scene.channel())
    build = scene.upload("418", track="App Store", state=BuildState.IN_REVIEW)
    for state in (BuildState.REJECTED, BuildState.IN_REVIEW, BuildState.REJECTED):
        await scene.check()
        scene.clock.advance(hours=2)
        build = scene.change(build, state=state)
    await scene.check()
    await scene.deliver()
    _, *lines = scene.said(scene.channel())
    assert [line.text_content.partition("now ")[2].partition(",")[0] for line in lines] == ["rejected", "in review", "rejected"]


async def test_what_is_not_said_counts_as_no_message(scene: Scene) -> None:
    """Or cards that only change would hold back new ones."""
    mobile = scene.channel()
    await scene.subscribe(mobile)
    builds = [scene.upload(str(number), version=f"3.{number}") for number in range(5)]
    await scene.check()
    await scene.deliver()
    for state in (BuildState.PROCESSING, BuildState.READY, BuildState.PROCESSING):
        scene.clock.advance(minutes=5)
        builds = [scene.change(build, state=state) for build in builds]
        await scene.check()
        await scene.deliver()
    told = len(scene.said(mobile))
    scene.upload("9", version="3.9")
    await scene.check()
    await scene.deliver()
    assert len(scene.said(mobile)) == told + 1
