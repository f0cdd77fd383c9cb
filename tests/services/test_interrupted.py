"""Deliveries whose outcome nobody knows: Slack took the message and the answer was lost, or the process died before the note."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.domain.model import Alert, AlertKind
from bot.manifest import scopes
from bot.sandbox.slack import PretendSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.alerts import MOST_ATTEMPTS, AlertDelivery
from bot.store import Database
from bot.views import alerts
from bot.views.bundle import bundle
from handlers.messenger import SlackMessenger, web_client

from .conftest import NOON, StoppedClock


@pytest.fixture
async def slack() -> AsyncIterator[PretendSlack]:
    async with PretendSlack() as slack:
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
        (due,) = await store.read(lambda r: r.outbox.due(clock()))
        await store.write(lambda r, id=due.id: r.outbox.mark_sending(id, clock()))  # and the process is gone
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
