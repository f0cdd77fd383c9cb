"""What goes on while processes die: builds arrive, an agreement expires, Slack and vendors misbehave. Drawn from one seed."""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Channel, Message
from bot.sandbox.slack.workspace import Happening, NothingSeen, Readable, What
from bot.sandbox.vendors.apple.model import AppleBuild
from bot.sandbox.world import APPLE, World

from .crew import Member

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID")  # the same in all processes of a run that is spread over several
SEED = int(os.environ.get("PURSER_SEED") or (int(RUN, 16) if RUN else secrets.randbelow(1_000_000))) % 1_000_000
KILLS = int(os.environ.get("PURSER_KILLS") or 10)  # of each database: 20 in all
PAUSE = (0.1, 0.9)  # seconds between two kills: shorter and longer than a start takes
WORST = 5.0  # seconds to wait for the worst moment, while something is to be told
MUCH = 25  # builds still to be told: no more come, and the worst moment is waited for longer
CALM = 10.0  # seconds to wait for it then
METHODS = ("chat.postMessage", "chat.postMessage", "conversations.history", "chat.update", "auth.test")

CHANGE = ": now "  # in the line that a change adds to the thread of a card

Act = Callable[[], object]


@dataclass
class Uploads:
    """Builds that appear at the vendors, each with a number of its own. `numbers`: of every build so far; `rejected`: of those
    that Apple turned down afterwards."""

    world: World
    numbers: dict[str, str] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    _reviewed: list[tuple[str, AppleBuild]] = field(default_factory=list)
    _next: Iterator[int] = field(default_factory=lambda: count(70_001))

    def one(self, random: Random) -> None:
        world, number = self.world, str(next(self._next))
        shelves = (
            ("Shop", lambda version: world.applivery.upload(world.in_applivery.shop, version, number)),
            ("Scanner", lambda version: world.applivery.upload(world.in_applivery.scanner, version, number)),
            ("Courier", lambda version: world.appcircle.upload(world.in_appcircle.courier, version, number)),
            ("Shop", lambda version: world.apple.upload(world.in_apple.shop, version, number)),
        )
        product, upload = random.choice(shelves)
        uploaded = upload(f"9.{len(self.numbers)}.0")
        self.numbers[number] = product
        if isinstance(uploaded, AppleBuild):
            self._reviewed.append((number, uploaded))

    def reject(self) -> None:
        """The oldest that Apple has not turned down yet: its card changes."""
        if self._reviewed:
            number, build = self._reviewed.pop(0)
            self.world.apple.set_external_state(build, "BETA_REJECTED")
            self.rejected.add(number)

    def of(self, product: str | None) -> set[str]:
        return {number for number, owner in self.numbers.items() if product in (None, owner)}


def trouble(world: World, random: Random) -> Act:
    """One thing that goes wrong outside. Every vendor's failure is short: an account that keeps failing is left alone."""
    faults, method = world.slack.api.faults, random.choice(METHODS)
    vendor = random.choice((world.apple, world.applivery, world.appcircle))
    return random.choice(
        (
            lambda: faults.rate_limit(method, retry_after=1),
            lambda: faults.break_down(method),
            lambda: faults.fail(method, "internal_error"),
            lambda: faults.hang(method),
            lambda: faults.lose_answer("chat.postMessage"),
            lambda: faults.lose_answer("chat.postMessage"),
            lambda: vendor.misbehave("/", random.choice((Misbehaviour.HTML_502, Misbehaviour.DROP_MID_BODY)), times=1),
            lambda: vendor.misbehave("/", Misbehaviour.RATE_LIMITED, times=1, retry_after=1),
        )
    )


async def storm(
    world: World, crew: Sequence[Member], uploads: Uploads, kills: int, random: Random, owed: Callable[[], int]
) -> None:
    """Kills at random, while builds arrive, things go wrong, and an agreement blocks Apple's account: the Account Holder signs in
    the second half, when somebody can have read of it, or has not signed yet. Then everything outside is well again. `owed`:
    how many builds are still to be told somewhere."""
    world.apple.block_agreements()
    for number in range(kills):
        if number >= kills // 2 and any(map(_tells_of_papers, world.slack.workspace.happenings)):
            world.apple.clear_agreements()
        dice = Random(random.random())  # the next kill's are the same however far things got until this one
        if dice.random() < 0.5:
            trouble(world, dice)()
        if dice.random() < 0.6 and owed() < MUCH:
            uploads.one(dice)
        if dice.random() < 0.4:
            uploads.reject()
        if number % 3 == 0 and owed():
            await killed_in_between(world, crew, WORST if owed() < MUCH else CALM)
        else:
            await asyncio.sleep(dice.uniform(*PAUSE))
            dice.choice(crew).kill()
    world.slack.api.faults.clear()
    world.slack.api.faults.release()
    for vendor in (world.apple, world.applivery, world.appcircle):
        vendor.behave()


async def killed_in_between(world: World, crew: Sequence[Member], within: float) -> None:
    """The worst moment: Slack took a message, and whoever sent it does not live to hear of it."""
    world.slack.api.faults.lose_answer("chat.postMessage")
    with suppress(NothingSeen):
        await world.slack.workspace.watch(_is_posted, within, world.slack.mark)
    for member in crew:
        if member.command in ("run", "worker"):
            member.kill()


def _is_posted(happening: Happening) -> bool:
    return happening.what is What.POSTED and isinstance(happening.thing, Message) and happening.thing.metadata is not None


def _tells_of_papers(happening: Happening) -> bool:
    return _is_posted(happening) and is_about_papers(happening.thing)


def is_about_papers(thing: Readable) -> bool:
    return f"blocks {APPLE}" in thing.text_content


def told_of_papers(channel: Channel) -> tuple[int, int, bool]:
    """Cards there about the agreement, lines in their threads, and whether each card says that it is over."""
    about = [message for message in channel.messages if message.metadata and is_about_papers(message)]
    cards = [message for message in about if message.thread_ts is None]
    lines = sum(message.thread_ts in {card.ts for card in cards} for message in about)
    return len(cards), lines, all("It took" in card.text_content for card in cards)


def told(channel: Channel, numbers: set[str]) -> dict[str, int]:
    """How many cards of a channel are about each of these builds, its threads included."""
    texts = [message.text_content for message in channel.messages if CHANGE not in message.text_content]
    return {number: sum(f"({number})" in text for text in texts) for number in sorted(numbers)}


def stale(channel: Channel, rejected: set[str]) -> list[str]:
    """The rejected builds whose card there does not say so. A list says it for each build in turn."""
    cards = [message.text_content for message in channel.messages if CHANGE not in message.text_content]
    about = {number: text.split(f"({number})", 1)[1] for number in rejected for text in cards if f"({number})" in text}
    return sorted(number for number, text in about.items() if "rejected" not in text.split("(7", 1)[0])
