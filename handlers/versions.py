"""`/versions`: where is the build?"""

from functools import partial

from bot.domain.answers import BuildsAnswer, Denied, HeadsAnswer, NoSuchProduct, NothingMatches, ProductsAnswer
from bot.domain.message import Message
from bot.services.catalog import Answer
from bot.views import mistakes, versions
from handlers.desk import Desk
from handlers.reasons import because
from handlers.refreshing import refreshed
from handlers.requests import Ask, Reply, Showing


class Versions:
    """Answers from the store at once; what is stale is refreshed behind the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        return await refreshed(self._desk.refresher, partial(self._answer, ask), self._draw)

    async def share(self, ask: Ask) -> Reply:
        """The same answer for the whole channel; every reader mints a link of their own."""
        answer = await self._answer(ask)
        if isinstance(answer, HeadsAnswer | BuildsAnswer | ProductsAnswer):
            return Reply(versions.shared(answer, ask.person.id, self._desk.clock()), Showing.CHANNEL)
        return Reply(self._draw(answer), facts=because(answer))

    async def _answer(self, ask: Ask) -> Answer:
        return await self._desk.catalog.ask(ask.words, ask.channel, ask.offset, ask.person)

    def _draw(self, answer: Answer) -> Message:
        now = self._desk.clock()
        match answer:
            case ProductsAnswer():
                return versions.products(answer, now)
            case HeadsAnswer():
                return versions.heads(answer, now)
            case BuildsAnswer():
                return versions.builds(answer, now)
            case NoSuchProduct():
                return mistakes.no_such_product(answer)
            case NothingMatches():
                return mistakes.nothing_matches(answer, now)
            case Denied():
                return mistakes.denied(answer)
