"""An Apple agreement expires: what the channel reads, what people press, who is reminded, and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from bot.domain.model import DeliveryState
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Channel, Message, User

from .conftest import Journey

APPLE = "acme-apple"


class Papers:
    """A journey on which #mobile and #releases have heard that an agreement blocks the Apple account."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.slack = journey.world.slack
        self.town = journey.world.town
        self.apple = journey.world.apple
        self.apple.clock = journey.clock

    async def subscribe(self, *channels: Channel) -> None:
        for channel in channels:
            await self.slack.command(self.town.ada, channel, "/purser subscribe all agreements")

    async def probe(self, times: int = 1) -> None:
        """Scheduled checks, two minutes apart, and the deliveries that follow."""
        for _ in range(times):
            self.journey.clock.advance(minutes=2)
            await self.journey.purser.agreements.check(APPLE)
            await self.deliver()

    async def deliver(self) -> None:
        """Until nothing waits."""
        await self.journey.purser.jobs.defer("deliver")
        await _until(self._is_done)

    async def _is_done(self) -> bool:
        counts = await self.journey.purser.store.read(lambda r: r.outbox.counts())
        return not counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING]

    async def remind(self, **later: float) -> None:
        self.journey.clock.advance(**later)
        await self.journey.purser.incidents.remind()
        await self.deliver()

    async def block(self) -> None:
        self.apple.block_agreements()
        await self.probe(2)

    async def sign(self) -> None:
        self.apple.clear_agreements()
        await self.probe()

    def told(self, channel: Channel) -> list[Message]:
        """What the bot announced there: the card, then what is in its thread."""
        return [message for message in self.slack.messages(channel) if message.metadata]

    def card(self, channel: Channel | None = None) -> Message:
        return self.told(channel or self.town.mobile)[0]

    async def press(self, user: User, label: str, channel: Channel | None = None) -> str:
        answer = await self.slack.press(user, self.card(channel), label)
        assert isinstance(answer, Message)
        assert answer.to == user.id
        return answer.text_content

    async def snooze(self, user: User, label: str) -> str:
        card = self.card()
        (menu,) = card.menus
        value = dict(menu.options)[label]
        answer = await self.slack.choose(user, card, menu.action_id, value)
        assert isinstance(answer, Message)
        return answer.text_content

    async def shows(self, words: str, channel: Channel | None = None) -> Message:
        """The card, once it says so."""
        ts = self.card(channel).ts
        return await self.slack.wait_for(lambda message: message.ts == ts and words in message.text_content)


@pytest.fixture
async def papers(journey: Journey) -> Papers:
    papers = Papers(journey)
    await papers.subscribe(papers.town.mobile, papers.town.releases)
    await papers.probe()
    await papers.block()
    return papers


async def test_the_card_says_what_is_blocked_who_must_act_and_where(papers: Papers) -> None:
    card = papers.card()
    assert "An agreement blocks acme-apple" in card.text_content
    assert "apps and builds" in card.text_content
    assert "Account Holder" in card.text_content
    assert [button.label for button in card.buttons] == ["Open App Store Connect", "Check again", "I'm on it"]
    assert card.button("Open App Store Connect").url == "https://appstoreconnect.apple.com/business"


async def test_check_again_asks_apple_and_tells_the_person(papers: Papers) -> None:
    asked = len(papers.apple.requests)
    assert "still blocked: apps and builds" in await papers.press(papers.town.ben, "Check again")
    assert len(papers.apple.requests) > asked
    assert not papers.card().edits


async def test_check_again_after_the_signature_ends_the_incident_for_all(papers: Papers) -> None:
    papers.journey.clock.advance(hours=2)
    papers.apple.clear_agreements()
    assert "Nothing blocks acme-apple any more" in await papers.press(papers.town.ben, "Check again")
    await papers.deliver()
    for channel in (papers.town.mobile, papers.town.releases):
        card = await papers.shows("It took 2 h", channel)
        assert not card.buttons
        (line,) = papers.told(channel)[1:]
        assert line.thread_ts == card.ts
        assert "It took 2 h" in line.text_content


@pytest.mark.parametrize(
    ("trouble", "words"), [(Misbehaviour.HTML_502, "Apple did not tell"), (Misbehaviour.FORBIDDEN, "key or its role")]
)
async def test_check_again_does_not_guess(papers: Papers, trouble: Misbehaviour, words: str) -> None:
    papers.apple.clear_agreements()
    papers.apple.misbehave("/", trouble)
    text = await papers.press(papers.town.ada, "Check again")
    papers.apple.behave()
    assert words in text
    assert "counts as blocked" in text


async def test_who_is_on_it_is_shown_in_every_channel_and_can_change(papers: Papers) -> None:
    town = papers.town
    assert "You are on it" in await papers.press(town.ada, "I'm on it")
    for channel in (town.mobile, town.releases):
        await papers.shows(f"@{town.ada.id} is on it since", channel)
    assert "already" in await papers.press(town.ada, "Take over")
    assert f"took over from @{town.ada.id}" in await papers.press(town.ben, "Take over", town.releases)
    await papers.shows(f"@{town.ben.id} is on it since")
    await papers.sign()
    assert f"@{town.ben.id} was on it" in (await papers.shows("Nothing blocks")).text_content


async def test_the_list_of_agreements_names_who_is_on_it(papers: Papers) -> None:
    await papers.press(papers.town.ada, "I'm on it")
    assert f"@{papers.town.ada.id} is on it" in (await papers.journey.ask("/purser agreements")).text_content


async def test_a_download_that_is_refused_for_an_agreement_counts_as_a_check(journey: Journey) -> None:
    papers = Papers(journey)
    await papers.subscribe(papers.town.mobile)
    await papers.probe()
    papers.apple.block_agreements()
    for strikes in (1, 0):
        journey.clock.advance(minutes=2)
        assert "agreement" in (await journey.ask("/download shop 412")).text_content
        await _until(partial(_has_strikes, papers, strikes))
    await papers.deliver()
    assert "An agreement blocks acme-apple" in papers.card().text_content


async def test_reminders_stand_in_the_thread_after_one_three_and_seven_days(papers: Papers) -> None:
    await papers.press(papers.town.ada, "I'm on it")
    lengths = []
    for _ in range(4 * 10):
        await papers.remind(hours=6)
        lengths.append(len(papers.told(papers.town.mobile)) - 1)
    assert [lengths.count(length) for length in range(3)] == [3, 8, 16]
    card, *lines = papers.told(papers.town.mobile)
    assert {line.thread_ts for line in lines} == {card.ts}
    assert "still blocked after 1 day" in lines[0].text_content
    assert f"@{papers.town.ada.id} is on it" in lines[0].text_content
    await papers.sign()
    assert len(papers.told(papers.town.mobile)) == 5
    await papers.remind(days=9)
    assert len(papers.told(papers.town.mobile)) == 5


@pytest.mark.parametrize(
    ("label", "silent"), [("4 hours", {"hours": 3.9}), ("1 day", {"hours": 23.9}), ("Until Monday", {"seconds": 1})]
)
async def test_a_snooze_holds_reminders_back_and_is_shown(papers: Papers, label: str, silent: dict[str, float]) -> None:
    papers.journey.clock.advance(hours=23)
    assert "No reminders about acme-apple before" in await papers.snooze(papers.town.ben, label)
    card = await papers.shows("No reminders before")
    assert f"says @{papers.town.ben.id}" in card.text_content
    papers.journey.clock.advance(**silent)
    await papers.remind()
    assert len(papers.told(papers.town.mobile)) == 1
    await papers.remind(days=8)
    (line,) = papers.told(papers.town.mobile)[1:]
    assert "still blocked" in line.text_content
    assert "No reminders before" not in papers.card().text_content


async def test_a_channel_that_subscribed_later_gets_a_message_of_its_own(papers: Papers) -> None:
    await papers.subscribe(papers.town.general)
    await papers.sign()
    (alone,) = papers.told(papers.town.general)
    assert alone.thread_ts is None
    assert "Nothing blocks acme-apple" in alone.text_content


async def test_a_later_subscriber_is_reminded_with_a_card_that_lives(papers: Papers) -> None:
    await papers.subscribe(papers.town.general)
    await papers.remind(days=1)
    (card,) = papers.told(papers.town.general)
    assert card.thread_ts is None
    await papers.press(papers.town.ada, "I'm on it")
    await papers.shows(f"@{papers.town.ada.id} is on it", papers.town.general)
    await papers.sign()
    assert "Nothing blocks" in papers.card(papers.town.general).text_content
    assert papers.told(papers.town.general)[1].thread_ts == card.ts


async def test_whoever_unsubscribed_sees_the_end_on_the_card_and_hears_nothing(papers: Papers) -> None:
    await papers.slack.command(papers.town.ada, papers.town.releases, "/purser unsubscribe all")
    await papers.sign()
    await papers.shows("Nothing blocks", papers.town.releases)
    assert len(papers.told(papers.town.releases)) == 1


async def test_buttons_of_an_incident_that_is_over_say_so(papers: Papers) -> None:
    old = {button.label: button for button in papers.card().buttons}  # on a screen that is behind
    await papers.sign()
    for label in ("Check again", "I'm on it"):
        answer = await papers.slack.press(papers.town.ada, papers.card(), old[label])
        assert "This is over" in answer.text_content
    await papers.block()
    answer = await papers.slack.press(papers.town.ada, papers.card(), old["I'm on it"])
    assert "of an earlier time" in answer.text_content
    assert "is on it" not in papers.told(papers.town.mobile)[2].text_content


async def test_a_guest_is_told_why_not(papers: Papers) -> None:
    assert "guest" in (await papers.press(papers.town.gus, "I'm on it")).casefold()
    assert "is on it" not in papers.card().text_content


async def test_a_card_that_slack_does_not_change_keeps_nobody_from_answering(papers: Papers) -> None:
    papers.slack.fail("chat.update", "edit_window_closed")
    assert "You are on it" in await papers.press(papers.town.ada, "I'm on it")
    channels = [papers.town.mobile, papers.town.releases]
    await papers.slack.wait_for(lambda message: f"@{papers.town.ada.id} is on it" in message.text_content)
    assert sum(f"@{papers.town.ada.id} is on it" in papers.card(channel).text_content for channel in channels) == 1


async def test_a_version_that_waits_for_a_contract_blocks_the_account(journey: Journey) -> None:
    papers = Papers(journey)
    await papers.subscribe(papers.town.mobile)
    await papers.probe()
    app = journey.world.in_apple.shop
    version = papers.apple.add_store_version(app, "3.3.0", state="PENDING_DEVELOPER_RELEASE")
    papers.apple.set_version_state(version, "PENDING_DEVELOPER_RELEASE", old_word="PENDING_CONTRACT")
    for strikes in (1, 0):
        journey.clock.advance(minutes=2)
        await journey.purser.sync.account(APPLE)
        await _until(partial(_has_strikes, papers, strikes))
    await papers.deliver()
    card = papers.card()
    assert "Blocked: App Store release" in card.text_content
    assert "PENDING_CONTRACT" in card.text_content
    papers.apple.set_version_state(version, "PENDING_DEVELOPER_RELEASE")
    await journey.purser.sync.account(APPLE)
    await papers.probe()
    assert "Nothing blocks" in papers.card().text_content


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.02)


async def _has_strikes(papers: Papers, strikes: int) -> bool:
    found = await papers.journey.purser.store.read(lambda r: r.agreements.current(APPLE))
    return found is not None and found.strikes == strikes
