"""`/download` and the Download button: a link for this person at this moment."""

from bot.domain.answers import Blocked, ChoiceAnswer, Limited, NoSuchProduct, NothingMatches, ProductsAnswer, Ticket
from bot.domain.message import Message
from bot.domain.model import Build, Person
from bot.views import download, mistakes, versions
from bot.views.ids import decode_build
from handlers.desk import Desk
from handlers.requests import Ask, Click, Reply


class Download:
    """Checks, mints, answers only to the person who clicked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        answer = await self._desk.catalog.ask_download(ask.words, ask.channel, ask.person)
        now = self._desk.clock()
        match answer:
            case Build():
                return Reply(await self._minted(ask.person, ask.channel, answer.key))
            case ProductsAnswer():
                return Reply(versions.products(answer, now))
            case ChoiceAnswer():
                return Reply(download.choice(answer, now))
            case NoSuchProduct():
                return Reply(mistakes.no_such_product(answer))
            case NothingMatches():
                return Reply(mistakes.nothing_matches(answer, now))
            case _:
                return Reply(mistakes.denied(answer))

    async def click(self, click: Click) -> Reply:
        key = decode_build(click.value)
        if denied := await self._desk.catalog.denial_of(key, click.channel, click.person):
            return Reply(mistakes.denied(denied))
        return Reply(await self._minted(click.person, click.channel, key))

    async def _minted(self, person: Person, channel: str, key: str) -> Message:
        outcome = await self._desk.links.grant(person.id, channel, key)
        now = self._desk.clock()
        match outcome:
            case Ticket():
                return download.ticket(outcome, now)
            case Limited():
                return download.limited(outcome, now)
            case Blocked():
                return download.blocked(outcome, now)
