"""`/download` and the Download button: a link for this person at this moment."""

from bot.domain.answers import (
    Blocked,
    ChoiceAnswer,
    Denied,
    Limited,
    NoSuchProduct,
    NothingMatches,
    Obstacle,
    ProductsAnswer,
    Ticket,
)
from bot.domain.errors import UserMistake
from bot.domain.model import Build, Person
from bot.views import download, mistakes, versions, waiting
from bot.views.ids import decode_build, decode_origin
from handlers.desk import Desk
from handlers.reasons import UNKNOWN_BUILD, because
from handlers.requests import Ask, Click, Reply, Showing

WORTH_WAITING = (Obstacle.PROCESSING, Obstacle.VENDOR_DOWN, Obstacle.VENDOR_BUSY)


class Download:
    """Checks, mints, answers only to the person who clicked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        answer = await self._desk.catalog.ask_download(ask.words, ask.channel, ask.person)
        now = self._desk.clock()
        match answer:
            case Build():
                return await self._minted(ask.person, ask.channel, answer.key)
            case ProductsAnswer():
                return Reply(versions.products(answer, now))
            case ChoiceAnswer():
                return Reply(download.choice(answer, now))
            case NoSuchProduct():
                return Reply(mistakes.no_such_product(answer), facts=because(answer))
            case NothingMatches():
                return Reply(mistakes.nothing_matches(answer, now), facts=because(answer))
            case _:
                return Reply(mistakes.denied(answer), facts=because(answer))

    async def click(self, click: Click) -> Reply:
        key, channel = decode_build(click.value), asked_in(click)
        if denied := await self._desk.catalog.denial_of(key, channel, click.person, from_afar=channel != click.channel):
            await self._desk.links.refuse(click.person.id, channel, key, denied.denial)
            return Reply(mistakes.denied(denied), facts=because(denied))
        return await self._minted(click.person, channel, key)

    async def denied(self, click: Click, denied: Denied) -> None:
        """Somebody who may have nothing at all pressed the button: the log says so."""
        await self._desk.links.refuse(click.person.id, asked_in(click), decode_build(click.value), denied.denial)

    async def tell_me(self, click: Click) -> Reply:
        """The vendor is asked once more: who need not wait gets the link at once."""
        key, channel = decode_build(click.value), asked_in(click)
        if denied := await self._desk.catalog.denial_of(key, channel, click.person, from_afar=channel != click.channel):
            return Reply(mistakes.denied(denied), facts=because(denied))
        outcome = await self._grant(click.person, channel, key)
        if not isinstance(outcome, Blocked) or outcome.build is None or outcome.obstacle not in WORTH_WAITING:
            return self._drawn(outcome)
        await self._desk.waiting.enter(click.person.id, channel, outcome.build)
        return Reply(waiting.waiting(outcome, outcome.build), facts=because(outcome))

    async def share(self, ask: Ask) -> Reply:
        """The choice for the whole channel; every reader mints a link of their own."""
        answer = await self._desk.catalog.ask_download(ask.words, ask.channel, ask.person)
        if isinstance(answer, Build):
            return await self._shared(answer.key, ask.person)
        if isinstance(answer, ChoiceAnswer):
            return Reply(download.shared_choice(answer, ask.person.id, self._desk.clock()), Showing.CHANNEL)
        return await self.ask(ask)

    async def share_build(self, click: Click) -> Reply:
        """The build of a ticket for the whole channel, without its link."""
        key = decode_build(click.value)
        if denied := await self._desk.catalog.denial_of(key, click.channel, click.person):
            return Reply(mistakes.denied(denied), facts=because(denied))
        return await self._shared(key, click.person)

    async def _shared(self, key: str, person: Person) -> Reply:
        found = await self._desk.links.shelved(key)
        if found is None:
            return Reply(mistakes.user_mistake(UserMistake("That build is not known any more.")), facts=UNKNOWN_BUILD)
        titles, now = self._desk.catalog.titles, self._desk.clock()
        return Reply(download.shared_build(found.build, found.product, titles, person.id, now), Showing.CHANNEL)

    async def _minted(self, person: Person, channel: str, key: str) -> Reply:
        return self._drawn(await self._grant(person, channel, key))

    async def _grant(self, person: Person, channel: str, key: str) -> Ticket | Blocked | Limited:
        outcome = await self._desk.links.grant(person.id, channel, key)
        if isinstance(outcome, Blocked) and outcome.obstacle is Obstacle.AGREEMENT:
            await self._desk.incidents.suspect(outcome.account)
        return outcome

    def _drawn(self, outcome: Ticket | Blocked | Limited) -> Reply:
        now = self._desk.clock()
        match outcome:
            case Ticket():
                return Reply(download.ticket(outcome, now))
            case Limited():
                return Reply(download.limited(outcome, now), facts=because(outcome))
            case Blocked():
                return Reply(download.blocked(outcome, now), facts=because(outcome))


def asked_in(click: Click) -> str:
    """The channel that counts: a button that stands in no channel may say where its build was asked for."""
    origin, is_in_a_channel = decode_origin(click.value), click.channel.startswith(("C", "G"))
    return click.channel if origin is None or is_in_a_channel else origin
