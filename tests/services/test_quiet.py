"""Channels that went quiet by accident: kept, told once, resumed."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.model import Agreement, AgreementState, BuildState, DeliveryState
from bot.manifest import scopes
from bot.sandbox.slack import ChannelKind, PretendSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.access import Rules
from bot.services.agreements import blocked_alert
from bot.services.alerts import MOST_ATTEMPTS
from bot.services.parcels import MOST_CARDS
from bot.store import Database

from .conftest import StoppedClock
from .scene import Scene, set_scene


@pytest.fixture
async def scene(store: Database, clock: StoppedClock) -> AsyncIterator[Scene]:
    async with PretendSlack(lambda: clock().timestamp()) as slack:
        slack.api.scopes = set(scopes())
        slack.workspace.add_user("ada")
        slack.workspace.add_user("ben")
        yield await set_scene(slack, store, clock)
        assert slack.violations == []


@pytest.fixture
async def mobile(scene: Scene) -> Channel:
    """Subscribed twice by Ada and once by Ben."""
    mobile = scene.channel()
    for by, track in (("U0ADA", None), ("U0ADA", "testflight"), ("U0BEN", "beta")):
        await scene.subscribe(mobile, by=by, track=track)
    return mobile


async def upload(scene: Scene, *numbers: str) -> None:
    for number in numbers:
        scene.upload(number, version=f"4.{number}")
    await scene.check()
    await scene.deliver()


def direct(scene: Scene, name: str) -> list[str]:
    person = scene.slack.workspace.users[f"U0{name.upper()}"]
    return [message.text_content for message in scene.slack.messages(scene.slack.workspace.direct(person))]


def break_(channel: Channel, how: str) -> None:
    if how == "is_archived":
        channel.is_archived = True
        return
    channel.members.discard("U0PURSER")
    channel.kind = ChannelKind.PRIVATE


def mend(channel: Channel) -> None:
    channel.is_archived, channel.kind = False, ChannelKind.PUBLIC
    channel.members.add("U0PURSER")


@pytest.mark.parametrize("how", ["is_archived", "channel_not_found"])
async def test_who_subscribed_is_told_once_and_everything_is_kept(scene: Scene, mobile: Channel, how: str) -> None:
    break_(mobile, how)
    await upload(scene, "1")
    for number in ("2", "3"):
        scene.clock.advance(minutes=50)
        await upload(scene, number)
    for name in ("ada", "ben"):
        (told,) = direct(scene, name)
        assert "I can no longer write to" in told
    assert [state for state, _ in await scene.outcomes(mobile)] == [DeliveryState.PENDING] * 3
    (quiet,) = await scene.store.read(lambda r: r.quiet.all())
    assert (quiet.channel, quiet.reason) == (mobile.id, how)


async def test_the_oldest_is_tried_once_an_hour(scene: Scene, mobile: Channel) -> None:
    mobile.is_archived = True
    await upload(scene, "1", "2", "3")
    for _ in range(6 * 60 // 10):
        scene.clock.advance(minutes=10)
        await scene.deliver()
    refused = [call for call in scene.slack.api.calls if call.error == "is_archived"]
    assert len(refused) == 7


async def test_when_it_is_mended_everything_follows(scene: Scene, mobile: Channel) -> None:
    mobile.is_archived = True
    await upload(scene, "1", "2")
    mend(mobile)
    scene.clock.advance(minutes=61)
    await scene.deliver()
    assert ["4.1 (1)" in first.text_content for first in scene.said(mobile)] == [True, False]
    assert await scene.outcomes(mobile) == [(DeliveryState.SENT, None)] * 2
    assert await scene.store.read(lambda r: r.quiet.all()) == []


async def test_what_piled_up_comes_as_one_message_after_the_first(scene: Scene, mobile: Channel) -> None:
    mobile.is_archived = True
    for number in range(MOST_CARDS + 3):
        await upload(scene, str(number))
    mend(mobile)
    scene.clock.advance(minutes=61)
    await scene.deliver()
    assert len(scene.said(mobile)) == 2


async def test_after_a_week_it_has_failed_with_its_reason(scene: Scene, mobile: Channel) -> None:
    mobile.is_archived = True
    await upload(scene, "1")
    for _ in range(8):
        scene.clock.advance(days=1)
        await scene.deliver()
    assert await scene.outcomes(mobile) == [(DeliveryState.FAILED, "is_archived")]
    await upload(scene, "2")
    assert (await scene.outcomes(mobile))[1] == (DeliveryState.PENDING, None)
    assert len(direct(scene, "ada")) == 1


async def test_a_second_accident_is_told_again(scene: Scene, mobile: Channel) -> None:
    for number in ("1", "2"):
        mobile.is_archived = True
        await upload(scene, number)
        mend(mobile)
        scene.clock.advance(hours=2)
        await scene.deliver()
    assert len(direct(scene, "ada")) == 2


async def test_a_renamed_channel_goes_on(scene: Scene, mobile: Channel) -> None:
    mobile.name = "mobile-apps"
    await upload(scene, "1")
    assert len(scene.said(mobile)) == 1


async def test_a_revoked_token_loses_nothing(scene: Scene, mobile: Channel) -> None:
    scene.slack.api.revoked = True
    await upload(scene, "1")
    for _ in range(3 * 24):
        scene.clock.advance(hours=1)
        await scene.deliver()
    assert (await scene.store.read(lambda r: r.quiet.all()))[0].reason == "token_revoked"
    scene.slack.api.revoked = False
    scene.clock.advance(minutes=16)
    await scene.deliver()
    assert len(scene.said(mobile)) == 1


@pytest.mark.parametrize("how", ["token_revoked", "missing_scope"])
async def test_who_subscribed_learns_of_a_broken_installation_once_when_it_is_mended(scene: Scene, how: str) -> None:
    mobile, other = scene.channel(), scene.channel("other")
    for channel in (mobile, other):
        await scene.subscribe(channel)
    api = scene.slack.api
    api.revoked = how == "token_revoked"
    api.scopes.discard("chat:write" if how == "missing_scope" else "")
    await upload(scene, "1", "2")
    for _ in range(9):
        scene.clock.advance(minutes=20)
        await scene.deliver()
    api.revoked = False
    api.scopes.add("chat:write")
    scene.clock.advance(minutes=16)
    await scene.deliver()
    (told,) = direct(scene, "ada")
    assert "I could write to no channel" in told
    assert [len(scene.said(channel)) for channel in (mobile, other)] == [2, 2]


@pytest.mark.parametrize("how", ["is_archived", "token_revoked"])
async def test_probes_of_a_quiet_channel_use_up_no_attempt(scene: Scene, mobile: Channel, how: str) -> None:
    scene.slack.api.revoked, mobile.is_archived = how == "token_revoked", how == "is_archived"
    await upload(scene, "1")
    for _ in range(MOST_ATTEMPTS + 1):
        scene.clock.advance(minutes=61)
        await scene.deliver()
    scene.slack.api.revoked = mobile.is_archived = False
    scene.slack.fail("chat.postMessage", "internal_error")
    for _ in range(2):
        scene.clock.advance(minutes=61)
        await scene.deliver()
    assert len(scene.said(mobile)) == 1


async def test_what_blocks_an_account_is_told_after_weeks(scene: Scene, mobile: Channel) -> None:
    mobile.is_archived = True
    incident = Agreement("acme-apple", AgreementState.BLOCKED, since=scene.clock(), checked_at=scene.clock(), blocked=("apps",))
    alert = blocked_alert(incident, scene.clock())
    await scene.store.write(lambda r: (r.agreements.save(incident), r.outbox.add(alert, [mobile.id])))
    for _ in range(10):
        await scene.deliver()
        scene.clock.advance(days=1)
    mend(mobile)
    await scene.deliver()
    assert ["apps" in card.text_content for card in scene.said(mobile)] == [True]


async def test_a_missing_scope_loses_nothing(scene: Scene, mobile: Channel) -> None:
    scene.slack.api.scopes.discard("chat:write")
    await upload(scene, "1")
    assert (await scene.outcomes(mobile))[0] == (DeliveryState.PENDING, "missing_scope")
    scene.slack.api.scopes.add("chat:write")
    scene.clock.advance(minutes=1)
    await scene.deliver()
    assert len(scene.said(mobile)) == 1


async def test_other_channels_do_not_wait(scene: Scene, mobile: Channel) -> None:
    other = scene.channel("other")
    await scene.subscribe(other)
    mobile.is_archived = True
    await upload(scene, "1")
    assert len(scene.said(other)) == 1


async def test_a_person_who_cannot_be_written_to_is_given_up(scene: Scene, mobile: Channel) -> None:
    await scene.subscribe(mobile, by="U0NOBODY", platform="ios")
    mobile.is_archived = True
    await upload(scene, "1")
    assert len(direct(scene, "ada")) == 1
    (notice,) = await scene.store.read(lambda r: r.told.last("U0NOBODY", 5))
    assert notice.state is DeliveryState.FAILED


async def test_a_channel_that_is_shared_later_is_told_nothing_and_its_subscribers_why(scene: Scene, mobile: Channel) -> None:
    build = scene.upload("1", version="4.1")
    await scene.check()
    await scene.deliver()
    (card,) = scene.said(mobile)
    mobile.is_shared = True
    scene.change(build, state=BuildState.REJECTED)
    for number in ("2", "3"):
        await upload(scene, number)
        scene.clock.advance(hours=2)
    await scene.deliver()
    assert (scene.said(mobile), card.edits) == ([card], [])
    assert [len([told for told in direct(scene, name) if "another organisation" in told]) for name in ("ada", "ben")] == [1, 1]
    assert (await scene.store.read(lambda r: r.quiet.all()))[0].reason == "is_ext_shared"
    mobile.is_shared = False
    scene.clock.advance(hours=1)
    await scene.deliver()
    assert {state for state, _ in await scene.outcomes(mobile)} == {DeliveryState.SENT}


async def test_where_others_may_see_builds_a_shared_channel_is_told(scene: Scene, mobile: Channel) -> None:
    scene.rules = Rules(external=True)
    mobile.is_shared = True
    await upload(scene, "1")
    assert len(scene.said(mobile)) == 1


@pytest.mark.parametrize("error", ["internal_error", "ratelimited"])
async def test_while_slack_does_not_say_whether_a_channel_is_shared_its_news_waits(
    scene: Scene, mobile: Channel, error: str
) -> None:
    scene.slack.fail("users.conversations", error)
    await upload(scene, "1")
    assert scene.said(mobile) == []
    scene.clock.advance(minutes=1)
    await scene.deliver()
    assert len(scene.said(mobile)) == 1


async def test_a_channel_that_slack_does_not_show_is_told_all_the_same(scene: Scene, mobile: Channel) -> None:
    scene.slack.api.scopes -= {"channels:read"}
    await upload(scene, "1")
    assert len(scene.said(mobile)) == 1
