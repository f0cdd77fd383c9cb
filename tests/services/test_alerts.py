"""Deliveries over the real Web API client against the pretend Slack."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from bot.domain.model import Alert, AlertKind, DeliveryState
from bot.manifest import scopes
from bot.sandbox.slack import PretendSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.alerts import MOST_ATTEMPTS, AlertDelivery, pause_after
from bot.store import Database
from bot.views import alerts
from bot.views.bundle import bundle
from handlers.messenger import SlackMessenger, web_client

from ..store.facts import deliveries_due
from .conftest import NOON, StoppedClock


@pytest.fixture
async def slack(clock: StoppedClock) -> AsyncIterator[PretendSlack]:
    async with PretendSlack(lambda: clock().timestamp()) as slack:
        slack.api.scopes = set(scopes())
        yield slack


@pytest.fixture
def mobile(slack: PretendSlack) -> Channel:
    return slack.workspace.add_channel("mobile")


@pytest.fixture
async def delivery(slack: PretendSlack, store: Database, clock: StoppedClock) -> AsyncIterator[AlertDelivery]:
    client = web_client(slack.bot_token, slack.api_url)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        client.session = session
        yield AlertDelivery(store, SlackMessenger(client), alerts.card, alerts.line, {}, clock, pace=0, render_list=bundle)


async def tell(store: Database, *channels: str, name: str = "a") -> None:
    alert = Alert(f"test:{name}", AlertKind.AGREEMENT_BLOCKED, "acme-apple", NOON, facts={"blocked": "apps"})
    await store.write(lambda r: r.outbox.add(alert, channels))


async def state(store: Database) -> dict[str, int]:
    counts = await store.read(lambda r: r.outbox.counts())
    return {name: count for name, count in counts.items() if count}


async def test_each_channel_hears_once(delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel) -> None:
    other = slack.workspace.add_channel("other")
    await tell(store, mobile.id, other.id)
    await tell(store, mobile.id)  # the same fact once more
    assert await delivery.deliver_due() == 2
    assert await delivery.deliver_due() == 0
    assert [len(slack.messages(channel)) for channel in (mobile, other)] == [1, 1]
    assert await state(store) == {DeliveryState.SENT: 2}


async def test_slack_says_slow_down_and_is_obeyed(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    slack.rate_limit("chat.postMessage", retry_after=30)
    await tell(store, mobile.id)
    assert await delivery.deliver_due() == 0
    clock.advance(seconds=29)
    assert await delivery.deliver_due() == 0
    clock.advance(seconds=2)
    assert await delivery.deliver_due() == 1
    assert len(slack.messages(mobile)) == 1


@pytest.mark.parametrize("fault", ["internal_error", "invalid_auth", "fatal_error"])
async def test_what_may_mend_itself_is_tried_again(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock, fault: str
) -> None:
    slack.fail("chat.postMessage", fault, times=2)
    await tell(store, mobile.id)
    for _ in range(3):
        await delivery.deliver_due()
        clock.advance(minutes=1)
    assert len(slack.messages(mobile)) == 1
    assert await state(store) == {DeliveryState.SENT: 1}


async def test_what_cannot_be_mended_by_waiting_fails_with_its_reason(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel
) -> None:
    slack.fail("chat.postMessage", "msg_too_long")
    await tell(store, mobile.id)
    assert await delivery.deliver_due() == 0
    assert await state(store) == {DeliveryState.FAILED: 1}
    (failed,) = await store.read(lambda r: r.told.last(mobile.id, 5))
    assert failed.reason == "msg_too_long"


async def test_trying_ends_after_hours(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    slack.fail("chat.postMessage", "internal_error", times=MOST_ATTEMPTS + 5)
    await tell(store, mobile.id)
    for _ in range(MOST_ATTEMPTS):
        await delivery.deliver_due()
        clock.advance(minutes=16)
    assert await state(store) == {DeliveryState.FAILED: 1}
    assert sum((pause_after(n) for n in range(MOST_ATTEMPTS)), timedelta()) > timedelta(hours=5)


async def test_a_message_that_slack_took_before_we_died_is_found_not_repeated(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile.id)
    parcel = await store.write(lambda r: delivery._packer.take(r, mobile.id))
    assert parcel
    await delivery._post(parcel)  # Slack has it; the process ends before the note is written
    clock.advance(minutes=3)
    assert await delivery.resume() == 1
    await delivery.deliver_due()
    assert len(slack.messages(mobile)) == 1
    assert await state(store) == {DeliveryState.SENT: 1}


async def test_a_message_that_slack_never_got_is_sent_after_a_restart(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile.id)
    (pending,) = await store.read(lambda r: deliveries_due(r, NOON))
    await store.write(lambda r: r.outbox.claim(pending.channel, [pending.id], NOON, "mine"))
    assert await delivery.resume() == 0  # another worker may be sending it this moment
    clock.advance(minutes=3)
    assert await delivery.resume() == 1
    assert await delivery.deliver_due() == 1
    assert len(slack.messages(mobile)) == 1


async def test_where_the_bot_may_not_look_the_alert_is_sent_rather_than_lost(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, clock: StoppedClock
) -> None:
    outside = slack.workspace.add_channel("outside", with_bot=False)
    await tell(store, outside.id)
    (pending,) = await store.read(lambda r: deliveries_due(r, NOON))
    await store.write(lambda r: r.outbox.claim(pending.channel, [pending.id], NOON, "mine"))
    clock.advance(minutes=3)
    await delivery.resume()
    assert await delivery.deliver_due() == 1
    assert len(slack.messages(outside)) == 1


async def test_an_answer_that_never_came_is_looked_up_before_posting_again(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    slack.api.faults.hang("chat.postMessage")
    await tell(store, mobile.id)
    assert await delivery.deliver_due() == 0
    assert await state(store) == {DeliveryState.PENDING: 1}
    clock.advance(minutes=1)
    assert await delivery.deliver_due() == 1
    assert slack.calls("conversations.history")
    assert len(slack.messages(mobile)) == 1
    slack.api.faults.release()
