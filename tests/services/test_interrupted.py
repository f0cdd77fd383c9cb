"""Deliveries whose outcome nobody knows: Slack took the message and the answer was lost, or the process died before the note."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.domain.answers import AlertFacts
from bot.domain.errors import MessageRefused
from bot.domain.message import Message as Content
from bot.domain.model import Alert, AlertKind, DeliveryState
from bot.manifest import scopes
from bot.sandbox.slack import Message, PretendSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.alerts import MOST_ATTEMPTS, AlertDelivery
from bot.store import Database
from bot.views import alerts
from bot.views.bundle import bundle
from handlers.messenger import A_PAGE, MOST_PAGES, SlackMessenger, web_client

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
    async with aiohttp.ClientSession() as client.session:
        yield AlertDelivery(store, SlackMessenger(client), alerts.card, alerts.line, {}, clock, pace=0, render_list=bundle)


async def tell(store: Database, channel: Channel) -> None:
    alert = Alert("test:a", AlertKind.AGREEMENT_BLOCKED, "acme-apple", NOON, facts={"blocked": "apps"})
    await store.write(lambda r: r.outbox.add(alert, [channel.id]))


async def test_a_search_that_slack_slows_down_is_not_taken_for_a_message_that_is_not_there(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    slack.api.faults.lose_answer("chat.postMessage")
    slack.rate_limit("conversations.history")
    await tell(store, mobile)
    for _ in range(4):
        await delivery.deliver_due()
        clock.advance(minutes=1)
    assert len(slack.messages(mobile)) == 1


async def test_a_process_that_dies_again_and_again_uses_up_no_attempts(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile)
    for _ in range(MOST_ATTEMPTS + 1):
        (due,) = await store.read(lambda r: deliveries_due(r, clock()))
        await store.write(lambda r, d=due: r.outbox.claim(d.channel, [d.id], clock(), "mine"))  # and the process is gone
        clock.advance(minutes=1)
        assert await delivery.resume() == 1
    slack.fail("chat.postMessage", "internal_error")
    await delivery.deliver_due()
    clock.advance(seconds=30)
    assert await delivery.deliver_due() == 1
    assert len(slack.messages(mobile)) == 1


async def test_an_attempt_that_hangs_ends_before_others_may_take_it_up(
    slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    client = web_client(slack.bot_token, slack.api_url)
    async with aiohttp.ClientSession() as client.session:
        lease = timedelta(seconds=0.4)
        delivery = AlertDelivery(
            store, SlackMessenger(client), alerts.card, alerts.line, {}, clock, pace=0, lease=lease, render_list=bundle
        )
        slack.api.faults.hang("chat.postMessage")
        await tell(store, mobile)
        assert await delivery.deliver_due() == 0
        clock.advance(minutes=1)
        assert await delivery.resume() == 0  # it was handed back by itself
        assert await delivery.deliver_due() == 1
    assert len(slack.messages(mobile)) == 1


async def test_a_clock_that_is_ahead_of_slacks_finds_the_message_all_the_same(
    slack: PretendSlack, store: Database, delivery: AlertDelivery, mobile: Channel, clock: StoppedClock
) -> None:
    clock.now = datetime.now(UTC) + timedelta(minutes=5)
    alert = Alert("test:ahead", AlertKind.AGREEMENT_BLOCKED, "acme-apple", clock.now, facts={"blocked": "apps"})
    await store.write(lambda r: r.outbox.add(alert, [mobile.id]))
    slack.api.faults.lose_answer("chat.postMessage")
    await delivery.deliver_due()
    clock.advance(minutes=1)
    assert await delivery.deliver_due() == 1
    assert len(slack.messages(mobile)) == 1


async def test_a_public_channel_that_the_bot_is_not_in_is_looked_into_all_the_same(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, clock: StoppedClock
) -> None:
    outside = slack.workspace.add_channel("outside", with_bot=False)
    await tell(store, outside)
    slack.api.faults.lose_answer("chat.postMessage")
    await delivery.deliver_due()
    clock.advance(minutes=3)
    assert await delivery.deliver_due() == 1
    assert len(slack.messages(outside)) == 1


async def test_much_talk_since_the_attempt_hides_no_message(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile)
    slack.api.faults.lose_answer("chat.postMessage")
    await delivery.deliver_due()
    clock.advance(hours=3)
    talk(slack, mobile, MOST_PAGES * A_PAGE)
    assert await delivery.deliver_due() == 1
    assert sum(message.metadata is not None for message in slack.messages(mobile)) == 1


async def test_a_search_that_finds_no_end_is_not_taken_for_a_message_that_is_not_there(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile)
    slack.api.faults.lose_answer("chat.postMessage")
    await delivery.deliver_due()
    talk(slack, mobile, MOST_PAGES * A_PAGE)
    clock.advance(minutes=3)
    assert await delivery.deliver_due() == 0
    (waiting,) = await store.read(lambda r: r.told.last(mobile.id, 2))
    assert (waiting.state, waiting.reason) == (DeliveryState.PENDING, "not_looked_for")


def talk(slack: PretendSlack, channel: Channel, messages: int) -> None:
    for _ in range(messages):
        channel.messages.append(Message(channel.id, slack.workspace.next_ts(), "U0ADA", "talk", []))


async def test_a_process_that_stood_still_leaves_its_message_to_whoever_took_it_up(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile)
    parcel = await store.write(lambda r: delivery._packer.take(r, mobile.id))
    assert parcel  # and the machine stands still
    clock.advance(minutes=1)
    assert await delivery.resume() == 1
    assert await delivery.deliver_due() == 1
    assert not await delivery._deliver(parcel)
    assert len(slack.messages(mobile)) == 1


async def test_a_refusal_that_comes_late_changes_nothing(
    delivery: AlertDelivery, slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    await tell(store, mobile)
    late = await store.write(lambda r: delivery._packer.take(r, mobile.id))
    assert late
    clock.advance(minutes=1)
    await delivery.resume()
    mine = await store.write(lambda r: delivery._packer.take(r, mobile.id))
    assert mine
    await store.write(lambda r: delivery._note_refusal(r, late, MessageRefused("msg_too_long")))
    (standing,) = await store.read(lambda r: r.told.last(mobile.id, 2))
    assert standing.state is DeliveryState.SENDING


async def test_a_card_that_cannot_be_drawn_has_failed_in_the_end(
    slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    def breaks(facts: AlertFacts, now: datetime) -> Content:
        raise ZeroDivisionError

    messenger = SlackMessenger(web_client(slack.bot_token, slack.api_url))
    delivery = AlertDelivery(store, messenger, breaks, alerts.line, {}, clock, pace=0, render_list=bundle)
    await tell(store, mobile)
    (due,) = await store.read(lambda r: deliveries_due(r, clock()))
    for _ in range(MOST_ATTEMPTS - 2):
        await store.write(lambda r: r.outbox.postpone(due.id, clock(), "defect"))
    for _ in range(2):
        assert await delivery.deliver_due() == 0
        clock.advance(minutes=16)
    (failed,) = await store.read(lambda r: r.outbox.failures(5))
    assert (failed.state, failed.reason) == (DeliveryState.FAILED, "defect")


class Stage(SlackMessenger):
    """Posts into a slow channel only when it is let."""

    def __init__(self, slack: PretendSlack, slow: Channel) -> None:
        super().__init__(web_client(slack.bot_token, slack.api_url))
        self.slow = slow
        self.go_on = asyncio.Event()

    async def post(self, channel: str, message: Content, delivery_id: str, thread: str | None = None) -> str:
        if channel == self.slow.id:
            await self.go_on.wait()
        return await super().post(channel, message, delivery_id, thread)


async def test_a_slow_channel_holds_up_no_other(
    slack: PretendSlack, store: Database, mobile: Channel, clock: StoppedClock
) -> None:
    other, stage = slack.workspace.add_channel("other"), Stage(slack, mobile)
    delivery = AlertDelivery(store, stage, alerts.card, alerts.line, {}, clock, pace=0, render_list=bundle)
    await tell(store, mobile)
    delivering = asyncio.create_task(delivery.deliver_due())
    alert = Alert("test:b", AlertKind.AGREEMENT_BLOCKED, "acme-apple", NOON, facts={"blocked": "apps"})
    await store.write(lambda r: r.outbox.add(alert, [other.id]))
    async with asyncio.timeout(5):
        while not slack.messages(other):  # noqa: ASYNC110 - it happens behind HTTP
            await asyncio.sleep(0.01)
    assert slack.messages(mobile) == []
    stage.go_on.set()
    assert await delivering == 2
